import { readSafetensors, toFloat32 } from '@sparsevit/backbone';
import { describeGolden, expectAllclose, requireGolden } from '@sparsevit/testing';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import type { GradientTransform } from '../../src/index';
import {
  addDecayedWeights,
  chain,
  clipByGlobalNorm,
  cosineSchedule,
  createAverage,
  createOptimizer,
  globalNorm,
  scaleByAdam,
  scaleByLearningRate,
  warmUpThen,
} from '../../src/index';

const file = 'optimizer/adamw.safetensors';
const steps = 12;

/** Twelve steps of torch's AdamW, with decay of one group, clipping, warm-up and cosine. */
export function optimizerCases(): void {
  const recipe = (): GradientTransform =>
    chain(
      clipByGlobalNorm(1),
      scaleByAdam({ beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }),
      addDecayedWeights(0.05, (key) => key === 'linear.weight'),
      scaleByLearningRate(warmUpThen(3, 3e-3, cosineSchedule({ base: 3e-3, end: 1e-5, steps: 9 }))),
    );

  describeGolden(file, [file], () => {
    test('twelve steps equal those of torch to 1e-6, also when they go on from a saved state', async () => {
      const { tensors, metadata } = readSafetensors(await requireGolden(file));
      const keys = [...tensors.keys()].filter((key) => key.startsWith('p0.')).map((key) => key.slice(3));
      expect(keys).toHaveLength(4);
      const take = (name: string): tf.Tensor => {
        const stored = tensors.get(name);
        if (stored === undefined) throw new Error(`expected ${name}`);
        return tf.tensor(toFloat32(stored, name), [...stored.shape]);
      };
      const norms = JSON.parse(metadata.grad_norm ?? '[]') as number[];
      const before = tf.memory().numTensors;
      const variables = new Map(
        keys.map((key) => {
          const initial = take(`p0.${key}`);
          const variable = tf.variable(initial);
          initial.dispose();
          return [key, variable] as const;
        }),
      );
      let optimizer = createOptimizer(recipe(), variables);
      for (let step = 1; step <= steps; step++) {
        const gradients = new Map(keys.map((key) => [key, take(`g${step}.${key}`)] as const));
        const norm = globalNorm(gradients);
        expectAllclose(await norm.data(), [norms[step - 1] ?? Number.NaN], { absolute: 0, relative: 1e-6 });
        optimizer.apply(gradients);
        for (const key of keys) {
          const expected = take(`p${step}.${key}`);
          const actual = await (variables.get(key) as tf.Variable).data();
          expectAllclose(actual, await expected.data(), { absolute: 1e-6 }, `step ${step}, ${key}`);
          expected.dispose();
        }
        tf.dispose([norm, ...gradients.values()]);
        if (step !== 5) continue;
        const next = createOptimizer(recipe(), variables);
        const saved = new Map<string, tf.Tensor>();
        for (const [key, tensor] of optimizer.state) saved.set(key, tf.tensor(await tensor.data(), tensor.shape));
        next.restore(optimizer.step, saved);
        optimizer.dispose();
        optimizer = next;
      }
      optimizer.dispose();
      tf.dispose([...variables.values()]);
      expect(tf.memory().numTensors).toBe(before);
    });
  });

  test('each transform gets its own part of the state, also where keys look like prefixes', async () => {
    const seen: string[][] = [];
    const counting: GradientTransform = {
      name: 'count',
      init: (parameters) => new Map([...parameters].map(([key, parameter]) => [key, tf.zerosLike(parameter)])),
      update(updates, state) {
        seen.push([...state.keys()]);
        return { updates, state: new Map([...state].map(([key, tensor]) => [key, tf.add(tensor, 1)])) };
      },
    };
    const keys = ['0.count/x', '1.chain/0.count/x', 'x'];
    const asked: string[] = [];
    const ask = <Answer>(answer: Answer) => {
      return (key: string): Answer => {
        asked.push(key);
        return answer;
      };
    };
    const transform = chain(
      counting,
      chain(counting, addDecayedWeights(0.5, ask(true))),
      scaleByLearningRate(() => 0.5, ask(2)),
    );
    const before = tf.memory().numTensors;
    const parameters = new Map(keys.map((key) => [key, tf.tidy(() => tf.variable(tf.scalar(1)))]));
    const gradients = new Map(keys.map((key) => [key, tf.scalar(1)]));
    const optimizer = createOptimizer(transform, parameters);
    expect([...optimizer.state.keys()]).toEqual([
      ...keys.map((key) => `0.count/${key}`),
      ...keys.map((key) => `1.chain/0.count/${key}`),
    ]);
    for (let step = 0; step < 3; step++) optimizer.apply(gradients);
    expect(seen).toEqual(Array.from({ length: 6 }, () => keys));
    for (const count of optimizer.state.values()) expect([...(await count.data())]).toEqual([3]);
    // p -= 0.5 * 2 * (1 + 0.5 p), three times from 1
    for (const parameter of parameters.values()) expect([...(await parameter.data())]).toEqual([-1.625]);
    expect(asked).toEqual([...keys, ...keys]);
    optimizer.dispose();
    tf.dispose([...parameters.values(), ...gradients.values()]);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('a state of other tensors is refused', () => {
    const variable = tf.variable(tf.zeros([2]));
    const optimizer = createOptimizer(recipe(), new Map([['weight', variable]]));
    expect(() => optimizer.restore(3, new Map())).toThrow(/expected the state of this optimiser/);
    expect(optimizer.step).toBe(0);
    optimizer.dispose();
    variable.dispose();
  });

  test('the mean of the parameters follows them, slowly at last', async () => {
    const before = tf.memory().numTensors;
    const variable = tf.variable(tf.scalar(0));
    const parameters = new Map([['x', variable]]);
    const average = createAverage(parameters, 0.9);
    let expected = 0;
    for (let step = 0; step < 200; step++) {
      tf.tidy(() => variable.assign(tf.scalar(step)));
      average.update(parameters, step);
      const share = Math.min(0.9, (1 + step) / (10 + step));
      expected = share * expected + (1 - share) * step;
    }
    const [value = Number.NaN] = await (average.shadow.get('x') as tf.Tensor).data();
    expect(Math.abs(value - expected)).toBeLessThan(1e-3);
    average.dispose();
    variable.dispose();
    expect(tf.memory().numTensors).toBe(before + 1); // the scalar that the variable was made of
  });
}
