import { createTensorOps, gelu, layerNorm, linear, withoutKernels } from '@sparsevit/ops';
import { expectAllclose } from '@sparsevit/testing';
import { kernelNames } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { expectGradient, expectNoLeak, float32Tolerance, randomTensor, randomValues } from './support';

export function denseCases(): void {
  describe('gelu', () => {
    // x * (1 + erf(x / sqrt 2)) / 2 with erf to 16 digits
    const points = [-6, -3, -1, -0.5, 0, 0.5, 1, 3, 6];
    const exact = [
      -5.91952729e-9, -0.00404969409, -0.158655254, -0.154268769, 0, 0.345731231, 0.841344746, 2.99595031, 6,
    ];
    test('is the exact one, not the tanh approximation', () =>
      expectNoLeak(async () => {
        const x = tf.tensor1d(points);
        const y = gelu(x);
        expectAllclose(await y.data(), exact, { absolute: 2e-6 }); // TF.js's erf is good to 1.5e-7, times |x|
        tf.dispose([x, y]);
      }));
    test('has its gradient', () =>
      expectNoLeak(async () => {
        const x = randomTensor([3, 4], 10);
        await expectGradient((x) => gelu(x), [x], 11);
        x.dispose();
      }));
  });

  describe('layerNorm', () => {
    test('equals the definition in doubles', () =>
      expectNoLeak(async () => {
        const [rows, channels] = [5, 12];
        const values = randomValues(rows * channels, 12);
        const weight = randomValues(channels, 13);
        const bias = randomValues(channels, 14);
        const expected: number[] = [];
        for (let r = 0; r < rows; r++) {
          const row = Array.from(values.subarray(r * channels, (r + 1) * channels));
          const mean = row.reduce((a, b) => a + b, 0) / channels;
          const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / channels;
          expected.push(
            ...row.map((v, c) => ((v - mean) / Math.sqrt(variance + 1e-5)) * (weight[c] ?? 0) + (bias[c] ?? 0)),
          );
        }
        const tensors = [tf.tensor2d(values, [rows, channels]), tf.tensor1d(weight), tf.tensor1d(bias)] as const;
        const y = layerNorm(tensors[0], { weight: tensors[1], bias: tensors[2] });
        expectAllclose(await y.data(), expected, float32Tolerance);
        tf.dispose([...tensors, y]);
      }));
    test('has gradients for input, weight and bias', () =>
      expectNoLeak(async () => {
        const inputs = [randomTensor([4, 6], 15), randomTensor([6], 16), randomTensor([6], 17)];
        await expectGradient((x, weight, bias) => layerNorm(x, { weight, bias }), inputs as tf.Tensor[], 18);
        tf.dispose(inputs);
      }));
    test('refuses weights of another width', () => {
      const x = tf.zeros([2, 4]);
      const weight = tf.ones([3]);
      expect(() => layerNorm(x, { weight, bias: weight })).toThrow(
        'layerNorm: expected weights [4] for [2, 4], got [3].',
      );
      tf.dispose([x, weight]);
    });
  });

  describe('linear', () => {
    const shapes = { x: [6, 5], weight: [5, 8], bias: [8], residual: [6, 8], scale: [6, 1] };
    const make = (): Record<keyof typeof shapes, tf.Tensor> => ({
      x: randomTensor(shapes.x, 20),
      weight: randomTensor(shapes.weight, 21),
      bias: randomTensor(shapes.bias, 22),
      residual: randomTensor(shapes.residual, 23),
      scale: randomTensor(shapes.scale, 24),
    });
    test.each([
      [false, false, false, false],
      [true, false, false, false],
      [true, true, false, false],
      [true, false, true, false],
      [true, true, true, true],
      [false, false, true, true],
    ])(
      'bias %s, gelu %s, residual %s, scale %s: value and gradients',
      async (hasBias, hasGelu, hasResidual, hasScale) => {
        await expectNoLeak(async () => {
          const all = make();
          const run = (
            x: tf.Tensor,
            weight: tf.Tensor,
            bias: tf.Tensor,
            residual: tf.Tensor,
            scale: tf.Tensor,
          ): tf.Tensor =>
            linear(
              x,
              { weight, bias: hasBias ? bias : null },
              { gelu: hasGelu, ...(hasResidual && { residual }), ...(hasScale && { scale }) },
            );
          const y = run(all.x, all.weight, all.bias, all.residual, all.scale);
          const naive = tf.tidy(() => {
            let y: tf.Tensor = tf.matMul(all.x as tf.Tensor2D, all.weight as tf.Tensor2D);
            if (hasBias) y = tf.add(y, all.bias);
            if (hasGelu) y = tf.mul(y, tf.mul(0.5, tf.add(1, tf.erf(tf.div(y, Math.SQRT2)))));
            if (hasScale) y = tf.mul(y, all.scale);
            return hasResidual ? tf.add(y, all.residual) : y;
          });
          expectAllclose(await y.data(), await naive.data(), float32Tolerance);
          const used = [all.x, all.weight, ...(hasBias ? [all.bias] : []), ...(hasResidual ? [all.residual] : [])];
          await expectGradient(
            (x, weight, ...others) => {
              const bias = hasBias ? (others[0] as tf.Tensor) : all.bias;
              const residual = hasResidual ? (others[hasBias ? 1 : 0] as tf.Tensor) : all.residual;
              return run(x as tf.Tensor, weight as tf.Tensor, bias, residual, all.scale);
            },
            used,
            25,
          );
          tf.dispose([y, naive, Object.values(all)]);
        });
      },
    );
    test.each([
      ['weights', 'weights of 5 inputs', { weight: [4, 8] }],
      ['a bias', 'a bias [8]', { bias: [7] }],
      ['a residual', 'a residual [6, 8]', { residual: [6, 7] }],
      ['a scale', 'a scale [6, 1]', { scale: [8] }],
    ])('refuses %s that does not fit', (_, message, wrong: Partial<Record<keyof typeof shapes, number[]>>) => {
      const sized = { ...shapes, ...wrong };
      tf.tidy(() => {
        const call = (): tf.Tensor =>
          linear(
            tf.zeros(sized.x),
            { weight: tf.zeros(sized.weight), bias: tf.zeros(sized.bias) },
            { residual: tf.zeros(sized.residual), scale: tf.zeros(sized.scale) },
          );
        expect(call).toThrow(`linear: expected ${message}`);
      });
    });
  });

  describe('patches', () => {
    const ops = createTensorOps();
    const embed = (patch: number, channels: number) => ({
      projection: { weight: randomTensor([patch * patch * 3, channels], 30), bias: randomTensor([channels], 31) },
      norm: { weight: randomTensor([channels], 32), bias: randomTensor([channels], 33) },
    });
    const freeAll = (...trees: object[]): void => tf.dispose(trees as unknown as tf.TensorContainer);

    test.each([
      ['pad', [2, 9, 14, 3], [2, 3, 4, 6]],
      ['crop', [2, 9, 14, 3], [2, 2, 3, 6]],
      ['pad', [1, 8, 12, 3], [1, 2, 3, 6]],
    ] as const)('patchEmbed equals a strided convolution (%s, %j)', (remainder, imageShape, shape) =>
      expectNoLeak(async () => {
        const image = randomTensor([...imageShape], 34);
        const weights = embed(4, 6);
        const y = ops.patchEmbed(image, weights, { patchSize: 4, remainder });
        expect(y.shape).toEqual(shape);
        const naive = tf.tidy(() => {
          const height = shape[1] * 4;
          const width = shape[2] * 4;
          const [, h, w] = imageShape;
          const padded = tf.pad(image, [
            [0, 0],
            [0, Math.max(0, height - h)],
            [0, Math.max(0, width - w)],
            [0, 0],
          ]);
          const fitted = tf.slice(padded, [0, 0, 0, 0], [shape[0], height, width, 3]) as tf.Tensor4D;
          const filter = tf.reshape(weights.projection.weight, [4, 4, 3, 6]) as tf.Tensor4D;
          return layerNorm(tf.add(tf.conv2d(fitted, filter, 4, 'valid'), weights.projection.bias), weights.norm);
        });
        expectAllclose(await y.data(), await naive.data(), { absolute: 1e-4 }); // norms of six channels amplify
        freeAll(image, weights, y, naive);
      }),
    );

    test('patchEmbed refuses an image smaller than a patch, and one with four channels', () => {
      const weights = embed(4, 6);
      const options = { patchSize: 4, remainder: 'pad' } as const;
      expect(() => tf.tidy(() => ops.patchEmbed(tf.zeros([1, 3, 64, 3]), weights, options))).toThrow(
        'patchEmbed: expected an image of at least one patch (4x4 pixels), got 3x64.',
      );
      expect(() => tf.tidy(() => ops.patchEmbed(tf.zeros([1, 8, 8, 4]), weights, options))).toThrow(
        /expected 3 channels/,
      );
      freeAll(weights);
    });

    test.each([
      [1, 4, 6, 5],
      [2, 5, 3, 4],
      [1, 1, 1, 4],
    ])('patchMerging of [%d, %d, %d, %d] takes neighbours column by column', (...shape) =>
      expectNoLeak(async () => {
        const [batch = 0, height = 0, width = 0, channels = 0] = shape;
        const x = randomTensor(shape, 35);
        const weights = {
          norm: { weight: randomTensor([4 * channels], 36), bias: randomTensor([4 * channels], 37) },
          reduction: { weight: randomTensor([4 * channels, 2 * channels], 38), bias: null },
        };
        const y = ops.patchMerging(x, weights);
        const naive = tf.tidy(() => {
          const even = tf.pad(x, [
            [0, 0],
            [0, height % 2],
            [0, width % 2],
            [0, 0],
          ]);
          const at = (row: number, column: number): tf.Tensor =>
            tf.stridedSlice(even, [0, row, column, 0], even.shape, [1, 2, 2, 1]);
          const merged = tf.concat([at(0, 0), at(1, 0), at(0, 1), at(1, 1)], 3);
          const rows = tf.reshape(layerNorm(merged, weights.norm), [-1, 4 * channels]) as tf.Tensor2D;
          return tf.reshape(tf.matMul(rows, weights.reduction.weight as tf.Tensor2D), [
            batch,
            Math.ceil(height / 2),
            Math.ceil(width / 2),
            2 * channels,
          ]);
        });
        expect(y.shape).toEqual(naive.shape);
        expectAllclose(await y.data(), await naive.data(), { absolute: 1e-4 });
        freeAll(x, weights, y, naive);
      }),
    );

    test('chunks change nothing', () =>
      expectNoLeak(async () => {
        const image = randomTensor([1, 24, 20, 3], 39);
        const weights = embed(4, 6);
        const options = { patchSize: 4, remainder: 'pad' } as const;
        const whole = ops.patchEmbed(image, weights, options);
        const parts = createTensorOps({ maxChunkBytes: 700 }).patchEmbed(image, weights, options);
        // WebGPU chooses the program of a product by its shape, and with it the order of a sum
        expectAllclose(await parts.data(), await whole.data(), tf.getBackend() === 'webgpu' ? float32Tolerance : {});
        freeAll(image, weights, whole, parts);
      }));
  });

  describe('the seam for fused kernels', () => {
    const kernelName = kernelNames.layerNorm;
    /** Runs with a kernel whose value cannot come from the reference path, and with what was registered before again after it. */
    const withFakeKernel = async (run: () => Promise<void>): Promise<void> => {
      const backendName = tf.getBackend();
      const before = [kernelNames.layerNorm, kernelNames.layerNormGradient]
        .map((name) => tf.getKernel(name, backendName))
        .filter((config) => config !== undefined);
      for (const config of before) tf.unregisterKernel(config.kernelName, backendName);
      tf.registerKernel({ kernelName, backendName, kernelFunc: ({ inputs }) => tf.fill(inputs.x?.shape ?? [], 42) });
      try {
        await run();
      } finally {
        tf.unregisterKernel(kernelName, backendName);
        for (const config of before) tf.registerKernel(config);
      }
    };

    test('a registered kernel runs, and the reference path when it is switched off', async () => {
      const [x, weight, bias] = [tf.ones([2, 3]), tf.ones([3]), tf.zeros([3])];
      await withFakeKernel(async () => {
        const y = layerNorm(x, { weight, bias });
        expect(Array.from(await y.data())).toEqual([42, 42, 42, 42, 42, 42]);
        const reference = withoutKernels(() => layerNorm(x, { weight, bias }));
        expect(Array.from(await reference.data())).toEqual([0, 0, 0, 0, 0, 0]);
        tf.dispose([y, reference]);
      });
      const y = layerNorm(x, { weight, bias });
      expect(Array.from(await y.data())).toEqual([0, 0, 0, 0, 0, 0]);
      tf.dispose([x, weight, bias, y]);
    });

    test('an error inside switches the kernels on again', async () => {
      const [x, weight, bias] = [tf.ones([2, 3]), tf.ones([3]), tf.zeros([3])];
      await withFakeKernel(async () => {
        expect(() =>
          withoutKernels(() => {
            throw new Error('inside');
          }),
        ).toThrow('inside');
        const y = layerNorm(x, { weight, bias });
        expect((await y.data())[0]).toBe(42);
        y.dispose();
      });
      tf.dispose([x, weight, bias]);
    });

    test('a kernel without a gradient is not used where one is needed', async () => {
      const [x, weight, bias] = [randomTensor([2, 3], 40), tf.ones([3]), tf.zeros([3])];
      const gradientOf = (): tf.Tensor =>
        tf.grad((x) => tf.sum(tf.square(tf.mul(layerNorm(x, { weight, bias }), x))))(x);
      const reference = withoutKernels(gradientOf);
      await withFakeKernel(async () => {
        const gradient = gradientOf();
        expectAllclose(await gradient.data(), await reference.data(), {});
        gradient.dispose();
      });
      tf.dispose([x, weight, bias, reference]);
    });
  });
}
