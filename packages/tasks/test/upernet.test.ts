/** UperNet over TensorFlow.js and over the engine, against each other and against plain loops. */

import '@sparsevit/ops/gradients';
import type { HostTensor } from '@sparsevit/backbone';
import { createSwin, randomWeights } from '@sparsevit/backbone';
import { createEngine } from '@sparsevit/engine';
import { createTensorOps } from '@sparsevit/ops';
import { expectAllclose, startBackend } from '@sparsevit/testing';
import type { WindowOps } from '@sparsevit/windows';
import { ConfigError, createRandom, ShapeError } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import type { HeadSlot } from '../src/heads/slots';
import { freshWeight } from '../src/heads/slots';
import type { UpernetConfig, UpernetWeights } from '../src/heads/upernet';
import { upernetForward, upernetSlots, upernetWidths } from '../src/heads/upernet';
import { loaders } from './loaders';
import type { PlainMap } from './upernet-reference';
import { plainUpernet } from './upernet-reference';

const architecture = { patchSize: 4, embedDim: 8, depths: [1, 1, 1, 1], heads: [1, 1, 2, 2], window: 3, mlpRatio: 2 };
const config: UpernetConfig = {
  kind: 'upernet',
  classes: ['road', 'car', 'sky'],
  channels: 12,
  groups: 2,
  auxiliaryChannels: 6,
};
/** Rounding of float32 through some ten layers on values of order 1. */
const tolerance = { absolute: 1e-4 };

/** Weights by key, no two alike: norms too, and classifiers whose logits are not all small. */
function hostWeights(given: UpernetConfig = config, seed = 3): Map<string, HostTensor> {
  const random = createRandom(seed);
  const weights = new Map<string, HostTensor>();
  const make = (slot: HeadSlot): void => {
    expect(weights.has(slot.key), slot.key).toBe(false);
    if (typeof slot.fill !== 'number') {
      weights.set(slot.key, freshWeight({ ...slot, fill: 'kaiming' }, random));
      return;
    }
    const { values } = freshWeight(slot, random);
    weights.set(slot.key, { shape: slot.shape, values: values.map((value) => value + random.uniform() - 0.5) });
  };
  upernetSlots<void>(make, given, architecture);
  return weights;
}

/** The same weights as some implementation takes them. */
function weightsOf<T>(
  ops: Pick<WindowOps<T>, 'fromWeights'>,
  host: ReadonlyMap<string, HostTensor>,
  given: UpernetConfig = config,
): UpernetWeights<T> {
  return upernetSlots(
    ({ key, shape }) => ops.fromWeights(host.get(key)?.values ?? new Float32Array(0), shape, key),
    given,
    architecture,
  );
}

function draw(shape: readonly number[], seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: shape.reduce((product, side) => product * side, 1) }, () => random.normal());
}

/** Maps of four stages whose sides are odd: none is half of the one before. */
function plainFeatures(): [PlainMap, PlainMap, PlainMap, PlainMap] {
  const map = (seed: number, ...shape: [number, number, number, number]): PlainMap => ({
    shape,
    values: draw(shape, seed),
  });
  return [map(11, 2, 11, 13, 8), map(12, 2, 6, 7, 16), map(13, 2, 3, 5, 32), map(14, 2, 7, 4, 64)];
}

const tensorsOf = (maps: readonly PlainMap[]): tf.Tensor[] =>
  maps.map(({ values, shape }) => tf.tensor(Float32Array.from(values), [...shape]));

beforeAll(() => startBackend('cpu', loaders));

