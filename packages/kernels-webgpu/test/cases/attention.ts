/** Window attention on the kernels of the active backend, forward and gradient. */

import { expectAllclose } from '@sparsevit/testing';
import { createRandom, kernelNames } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import type { AttentionInputs } from './naive-attention';
import { naiveAttention, naiveAttentionGradient } from './naive-attention';
import type { Result, Values } from './support';
import { integers, randomValues, runForOne, runKernel, shuffled } from './support';

interface AttentionCase {
  readonly window: number;
  readonly windows: number;
  readonly heads: number;
  readonly width: number;
  /** Mask classes of the windows, in turn; none without. */
  readonly classes?: readonly number[];
  readonly shift?: readonly [number, number];
  /** Slots that read the row of all pads; without it there are no slots. */
  readonly pads?: number;
  readonly limit?: number;
}

/** Rows in an order that is not that of the slots, and pads spread over them. */
function slotsOf(count: number, pads: number, seed: number): { slots: Values; tokens: number; rows: number } {
  const tokens = count - pads;
  const slots = shuffled(count, seed).map((place) => Math.min(place, tokens));
  return { slots: integers(slots), tokens, rows: tokens + (pads > 0 ? 1 : 0) };
}

function inputsOf(given: AttentionCase, seed: number): AttentionInputs {
  const { window, windows, heads, width, classes, shift = [0, 0], pads, limit = 1 } = given;
  const count = windows * window * window;
  const { slots, tokens, rows } =
    pads === undefined ? { slots: undefined, tokens: count, rows: count } : slotsOf(count, pads, seed);
  return {
    qkv: randomValues([rows, 3 * heads * width], seed + 1, limit),
    biasTable: randomValues([(2 * window - 1) ** 2, heads], seed + 2, limit),
    slots,
    classes: classes && integers(Array.from({ length: windows }, (_, i) => classes[i % classes.length] ?? 0)),
    window,
    shiftY: shift[0],
    shiftX: shift[1],
    tokens,
  };
}

const attributesOf = ({ window, shiftY, shiftX, tokens }: AttentionInputs) => ({ window, shiftY, shiftX, tokens });
const tensorsOf = ({ qkv, biasTable, slots, classes }: AttentionInputs) => ({ qkv, biasTable, slots, classes });

async function expectForward(inputs: AttentionInputs, label?: string): Promise<void> {
  const y = await runForOne(kernelNames.windowAttention, tensorsOf(inputs), attributesOf(inputs));
  expect(y.shape).toEqual([inputs.tokens, (inputs.qkv.shape[1] ?? 0) / 3]);
  // logits of size `limit` squared times the root of the width carry their rounding into the softmax
  expectAllclose(y.data, naiveAttention(inputs), { absolute: 2e-6, relative: 2e-5, scale: 'largest' }, label);
}

async function expectGradient(inputs: AttentionInputs, seed: number, label?: string): Promise<Result[]> {
  const dy = randomValues([inputs.tokens, (inputs.qkv.shape[1] ?? 0) / 3], seed);
  const results = await runKernel(
    kernelNames.windowAttentionGradient,
    { ...tensorsOf(inputs), dy },
    attributesOf(inputs),
  );
  const { dqkv, dTable } = naiveAttentionGradient(inputs, dy);
  const tolerance = { absolute: 2e-6, relative: 2e-5, scale: 'largest' } as const;
  expect(results.map(({ shape }) => shape)).toEqual([inputs.qkv.shape, inputs.biasTable.shape]);
  expectAllclose(results[0]?.data ?? [], dqkv, tolerance, `${label} dqkv`);
  expectAllclose(results[1]?.data ?? [], dTable, tolerance, `${label} dBiasTable`);
  return results;
}

