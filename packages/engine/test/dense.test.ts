/** The operations of heads in plans, against plain loops in doubles. */

import type { Engine, EngineValue, HostValues } from '@sparsevit/engine';
import { createEngine } from '@sparsevit/engine';
import { expectAllclose } from '@sparsevit/testing';
import { createRandom } from '@sparsevit/windows';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

type Shape = readonly [number, number, number, number];

const draw = (shape: readonly number[], seed: number): Float32Array => {
  const random = createRandom(seed);
  const size = shape.reduce((product, side) => product * side, 1);
  return Float32Array.from({ length: size }, () => random.uniform() * 2 - 1);
};

/** Value of a map, 0 beyond its border. */
const valueAt = (
  x: Float32Array,
  [, height, width, channels]: Shape,
  b: number,
  y: number,
  w: number,
  c: number,
): number =>
  y < 0 || w < 0 || y >= height || w >= width ? 0 : (x[((b * height + y) * width + w) * channels + c] ?? 0);

/** Fills a map by its coordinates. */
function build(
  [batch, height, width, channels]: Shape,
  value: (b: number, y: number, x: number, c: number) => number,
): number[] {
  const values: number[] = [];
  for (let b = 0; b < batch; b++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) for (let c = 0; c < channels; c++) values.push(value(b, y, x, c));
    }
  }
  return values;
}

