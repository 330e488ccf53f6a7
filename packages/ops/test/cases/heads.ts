import { createTensorOps } from '@sparsevit/ops';
import { expectAllclose } from '@sparsevit/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { expectGradient, expectNoLeak, randomTensor, randomValues } from './support';

type Shape = [number, number, number, number];
type Value = (b: number, y: number, x: number, c: number) => number;

function build([batch, height, width, channels]: Shape, value: Value): number[] {
  const values: number[] = [];
  for (let b = 0; b < batch; b++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) for (let c = 0; c < channels; c++) values.push(value(b, y, x, c));
    }
  }
  return values;
}

/** Reads a map, 0 beyond its border. */
const reader =
  (values: Float32Array, [, height, width, channels]: Shape): Value =>
  (b, y, x, c) =>
    y < 0 || x < 0 || y >= height || x >= width ? 0 : (values[((b * height + y) * width + x) * channels + c] ?? 0);

const tolerance = { absolute: 2e-5, relative: 2e-5 };
const shapes: Shape[] = [
  [1, 5, 7, 3],
  [2, 4, 3, 8],
  [3, 1, 1, 4],
];

/** The operations of heads against plain loops in doubles. */
export function headCases(): void {
  const ops = createTensorOps();
  const narrow = createTensorOps({ maxChunkBytes: 1 }); // bands of one row

  describe.each(shapes)('heads on [%i, %i, %i, %i]', (...shape) => {
    const [batch, height, width, channels] = shape;
    const values = randomValues(batch * height * width * channels, 31);
    const at = reader(values, shape);

    test.each([
      [1, true],
      [1, false],
      [3, true],
      [3, false],
    ])('convolution of side %i, with a bias: %s', (side, hasBias) =>
      expectNoLeak(async () => {
        const outputs = 6;
        const kernel = randomValues(side * side * channels * outputs, 32);
        const offsets = randomValues(outputs, 33);
        const reach = (side - 1) / 2;
        const expected = build([batch, height, width, outputs], (b, y, x, o) => {
          let sum = hasBias ? (offsets[o] ?? 0) : 0;
          for (let dy = 0; dy < side; dy++) {
            for (let dx = 0; dx < side; dx++) {
              for (let c = 0; c < channels; c++) {
                sum +=
                  at(b, y + dy - reach, x + dx - reach, c) *
                  (kernel[((dy * side + dx) * channels + c) * outputs + o] ?? 0);
              }
            }
          }
          return sum;
        });
        const x = tf.tensor4d(values, shape);
        const weight = tf.tensor4d(kernel, [side, side, channels, outputs]);
        const bias = hasBias ? tf.tensor1d(offsets) : null;
        const results = [ops.convolution(x, weight, bias), narrow.convolution(x, weight, bias)];
        for (const y of results) {
          expect(y.shape).toEqual([batch, height, width, outputs]);
          expectAllclose(await y.data(), expected, tolerance);
        }
        const inputs = [x, weight, ...(bias === null ? [] : [bias])];
        await expectGradient(
          (x, weight, bias) => ops.convolution(x as tf.Tensor, weight as tf.Tensor, bias ?? null),
          inputs,
          34,
        );
        tf.dispose([...results, ...inputs]);
      }),
    );

    test('a weight that is a variable has the same gradient', () =>
      expectNoLeak(async () => {
        const x = tf.tensor4d(values, shape);
        const kernel = randomTensor([3, 3, channels, 2], 35);
        const variable = tf.variable(kernel);
        const loss = (weight: tf.Tensor): tf.Scalar =>
          tf.tidy(() => tf.sum(tf.square(ops.convolution(x, weight, null))));
        const ofTensor = tf.grad((weight) => loss(weight))(kernel);
        const { grads, value } = tf.variableGrads(() => loss(variable), [variable]);
        const ofVariable = grads[variable.name] as tf.Tensor;
        expectAllclose(await ofVariable.data(), await ofTensor.data(), tolerance);
        tf.dispose([x, kernel, variable, ofTensor, ofVariable, value]);
      }));

    test('groupNorm', () =>
      expectNoLeak(async () => {
        const groups = channels % 2 === 0 ? 2 : 1;
        const size = channels / groups;
        const [scale, shift] = [randomValues(channels, 36), randomValues(channels, 37)];
        const statistics = Array.from({ length: batch * groups }, (_, i) => {
          const [b, group] = [Math.floor(i / groups), i % groups];
          const members = build([1, height, width, size], (_b, y, x, c) => at(b, y, x, group * size + c));
          const mean = members.reduce((sum, v) => sum + v, 0) / members.length;
          const variance = members.reduce((sum, v) => sum + (v - mean) ** 2, 0) / members.length;
          return { mean, deviation: Math.sqrt(variance + 1e-5) };
        });
        const expected = build(shape, (b, y, x, c) => {
          const { mean = 0, deviation = 1 } = statistics[b * groups + Math.floor(c / size)] ?? {};
          return ((at(b, y, x, c) - mean) / deviation) * (scale[c] ?? 0) + (shift[c] ?? 0);
        });
        const inputs = [tf.tensor4d(values, shape), tf.tensor1d(scale), tf.tensor1d(shift)] as const;
        const y = ops.groupNorm(...inputs, groups);
        expectAllclose(await y.data(), expected, tolerance);
        await expectGradient(
          (x, w, b) => ops.groupNorm(x as tf.Tensor, w as tf.Tensor, b as tf.Tensor, groups),
          [...inputs],
          38,
        );
        tf.dispose([y, ...inputs]);
      }));

    test.each([
      [2, 2],
      [1.5, 3],
      [0.5, 0.7],
    ])('upsample by %f and %f, recorded or not', (tall, wide) =>
      expectNoLeak(async () => {
        const [toHeight, toWidth] = [Math.ceil(height * tall), Math.ceil(width * wide)];
        const around = (i: number, from: number, to: number): [number, number, number] => {
          const place = Math.max(0, ((i + 0.5) * from) / to - 0.5);
          const low = Math.min(from - 1, Math.floor(place));
          return [low, Math.min(from - 1, low + 1), place - low];
        };
        const expected = build([batch, toHeight, toWidth, channels], (b, y, x, c) => {
          const [top, bottom, v] = around(y, height, toHeight);
          const [left, right, u] = around(x, width, toWidth);
          const row = (of: number): number => at(b, of, left, c) * (1 - u) + at(b, of, right, c) * u;
          return row(top) * (1 - v) + row(bottom) * v;
        });
        const x = tf.tensor4d(values, shape);
        const y = ops.upsample(x, toHeight, toWidth);
        expectAllclose(await y.data(), expected, tolerance);
        const { value, grad } = tf.valueAndGrad((x) => ops.upsample(x, toHeight, toWidth))(x);
        expectAllclose(await value.data(), expected, tolerance);
        await expectGradient((x) => ops.upsample(x as tf.Tensor, toHeight, toWidth), [x], 39);
        tf.dispose([x, y, value, grad]);
      }),
    );

    test.each([
      [1, 1],
      [2, 3],
      [height, width],
      [6, 2 * width + 1],
    ])('poolTo %i x %i', (toHeight, toWidth) =>
      expectNoLeak(async () => {
        const expected = build([batch, toHeight, toWidth, channels], (b, y, x, c) => {
          const [top, bottom] = [Math.floor((y * height) / toHeight), Math.ceil(((y + 1) * height) / toHeight)];
          const [left, right] = [Math.floor((x * width) / toWidth), Math.ceil(((x + 1) * width) / toWidth)];
          let sum = 0;
          for (let row = top; row < bottom; row++) {
            for (let column = left; column < right; column++) sum += at(b, row, column, c);
          }
          return sum / ((bottom - top) * (right - left));
        });
        const x = tf.tensor4d(values, shape);
        const y = ops.poolTo(x, toHeight, toWidth);
        expect(y.shape).toEqual([batch, toHeight, toWidth, channels]);
        expectAllclose(await y.data(), expected, tolerance);
        await expectGradient((x) => ops.poolTo(x as tf.Tensor, toHeight, toWidth), [x], 42);
        tf.dispose([x, y]);
      }),
    );

    test.each([1, 2, 4])('concatenate %i', (count) =>
      expectNoLeak(async () => {
        const widths = [channels, 5, 1, 8].slice(0, count);
        const parts = widths.map((own, i) => randomTensor([batch, height, width, own], 43 + i));
        const given = await Promise.all(parts.map((part) => part.data()));
        const rows = Array.from({ length: batch * height * width }, (_, row) =>
          given.flatMap((data, i) => {
            const own = widths[i] ?? 0;
            return [...data.slice(row * own, (row + 1) * own)];
          }),
        );
        const y = ops.concatenate(parts);
        expect(y.shape).toEqual([batch, height, width, widths.reduce((sum, own) => sum + own)]);
        expect([...(await y.data())]).toEqual(rows.flat());
        await expectGradient((...inputs) => ops.concatenate(inputs), parts, 47);
        tf.dispose([y, ...parts]);
      }),
    );

    test('add and relu', () =>
      expectNoLeak(async () => {
        const [a, b] = [tf.tensor4d(values, shape), randomTensor(shape, 40)];
        const [sum, positive] = [ops.add(a, b), ops.relu(a)];
        const other = await b.data();
        expectAllclose(
          await sum.data(),
          values.map((v, i) => v + (other[i] ?? 0)),
          tolerance,
        );
        expect(await positive.data()).toEqual(values.map((v) => Math.max(v, 0)));
        const raised = tf.add(a, 3); // away from the kink
        await expectGradient((a, b) => ops.relu(ops.add(a as tf.Tensor, b as tf.Tensor)), [raised, b], 41);
        tf.dispose([a, b, sum, positive, raised]);
      }));
  });

  test('what does not fit is refused', () => {
    const x = tf.zeros([1, 4, 4, 2]);
    const weight = tf.zeros([3, 3, 3, 2]);
    expect(() => ops.convolution(x, weight, null)).toThrow(/weights of 2 inputs/);
    expect(() => ops.groupNorm(x, tf.ones([2]), tf.ones([2]), 3)).toThrow(/divides 2 channels/);
    expect(() => ops.upsample(x, 0, 4)).toThrow(/at least 1/);
    expect(() => ops.add(x, weight)).toThrow(/two shapes/);
    const [flat, empty] = [tf.zeros([4, 2]), tf.zeros([1, 0, 4, 2])];
    expect(() => ops.poolTo(x, 0, 4)).toThrow(/height and a width of at least 1, got 0 and 4/);
    expect(() => ops.poolTo(x, 2, 1.5)).toThrow(/got 2 and 1.5/);
    expect(() => ops.poolTo(flat, 1, 1)).toThrow(/a map \[B, H, W, C\], got \[4, 2\]/);
    expect(() => ops.poolTo(empty, 1, 1)).toThrow(/at least 1 x 1, got \[1, 0, 4, 2\]/);
    expect(() => ops.concatenate([])).toThrow(/at least one map, got none/);
    expect(() => ops.concatenate([x, weight])).toThrow(/maps \[1, 4, 4, C\], got \[3, 3, 3, 2\]/);
    expect(() => ops.concatenate([x, flat])).toThrow(/a map \[B, H, W, C\], got \[4, 2\]/);
    tf.dispose([x, weight, flat, empty]);
  });
}
