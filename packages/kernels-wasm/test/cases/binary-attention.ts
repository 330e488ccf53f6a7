import { expectAllclose } from '@sparsevit/testing';
import { maskedLogit } from '@sparsevit/windows';
import { expect } from 'vitest';
import { describeBuilds, noise, ranges } from './arena';

/** window, heads, channels of a head, windows, and how slots read rows. */
const cases = [
  [1, 1, 1, 3, 'in order'],
  [2, 2, 4, 5, 'in order'],
  [3, 3, 5, 4, 'shuffled'],
  [4, 1, 8, 3, 'with pads'],
  [5, 2, 3, 3, 'with pads'],
  [7, 2, 32, 3, 'with pads'],
  [7, 1, 6, 2, 'in order'],
  [8, 1, 33, 2, 'shuffled'],
] as const;

/** Attention of the bare kernels and its gradient against plain loops in doubles, whole and in ranges of windows. */
export function binaryAttentionCases(): void {
  describeBuilds('attention', (withKernels) => {
    for (const [window, heads, width, windows, order] of cases) {
      withKernels(`${windows} windows of ${window}², ${heads} heads of ${width}, slots ${order}`, (kernels, arena) => {
        const [tokens, channels] = [window * window, heads * width];
        const slotRows = makeSlots(windows * tokens, order);
        const limit = slotRows.filter((row) => row >= 0).length; // rows of the output
        const rows = limit + (order === 'with pads' ? 1 : 0);
        const slotOf = slotRows.map((row) => (row < 0 ? limit : row));
        const slots = order === 'in order' ? 0 : arena.ints(slotOf);
        const classOf = Array.from({ length: windows }, (_, id) => id % 4);
        const [shiftY, shiftX] = [Math.floor(window / 2), Math.floor(window / 3)];
        const qkv = arena.floats(rows * 3 * channels, () => 2 * noise());
        const table = arena.floats((2 * window - 1) ** 2 * heads, noise);
        const dy = arena.floats(limit * channels, noise);
        const bias = arena.garbage(kernels.attentionBiasBytes(window, heads));
        kernels.prepareAttentionBias(table, bias, window, heads);
        const masks = arena.garbage(kernels.attentionMaskBytes(window));
        kernels.prepareAttentionMasks(masks, window, shiftY, shiftX);
        const scratch = arena.garbage(kernels.attentionScratchBytes(window, width));
        const gradientScratch = arena.garbage(kernels.attentionGradientScratchBytes(window, width));
        const sizes = [window, heads, channels, limit] as const;

        for (const classes of [0, arena.ints(classOf)]) {
          const given = {
            window,
            heads,
            width,
            slotOf,
            limit,
            classOf: classOf.map((maskClass) => (classes === 0 ? 0 : maskClass)),
            shiftY,
            shiftX,
            qkv: arena.view(qkv, rows * 3 * channels),
            table: arena.view(table, (2 * window - 1) ** 2 * heads),
            dy: arena.view(dy, limit * channels),
          };
          const expected = attentionInDoubles(given);
          const operands = [qkv, bias, classes === 0 ? 0 : masks, slots, classes] as const;

          const whole = arena.garbage(limit * channels * 4);
          kernels.windowAttention(...operands, whole, 0, windows, ...sizes, scratch);
          expectAllclose(arena.view(whole, limit * channels), expected.out, { absolute: 1e-5 });
          const parts = arena.garbage(limit * channels * 4);
          for (const [begin, end] of ranges(windows)) {
            kernels.windowAttention(...operands, parts, begin, end, ...sizes, scratch);
          }
          expect(arena.values(parts, limit * channels)).toEqual(arena.values(whole, limit * channels));
          const byHeads = arena.garbage(limit * channels * 4);
          for (const [begin, end] of ranges(windows * heads, 4)) {
            kernels.windowAttentionHeads(...operands, byHeads, begin, end, ...sizes, scratch);
          }
          expect(arena.values(byHeads, limit * channels)).toEqual(arena.values(whole, limit * channels));

          const dqkv = arena.floats(rows * 3 * channels);
          const dTable = arena.floats((2 * window - 1) ** 2 * heads);
          for (const [begin, end] of ranges(windows)) {
            kernels.windowAttentionGradient(...operands, dy, dqkv, dTable, begin, end, ...sizes, gradientScratch);
          }
          expectAllclose(arena.view(dqkv, rows * 3 * channels), expected.dqkv, { absolute: 2e-5, relative: 1e-5 });
          expectAllclose(arena.view(dTable, expected.dTable.length), expected.dTable, {
            absolute: 2e-5,
            relative: 1e-5,
          });
        }
      });
    }

    withKernels('logits of hundreds are no overflow, and a row that sees one key copies it', (kernels, arena) => {
      const [window, heads, channels] = [2, 1, 4];
      // q and k of token i are 40 e_i: 800 with itself, 0 with the others
      const rows = Array.from({ length: 4 }, (_, token) => {
        const unit = Array.from({ length: 4 }, (_, c) => (c === token ? 40 : 0));
        return [...unit, ...unit, ...unit.map((value) => value / 40)];
      }).flat();
      const qkv = arena.floats(rows.length, (i) => rows[i] ?? 0);
      const table = arena.floats(9);
      const bias = arena.garbage(kernels.attentionBiasBytes(window, heads));
      kernels.prepareAttentionBias(table, bias, window, heads);
      const scratch = arena.garbage(kernels.attentionScratchBytes(window, channels));
      const out = arena.garbage(16 * 4);
      kernels.windowAttention(qkv, bias, 0, 0, 0, out, 0, 1, window, heads, channels, 4, scratch);
      const identity = Array.from({ length: 16 }, (_, i) => (i % 5 === 0 ? 1 : 0));
      expectAllclose(arena.view(out, 16), identity, { absolute: 1e-30 });
    });
  });
}

