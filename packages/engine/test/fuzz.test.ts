import { createSwin } from '@sparsevit/backbone';
import type { Engine, HostValues } from '@sparsevit/engine';
import { createEngine } from '@sparsevit/engine';
import { wasmKernels } from '@sparsevit/kernels-wasm';
import { createTensorOps } from '@sparsevit/ops';
import { expectAllclose, startBackend } from '@sparsevit/testing';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bitsOf } from './cases/bits';
import type { ModelCase } from './cases/models';
import { drawModel } from './cases/models';
import { loaders } from './loaders';

const cases = 300;
const engines: Engine[] = [];

beforeAll(async () => {
  await startBackend('wasm', loaders);
  await wasmKernels.install();
  for (const threads of [1, 2, 3]) engines.push(await createEngine({ threads }));
});

afterAll(async () => {
  for (const engine of engines) await engine.dispose();
});

/** Features and logits of the TensorFlow.js path. */
async function reference({ checkpoint, shape, pixels, options }: ModelCase): Promise<(Float32Array | null)[]> {
  const model = createSwin(createTensorOps(), checkpoint);
  const image = tf.tensor(pixels, [...shape]);
  const { features, logits } = model.forward(image, options);
  const values: (Float32Array | null)[] = [];
  for (const tensor of [...features, logits])
    values.push(tensor === null ? null : ((await tensor.data()) as Float32Array));
  tf.dispose([image, features, logits] as never);
  model.dispose();
  return values;
}

async function run(engine: Engine, { checkpoint, shape, pixels, options }: ModelCase): Promise<(HostValues | null)[]> {
  const model = createSwin(engine.ops, checkpoint);
  const plan = engine.compile((image) => model.forward(image, options), { shape });
  const { features, logits } = await plan.run(pixels);
  plan.dispose();
  model.dispose();
  return [...features, logits];
}

describe('random models, the engine against TensorFlow.js on the same windows', () => {
  const chunk = 10;
  for (let first = 0; first < cases; first += chunk) {
    test(`${first} to ${first + chunk - 1}`, async () => {
      for (let number = first; number < first + chunk; number++) {
        const drawn = drawModel(number);
        const expected = await reference(drawn);
        const results: (HostValues | null)[][] = [];
        for (const engine of engines) results.push(await run(engine, drawn));
        const [one = [], ...more] = results;
        expect(one).toHaveLength(expected.length);
        const { architecture, family } = drawn.checkpoint;
        const name = `case ${number}: ${JSON.stringify({ ...architecture, family, shape: drawn.shape })}`;
        for (const [i, values] of expected.entries()) {
          if (values === null) expect(one[i]).toBeNull();
          else expectAllclose(one[i]?.values ?? [], values, { absolute: 1e-5, relative: 1e-5 }, `${name}, output ${i}`);
        }
        for (const [i, other] of more.entries()) expect(bitsOf(other), `${name}, ${i + 2} threads`).toBe(bitsOf(one));
        expect(bitsOf(await run(engines[1] as Engine, drawn)), `${name}, again`).toBe(bitsOf(one));
      }
    });
  }
});
