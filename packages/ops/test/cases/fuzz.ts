/** Random legal shapes: a whole block on kernels against the reference path, forward and gradients. For backends with a pack installed. */

import { createTensorOps, withoutKernels } from '@sparsevit/ops';
import { expectAllclose } from '@sparsevit/testing';
import type { Random, WindowGrid } from '@sparsevit/windows';
import { createRandom, createWindowGrid } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';

const ops = createTensorOps();

interface FuzzCase {
  readonly grid: WindowGrid;
  readonly channels: number;
  readonly heads: number;
  /** Window ids per image [B, kept]; null for all windows. */
  readonly ids: Int32Array | null;
  readonly kept: number;
  readonly hidden: number;
  readonly seed: number;
}

function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[random.integer(0, items.length)] as Item;
}

/** One legal case of about `size` values; every fifth keeps no window, one, or all of them. */
function drawCase(number: number): FuzzCase {
  const random = createRandom(1000 + number);
  const window = pick(random, [2, 3, 4, 5, 7, 7, 7, 8, 12]);
  const heads = pick(random, [1, 2, 3]);
  const headWidth = pick(random, [1, 3, 4, 5, 8, 10, 16, 32]);
  const sides = (): number => random.integer(1, Math.max(2, Math.floor(30 / heads) + 2));
  const grid = createWindowGrid({
    batch: random.integer(1, 4),
    height: sides(),
    width: sides(),
    window,
    isShifted: random.uniform() < 0.5,
    rules: {
      pad: pick(random, ['before-norm', 'after-norm'] as const),
      shift: pick(random, ['pad-then-roll', 'roll-then-pad'] as const),
      shiftOff: pick(random, ['never', 'per-axis', 'both-axes'] as const),
    },
  });
  const windows = grid.windowsPerImage;
  const kept = pick(random, [0, 1, windows, random.integer(0, windows + 1), random.integer(0, windows + 1)]);
  const isDense = random.uniform() < 0.2;
  const ids: number[] = [];
  for (let image = 0; image < grid.batch; image++) {
    const left = Array.from({ length: windows }, (_, id) => id);
    for (let i = 0; i < kept; i++) ids.push(...left.splice(random.integer(0, left.length), 1));
  }
  const channels = heads * headWidth;
  return {
    grid,
    channels,
    heads,
    ids: isDense ? null : Int32Array.from(ids),
    kept: isDense ? windows : kept,
    hidden: random.integer(1, 4 * channels + 1),
    seed: number,
  };
}

/** A value for each part of a block, in [-1, 1) times a scale that keeps sums of order 1. */
function drawInputs({ grid, channels, heads, hidden, seed }: FuzzCase): tf.Tensor[] {
  const random = createRandom(5000 + seed);
  const draw = (shape: number[], fanIn = 1): tf.Tensor => {
    const count = shape.reduce((a, b) => a * b, 1);
    return tf.tensor(
      Float32Array.from({ length: count }, () => (random.uniform() * 2 - 1) / Math.sqrt(fanIn)),
      shape,
    );
  };
  return [
    draw([grid.batch, grid.height, grid.width, channels]),
    draw([channels]),
    draw([channels]),
    draw([channels, 3 * channels], channels),
    draw([3 * channels]),
    draw([(2 * grid.window - 1) ** 2, heads]),
    draw([channels, hidden], channels),
    draw([hidden]),
    draw([hidden, channels], hidden),
    draw([channels]),
  ];
}

function runBlock({ grid, ids, kept }: FuzzCase, inputs: tf.Tensor[]): tf.Tensor {
  const [x, norm, shift, qkv, qkvBias, table, expand, expandBias, contract, contractBias] = inputs as [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
  ];
  const selection = ids === null ? ({ kind: 'all' } as const) : ops.givenWindows(ids, grid, kept);
  return ops.mapWindows(x, selection, grid, (windows) => {
    const rows = ops.linear(ops.normWindows(windows, { weight: norm, bias: shift }), { weight: qkv, bias: qkvBias });
    const attended = tf.add(ops.windowAttention(windows, rows, table), windows.tokens);
    const normed = ops.layerNorm(attended, { weight: norm, bias: shift });
    const widened = ops.linear(normed, { weight: expand, bias: expandBias }, { gelu: true });
    return ops.linear(widened, { weight: contract, bias: contractBias }, { residual: attended });
  });
}

/** @param cases how many shapes; every `gradientEvery`th is differentiated too */
export function fuzzCases(cases: number, gradientEvery: number): void {
  describe('random shapes, kernels against the reference path', () => {
    const chunk = 25;
    for (let first = 0; first < cases; first += chunk) {
      test(`${first} to ${first + chunk - 1}`, async () => {
        for (let number = first; number < first + chunk; number++) await compare(drawCase(number), gradientEvery);
      });
    }

    test('the cases reach the edges', () => {
      const drawn = Array.from({ length: cases }, (_, number) => drawCase(number));
      const given = drawn.filter(({ ids }) => ids !== null);
      expect(given.some(({ kept }) => kept === 0)).toBe(true);
      expect(given.some(({ kept, grid }) => kept === 1 && grid.windowsPerImage > 1)).toBe(true);
      expect(given.some(({ kept, grid }) => kept === grid.windowsPerImage && kept > 1)).toBe(true);
      for (const multiple of [4, 8, 32]) expect(drawn.some(({ channels }) => channels % multiple !== 0)).toBe(true);
      expect(drawn.some(({ grid }) => grid.isPadded && grid.shiftY > 0)).toBe(true);
    });
  });
}

async function compare(drawn: FuzzCase, gradientEvery: number): Promise<void> {
  const before = tf.memory().numTensors;
  const { grid, channels, heads, kept, ids, seed } = drawn;
  const name = `case ${seed}: ${JSON.stringify({ ...grid, channels, heads, kept, dense: ids === null })}`;
  const inputs = drawInputs(drawn);
  const run = (): tf.Tensor => tf.tidy(() => tf.clone(runBlock(drawn, inputs)));
  const [fused, reference] = [run(), withoutKernels(run)];
  expectAllclose(await fused.data(), await reference.data(), { absolute: 1e-4 }, name);
  tf.dispose([fused, reference]);
  if (seed % gradientEvery === 0 && kept > 0) {
    const differentiate = (): tf.Tensor[] =>
      tf.tidy(() => tf.grads((...args) => tf.sum(tf.square(runBlock(drawn, args))))(inputs));
    const [own, wanted] = [differentiate(), withoutKernels(differentiate)];
    for (const [i, gradient] of own.entries()) {
      const tolerance = { relative: 1e-4, absolute: 1e-5, scale: 'largest' } as const;
      expectAllclose(await gradient.data(), await (wanted[i] as tf.Tensor).data(), tolerance, `${name}, gradient ${i}`);
    }
    tf.dispose([...own, ...wanted]);
  }
  tf.dispose(inputs);
  expect(tf.memory().numTensors - before, `${name}: tensors left over`).toBe(0);
}