/** Every window from 2 to 12, head widths that are and are not multiples of four, classes, pads, and values at their limits. */
const attentionCases: Record<string, AttentionCase> = {
  ...Object.fromEntries(
    Array.from({ length: 11 }, (_, i) => [
      `window ${i + 2}`,
      { window: i + 2, windows: i < 6 ? 3 : 1, heads: 2, width: 4 },
    ]),
  ),
  ...Object.fromEntries(
    [1, 2, 3, 4, 5, 7, 12, 30, 32, 33, 64].map((width) => [
      `heads of ${width} channels`,
      { window: 3, windows: 2, heads: 3, width },
    ]),
  ),
  'one window, one head': { window: 7, windows: 1, heads: 1, width: 32 },
  'keys in several tiles': { window: 8, windows: 1, heads: 1, width: 68 },
  'a wide head': { window: 2, windows: 2, heads: 2, width: 129 },
  'the four mask classes': { window: 4, windows: 6, heads: 2, width: 4, classes: [0, 1, 2, 3], shift: [2, 2] },
  'classes of a window of 7': { window: 7, windows: 4, heads: 1, width: 8, classes: [3, 2, 1, 0], shift: [3, 3] },
  'a shift of one axis': { window: 5, windows: 3, heads: 1, width: 4, classes: [2, 0, 2], shift: [2, 0] },
  'slots without pads': { window: 3, windows: 4, heads: 2, width: 4, pads: 0 },
  'one pad': { window: 3, windows: 2, heads: 1, width: 5, pads: 1 },
  'many pads': { window: 4, windows: 5, heads: 3, width: 8, pads: 37 },
  'pads and classes': { window: 4, windows: 5, heads: 3, width: 4, pads: 17, classes: [0, 3, 1, 2], shift: [2, 1] },
  'all but one slot a pad': { window: 3, windows: 1, heads: 2, width: 4, pads: 8 },
  'logits of some hundreds': { window: 4, windows: 2, heads: 2, width: 16, limit: 12 },
};

/** Windows and head widths of the random cases. */
const drawnShapes = [
  [2, 1],
  [2, 8],
  [3, 5],
  [3, 16],
  [4, 6],
  [5, 4],
  [5, 9],
  [7, 12],
] as const;

function drawCase(number: number): AttentionCase {
  const random = createRandom(3000 + number);
  // few pairs, since every window and head width is a shader of its own
  const [window, width] = drawnShapes[random.integer(0, drawnShapes.length)] ?? [2, 1];
  const windows = random.integer(1, window > 5 ? 2 : 6);
  const isShifted = random.uniform() < 0.5;
  return {
    window,
    windows,
    heads: random.integer(1, 4),
    width,
    ...(isShifted && {
      classes: Array.from({ length: 5 }, () => random.integer(0, 4)),
      shift: [random.integer(0, window), random.integer(0, window)] as const,
    }),
    ...(random.uniform() < 0.5 && { pads: random.integer(0, windows * window * window) }),
  };
}

/** Attention against plain loops. */
export function attentionKernelCases(): void {
  describe('attention', () => {
    test.each(Object.entries(attentionCases))('%s', async (_, given) => {
      await expectForward(inputsOf(given, 1));
    });

    test.each(Object.entries(attentionCases))('the gradient: %s', async (_, given) => {
      const inputs = inputsOf(given, 4);
      const first = await expectGradient(inputs, 7);
      expect(await expectGradient(inputs, 7), 'the same bits again').toEqual(first);
    });

    const perTest = 20;
    test.each([0, 20, 40, 60, 80])('20 random cases from %i', async (first) => {
      for (let number = first; number < first + perTest; number++) {
        const given = drawCase(number);
        const label = `case ${number}: ${JSON.stringify(given)}`;
        await expectForward(inputsOf(given, 10 * number), label);
        if (number % 4 === 0) await expectGradient(inputsOf(given, 10 * number), number, label);
      }
    });

    test('a logit far above the others does not overflow', async () => {
      const inputs = inputsOf({ window: 2, windows: 1, heads: 1, width: 4 }, 1);
      inputs.biasTable.data.fill(1e4);
      inputs.biasTable.data[4] = 3e4; // of a token with itself
      const y = await runForOne(kernelNames.windowAttention, tensorsOf(inputs), attributesOf(inputs));
      const own = Array.from({ length: 4 }, (_, row) => inputs.qkv.data.subarray(row * 12 + 8, row * 12 + 12));
      expectAllclose(
        y.data,
        own.flatMap((values) => Array.from(values)),
        { absolute: 1e-6 },
      );
    });
  });
}