describe('upernet', () => {
  test('is what plain loops compute', async () => {
    const ops = createTensorOps();
    const host = hostWeights();
    const features = plainFeatures();
    const expected = plainUpernet(host, 2, features);
    const { logits, auxiliaryLogits } = ops.scope(() =>
      upernetForward(ops, config, weightsOf(ops, host), tensorsOf(features), { wantsAuxiliary: true }),
    );
    expect(logits.shape).toEqual([2, 11, 13, 3]);
    expect(auxiliaryLogits?.shape).toEqual([2, 3, 5, 3]);
    expect(Math.max(...(await logits.data()))).toBeGreaterThan(0.5);
    expectAllclose(await logits.data(), expected.logits.values, tolerance);
    expectAllclose((await auxiliaryLogits?.data()) ?? [], expected.auxiliaryLogits.values, tolerance);
  });

  test.each([
    [1, [1, 50, 70, 3]],
    [2, [1, 50, 70, 3]],
    [1, [2, 97, 33, 3]],
    [2, [2, 97, 33, 3]],
  ] as const)('has the same values on the engine, %i threads, images %j', async (threads, shape) => {
    const checkpoint = {
      architecture,
      family: 'microsoft-detection',
      weights: randomWeights(architecture, 5),
    } as const;
    const host = hostWeights();
    const image = draw(shape, 6);

    const ops = createTensorOps();
    const onTensors = ops.scope(() => {
      const { features } = createSwin(ops, checkpoint).forward(tf.tensor4d(image, [...shape]));
      return upernetForward(ops, config, weightsOf(ops, host), features, { wantsAuxiliary: true });
    });

    const engine = await createEngine({ threads });
    const backbone = createSwin(engine.ops, checkpoint);
    const weights = weightsOf(engine.ops, host);
    const plan = engine.compile(
      (x) => upernetForward(engine.ops, config, weights, backbone.forward(x).features, { wantsAuxiliary: true }),
      { shape },
    );
    const onEngine = await plan.run(image);
    await engine.dispose();

    expect(onEngine.logits.shape).toEqual(onTensors.logits.shape);
    expect(onEngine.logits.shape.slice(1)).toEqual([Math.ceil(shape[1] / 4), Math.ceil(shape[2] / 4), 3]);
    expectAllclose(onEngine.logits.values, await onTensors.logits.data(), tolerance);
    expect(onEngine.auxiliaryLogits?.shape).toEqual(onTensors.auxiliaryLogits?.shape);
    expectAllclose(
      onEngine.auxiliaryLogits?.values ?? [],
      (await onTensors.auxiliaryLogits?.data()) ?? [Number.NaN],
      tolerance,
    );
  });

  test('every weight has a gradient', async () => {
    const ops = createTensorOps();
    const host = hostWeights();
    const names = [...host.keys()];
    const tensors = names.map((key) => {
      const { shape, values } = host.get(key) as HostTensor;
      return tf.tensor(values, [...shape]);
    });
    const features = tensorsOf(plainFeatures());
    const gradients = tf.grads((...given: tf.Tensor[]) => {
      const weights = upernetSlots(({ key }) => given[names.indexOf(key)] as tf.Tensor, config, architecture);
      const { logits, auxiliaryLogits } = upernetForward(ops, config, weights, features, { wantsAuxiliary: true });
      return tf.add(tf.sum(tf.square(logits)), tf.sum(tf.square(auxiliaryLogits as tf.Tensor)));
    })(tensors);
    for (const [i, gradient] of gradients.entries()) {
      const values = await gradient.data();
      expect(values.every(Number.isFinite), names[i]).toBe(true);
      expect(
        values.some((value) => Math.abs(value) > 1e-6),
        names[i],
      ).toBe(true);
    }
  });

  test('auxiliary logits are there when asked for and when the head has them', () => {
    const ops = createTensorOps();
    const without: UpernetConfig = { ...config, auxiliaryChannels: 0 };
    tf.tidy(() => {
      const features = tensorsOf(plainFeatures());
      const weights = weightsOf(ops, hostWeights());
      expect(upernetForward(ops, config, weights, features).auxiliaryLogits).toBeNull();
      const bare = weightsOf(ops, hostWeights(without), without);
      expect(bare.auxiliary).toBeNull();
      expect(upernetForward(ops, without, bare, features, { wantsAuxiliary: true }).auxiliaryLogits).toBeNull();
    });
  });

  test('a backbone of one stage has its pools', () => {
    const ops = createTensorOps();
    const single = { ...architecture, depths: [1], heads: [1] };
    const random = createRandom(8);
    tf.tidy(() => {
      const weights = upernetSlots<tf.Tensor>(
        (slot) => ops.fromWeights(freshWeight(slot, random).values, slot.shape, slot.key),
        config,
        single,
      );
      const { logits, auxiliaryLogits } = upernetForward(ops, config, weights, tensorsOf(plainFeatures()).slice(0, 1), {
        wantsAuxiliary: true,
      });
      expect(logits.shape).toEqual([2, 11, 13, 3]);
      expect(auxiliaryLogits?.shape).toEqual([2, 11, 13, 3]);
    });
  });

  test('a published head has its number of parameters', () => {
    // Swin-T: convolutions of the published head and its auxiliary one, norms of two values a channel instead of a batch norm's
    const swinT = { patchSize: 4, embedDim: 96, depths: [2, 2, 6, 2], heads: [3, 6, 12, 24], window: 7, mlpRatio: 4 };
    let count = 0;
    const classes = Array.from({ length: 150 }, (_, i) => `class ${i}`);
    upernetSlots(
      ({ shape }) => (count += shape.reduce((product, side) => product * side)),
      { kind: 'upernet', classes },
      swinT,
    );
    const unit = (side: number, inputs: number, outputs: number): number => side ** 2 * inputs * outputs + 2 * outputs;
    expect(count).toBe(
      4 * unit(1, 768, 512) +
        unit(3, 768 + 4 * 512, 512) +
        unit(1, 96, 512) +
        unit(1, 192, 512) +
        unit(1, 384, 512) +
        3 * unit(3, 512, 512) +
        unit(3, 2048, 512) +
        (512 + 1) * 150 +
        unit(3, 384, 256) +
        (256 + 1) * 150,
    );
  });

  test('widths have groups that fit, and others are refused', () => {
    const widths = (given: Partial<UpernetConfig>): number[] =>
      Object.values(upernetWidths({ kind: 'upernet', classes: [], ...given }));
    expect(widths({})).toEqual([512, 32, 256, 16]);
    expect(widths({ channels: 2048 })).toEqual([2048, 32, 256, 16]);
    expect(widths({ channels: 56, auxiliaryChannels: 0 })).toEqual([56, 2, 0, 1]);
    expect(widths({ channels: 64, groups: 8, auxiliaryChannels: 16 })).toEqual([64, 8, 16, 8]);
    expect(() => widths({ channels: 1 })).toThrow(ConfigError);
    expect(() => widths({ channels: 8.5 })).toThrow(/channels to be a whole number of at least 2, got 8.5/);
    expect(() => widths({ auxiliaryChannels: -4 })).toThrow(/auxiliaryChannels to be a whole number/);
    expect(() => widths({ channels: 64, groups: 5 })).toThrow(/divide 64 channels into two each or more, got 5/);
    expect(() => widths({ channels: 64, groups: 64 })).toThrow(/divide 64 channels/);
    expect(() => widths({ channels: 64, groups: 32, auxiliaryChannels: 32 })).toThrow(/divide 32 auxiliaryChannels/);
  });

  test('a stage that is not there is named', () => {
    const ops = createTensorOps();
    tf.tidy(() => {
      const weights = weightsOf(ops, hostWeights());
      const [first = null, , third = null, fourth = null] = tensorsOf(plainFeatures());
      const forward = (features: (tf.Tensor | null)[]) => () => upernetForward(ops, config, weights, features);
      expect(forward([first, null, third, fourth])).toThrow(ShapeError);
      expect(forward([first, null, third, fourth])).toThrow(/the output of stage 1, got none/);
      expect(forward([first])).toThrow(/the output of stage 1, got none/);
      expect(forward([first, third, third])).toThrow(/the output of stage 3, got none/);
    });
  });
});