/** The row of each slot, -1 for a pad. */
function makeSlots(count: number, order: (typeof cases)[number][4]): number[] {
  const isPad = (slot: number): boolean => order === 'with pads' && slot % 5 === 3;
  const real = Array.from({ length: count }, (_, slot) => slot).filter((slot) => !isPad(slot)).length;
  let next = 0;
  // an odd step through the rows, if it has no divisor in common with their number
  const step = [7, 11, 13].find((step) => real % step !== 0) ?? 1;
  const rowOf = (i: number): number => (order === 'in order' ? i : (i * step) % real);
  return Array.from({ length: count }, (_, slot) => (isPad(slot) ? -1 : rowOf(next++)));
}

interface Attention {
  readonly window: number;
  readonly heads: number;
  readonly width: number;
  readonly slotOf: readonly number[];
  readonly limit: number;
  readonly classOf: readonly number[];
  readonly shiftY: number;
  readonly shiftX: number;
  readonly qkv: Float32Array;
  readonly table: Float32Array;
  readonly dy: Float32Array;
}

/** softmax(q kᵀ / sqrt(d) + bias + mask) v by the definition, and its gradient. */
function attentionInDoubles(given: Attention): { out: Float64Array; dqkv: Float64Array; dTable: Float64Array } {
  const { window, heads, width, slotOf, limit, classOf, shiftY, shiftX, qkv, table, dy } = given;
  const [tokens, channels] = [window * window, heads * width];
  const out = new Float64Array(limit * channels);
  const dqkv = new Float64Array(qkv.length);
  const dTable = new Float64Array(table.length);
  const add = (sums: Float64Array, at: number, value: number): void => {
    sums[at] = (sums[at] ?? Number.NaN) + value;
  };
  const indices = Array.from({ length: tokens }, (_, i) => i);
  const isFar = (token: number, side: 'y' | 'x'): boolean =>
    side === 'y' ? Math.floor(token / window) >= window - shiftY : token % window >= window - shiftX;
  const cell = (query: number, key: number, head: number): number => {
    const y = Math.floor(query / window) - Math.floor(key / window) + window - 1;
    return (y * (2 * window - 1) + (query % window) - (key % window) + window - 1) * heads + head;
  };
  classOf.forEach((maskClass, id) => {
    const row = (token: number): number => slotOf[id * tokens + token] ?? -1;
    const mask = (query: number, key: number): number => {
      const splitsColumns = maskClass % 2 === 1 && isFar(query, 'x') !== isFar(key, 'x');
      const splitsRows = maskClass >= 2 && isFar(query, 'y') !== isFar(key, 'y');
      return splitsColumns || splitsRows ? maskedLogit : 0;
    };
    for (let head = 0; head < heads; head++) {
      const at = (part: number, token: number, c: number): number =>
        row(token) * 3 * channels + part * channels + head * width + c;
      const value = (part: number, token: number, c: number): number => qkv[at(part, token, c)] ?? Number.NaN;
      const dot = (f: (c: number) => number): number => {
        let sum = 0;
        for (let c = 0; c < width; c++) sum += f(c);
        return sum;
      };
      const scale = 1 / Math.sqrt(width);
      for (const query of indices) {
        const logits = indices.map(
          (key) =>
            dot((c) => value(0, query, c) * value(1, key, c)) * scale +
            (table[cell(query, key, head)] ?? Number.NaN) +
            mask(query, key),
        );
        const top = Math.max(...logits);
        const weights = logits.map((logit) => Math.exp(logit - top));
        const sum = weights.reduce((a, b) => a + b, 0);
        const p = weights.map((weight) => weight / sum);
        const isWritten = row(query) < limit;
        const outAt = (c: number): number => row(query) * channels + head * width + c;
        const up = (c: number): number => (isWritten ? (dy[outAt(c)] ?? Number.NaN) : 0);
        if (isWritten) {
          for (let c = 0; c < width; c++)
            add(
              out,
              outAt(c),
              indices.reduce((sum, key) => sum + (p[key] ?? 0) * value(2, key, c), 0),
            );
        }
        const dp = indices.map((key) => dot((c) => up(c) * value(2, key, c)));
        const mean = dp.reduce((sum, d, key) => sum + d * (p[key] ?? 0), 0);
        for (const key of indices) {
          const ds = (p[key] ?? 0) * ((dp[key] ?? 0) - mean);
          add(dTable, cell(query, key, head), ds);
          for (let c = 0; c < width; c++) {
            add(dqkv, at(0, query, c), ds * scale * value(1, key, c));
            add(dqkv, at(1, key, c), ds * scale * value(0, query, c));
            add(dqkv, at(2, key, c), (p[key] ?? 0) * up(c));
          }
        }
      }
    }
  });
  return { out, dqkv, dTable };
}