describe.each([1, 2, 3])('%i threads', (threads) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ threads });
  });
  afterAll(() => engine.dispose());

  async function run(shape: Shape, values: Float32Array, trace: (x: EngineValue) => EngineValue): Promise<HostValues> {
    const plan = engine.compile(trace, { shape });
    const result = await plan.run(values);
    plan.dispose();
    return result;
  }
  const take = (values: Float32Array, shape: readonly number[]): EngineValue =>
    engine.ops.fromWeights(values, shape, 'weight');

  const shapes: Shape[] = [
    [1, 5, 7, 3],
    [2, 9, 4, 8],
    [3, 1, 1, 5],
    [1, 31, 33, 16],
  ];

  test.each(shapes)('convolutions of [%i, %i, %i, %i]', async (...shape) => {
    const values = draw(shape, 1);
    for (const side of [1, 3]) {
      for (const outputs of [1, 6, 19]) {
        const weightShape = [side, side, shape[3], outputs];
        const [weight, bias] = [draw(weightShape, 2), draw([outputs], 3)];
        for (const hasBias of [true, false]) {
          const { values: actual, shape: found } = await run(shape, values, (x) =>
            engine.ops.convolution(x, take(weight, weightShape), hasBias ? take(bias, [outputs]) : null),
          );
          const [batch, height, width, channels] = shape;
          const expected = build([batch, height, width, outputs], (b, y, x, o) => {
            let sum = hasBias ? (bias[o] ?? 0) : 0;
            for (let dy = 0; dy < side; dy++) {
              for (let dx = 0; dx < side; dx++) {
                for (let c = 0; c < channels; c++) {
                  const reach = (side - 1) / 2;
                  sum +=
                    valueAt(values, shape, b, y + dy - reach, x + dx - reach, c) *
                    (weight[((dy * side + dx) * channels + c) * outputs + o] ?? 0);
                }
              }
            }
            return sum;
          });
          expect(found).toEqual([batch, height, width, outputs]);
          expectAllclose(actual, expected, { absolute: 1e-5 });
        }
      }
    }
  });

  test.each(shapes)('group norm, ReLU and sums of [%i, %i, %i, %i]', async (...shape) => {
    const [, height, width, channels] = shape;
    const values = draw(shape, 4).map((value) => value * 3 + 10); // a mean that is not small
    const [weight, bias] = [draw([channels], 5), draw([channels], 6)];
    for (const groups of [1, channels, ...(channels % 4 === 0 ? [4] : [])]) {
      const { values: actual } = await run(shape, values, (x) => {
        const y = engine.ops.groupNorm(x, take(weight, [channels]), take(bias, [channels]), groups);
        return engine.ops.add(engine.ops.relu(y), x);
      });
      const inGroup = channels / groups;
      const statistics = (b: number, group: number): { mean: number; factor: number } => {
        const members: number[] = [];
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            for (let c = group * inGroup; c < (group + 1) * inGroup; c++)
              members.push(valueAt(values, shape, b, y, x, c));
          }
        }
        const mean = members.reduce((sum, value) => sum + value, 0) / members.length;
        const variance = members.reduce((sum, value) => sum + (value - mean) ** 2, 0) / members.length;
        return { mean, factor: 1 / Math.sqrt(variance + 1e-5) };
      };
      const known = new Map<string, { mean: number; factor: number }>();
      const expected = build(shape, (b, y, x, c) => {
        const group = Math.floor(c / inGroup);
        const key = `${b} ${group}`;
        const { mean, factor } = known.get(key) ?? statistics(b, group);
        known.set(key, { mean, factor });
        const value = valueAt(values, shape, b, y, x, c);
        return Math.max(0, (value - mean) * factor * (weight[c] ?? 0) + (bias[c] ?? 0)) + value;
      });
      expectAllclose(actual, expected, { absolute: 2e-5 });
    }
  });

  test.each(shapes)('resizing [%i, %i, %i, %i]', async (...shape) => {
    const [batch, height, width, channels] = shape;
    const values = draw(shape, 7);
    for (const [outHeight, outWidth] of [
      [2 * height, 2 * width],
      [height, width],
      [3 * height + 1, Math.ceil(width / 2)],
      [1, 1],
    ] as const) {
      const { values: actual } = await run(shape, values, (x) => engine.ops.upsample(x, outHeight, outWidth));
      const source = (position: number, side: number, outSide: number): [number, number, number] => {
        const from = Math.max(0, ((position + 0.5) * side) / outSide - 0.5);
        const low = Math.floor(from);
        return [low, Math.min(low + 1, side - 1), from - low];
      };
      const expected = build([batch, outHeight, outWidth, channels], (b, y, x, c) => {
        const [top, bottom, down] = source(y, height, outHeight);
        const [left, right, across] = source(x, width, outWidth);
        const line = (row: number): number =>
          valueAt(values, shape, b, row, left, c) * (1 - across) + valueAt(values, shape, b, row, right, c) * across;
        return line(top) * (1 - down) + line(bottom) * down;
      });
      expectAllclose(actual, expected, { absolute: 1e-5 });
    }
  });

  test.each([...shapes, [1, 40, 44, 37] as const])('pooling [%i, %i, %i, %i]', async (...shape) => {
    const [batch, height, width, channels] = shape;
    const values = draw(shape, 9).map((value) => value + 3); // a mean that is not small
    for (const [outHeight, outWidth] of [
      [1, 1],
      [2, 3],
      [6, 6],
      [height, width],
      [3, 2 * width + 1],
    ] as const) {
      const { values: actual, shape: found } = await run(shape, values, (x) =>
        engine.ops.poolTo(x, outHeight, outWidth),
      );
      const expected = build([batch, outHeight, outWidth, channels], (b, y, x, c) => {
        const [top, bottom] = [Math.floor((y * height) / outHeight), Math.ceil(((y + 1) * height) / outHeight)];
        const [left, right] = [Math.floor((x * width) / outWidth), Math.ceil(((x + 1) * width) / outWidth)];
        let sum = 0;
        for (let row = top; row < bottom; row++) {
          for (let column = left; column < right; column++) sum += valueAt(values, shape, b, row, column, c);
        }
        return sum / ((bottom - top) * (right - left));
      });
      expect(found).toEqual([batch, outHeight, outWidth, channels]);
      expectAllclose(actual, expected, { absolute: 1e-5 });
    }
  });

  test.each(shapes)('maps [%i, %i, %i, %i] side by side', async (...shape) => {
    const [batch, height, width, channels] = shape;
    const values = draw(shape, 10);
    const weight = draw([1, 1, channels, 3], 11);
    const { values: actual, shape: found } = await run(shape, values, (x) => {
      const { ops } = engine;
      const narrow = ops.convolution(x, take(weight, [1, 1, channels, 3]), null);
      return ops.concatenate([ops.relu(x), narrow, ops.add(narrow, narrow), x]);
    });
    const narrow = (b: number, y: number, x: number, o: number): number => {
      let sum = 0;
      for (let c = 0; c < channels; c++) sum += valueAt(values, shape, b, y, x, c) * (weight[c * 3 + o] ?? 0);
      return sum;
    };
    const expected = build([batch, height, width, 2 * channels + 6], (b, y, x, c) => {
      if (c < channels) return Math.max(0, valueAt(values, shape, b, y, x, c));
      if (c < channels + 3) return narrow(b, y, x, c - channels);
      if (c < channels + 6) return 2 * narrow(b, y, x, c - channels - 3);
      return valueAt(values, shape, b, y, x, c - channels - 6);
    });
    expect(found).toEqual([batch, height, width, 2 * channels + 6]);
    expectAllclose(actual, expected, { absolute: 1e-5 });
    const alone = await run(shape, values, (x) => engine.ops.concatenate([x]));
    expect(alone.values).toEqual(values);
  });

  test('what does not fit is refused', () => {
    const { ops } = engine;
    const trace = (of: (x: EngineValue) => unknown) => () => engine.compile(of, { shape: [1, 4, 4, 6] });
    const weight = (...sides: number[]): EngineValue => take(draw(sides, 8), sides);
    expect(trace((x) => ops.convolution(x, weight(2, 2, 6, 1), null))).toThrow(
      /expected weights \[1, 1, in, out\] or \[3, 3/,
    );
    expect(trace((x) => ops.convolution(x, weight(3, 3, 5, 1), null))).toThrow(/expected weights of 6 inputs/);
    expect(trace((x) => ops.convolution(x, weight(1, 1, 6, 2), weight(3)))).toThrow(/expected a bias \[2\]/);
    expect(trace((x) => ops.groupNorm(x, weight(6), weight(6), 4))).toThrow(
      /a number of groups that divides 6 channels, got 4/,
    );
    expect(trace((x) => ops.groupNorm(x, weight(5), weight(6), 2))).toThrow(/weights and a bias \[6\]/);
    expect(trace((x) => ops.upsample(x, 0, 4))).toThrow(/height and a width of at least 1, got 0 and 4/);
    expect(trace((x) => ops.poolTo(x, 2, 0.5))).toThrow(/height and a width of at least 1, got 2 and 0.5/);
    expect(trace(() => ops.poolTo(weight(4, 6), 1, 1))).toThrow(/expected a map \[B, H, W, C\], got \[4, 6\]/);
    expect(trace(() => ops.concatenate([]))).toThrow(/expected at least one map, got none/);
    expect(trace((x) => ops.concatenate([x, ops.upsample(x, 4, 5)]))).toThrow(
      /expected maps \[1, 4, 4, C\], got \[1, 4, 5, 6\]/,
    );
    expect(trace((x) => ops.add(x, ops.upsample(x, 8, 8)))).toThrow(
      /expected two shapes \[1, 4, 4, 6\], got \[1, 8, 8, 6\]/,
    );
  });
});

test('any number of threads pools and joins to the same bits', async () => {
  const shape = [2, 29, 31, 70] as const;
  const values = draw(shape, 12);
  const results: (readonly HostValues[])[] = [];
  for (const threads of [1, 2, 3]) {
    const engine = await createEngine({ threads });
    const { ops } = engine;
    const plan = engine.compile(
      (x) => [ops.poolTo(x, 1, 1), ops.poolTo(x, 3, 6), ops.concatenate([x, ops.relu(x), x])],
      { shape },
    );
    results.push(await plan.run(values));
    await engine.dispose();
  }
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
});
