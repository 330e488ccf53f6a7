/** Our rows: Swin-T on TensorFlow.js, with the fused kernels or on its own ops. */

import type { SwinModel } from '@sparsevit/backbone';
import { createSwin, randomWeights } from '@sparsevit/backbone';
import type { BackendReport } from '@sparsevit/ops';
import { createTensorOps, initBackend, untilDone, withoutKernels } from '@sparsevit/ops';
import type { KernelPack } from '@sparsevit/windows';
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { BenchBackend, CaseSpec } from '../cases';
import { architecture, caseId, family, sparsityOf } from '../cases';
import { seededImage } from '../image';
import type { Machine } from '../result';
import type { Runnable } from '../runnable';
import { BenchError, checkOutput } from '../runnable';

/** The engine: one model for all sizes, so that its weights are packed once. */
export interface TensorEngine {
  readonly report: BackendReport;
  /** `spec.engine` is `sparsevit` or `plain-tfjs`. */
  prepare(spec: CaseSpec): Runnable;
  dispose(): void;
}

/** How to start it. */
export interface TensorEngineOptions {
  readonly backend: BenchBackend;
  /** False for the plain ops alone. */
  readonly wantsKernels: boolean;
  /** How to import Dawn in Node. */
  readonly loadDawn?: () => Promise<unknown>;
}

const packs: Readonly<Record<BenchBackend, KernelPack>> = {
  wasm: {
    name: '@sparsevit/kernels-wasm',
    backend: 'wasm',
    install: async () => (await import('@sparsevit/kernels-wasm')).wasmKernels.install(),
  },
  webgpu: {
    name: '@sparsevit/kernels-webgpu',
    backend: 'webgpu',
    install: async () => (await import('@sparsevit/kernels-webgpu')).webgpuKernels.install(),
  },
};

/** So small that the weights stay what they are: what costs is that they are new. */
const learningRate = 1e-12;

/**
 * Starts a backend, with the kernels where they are wanted.
 *
 * @throws BackendError when it cannot start
 * @throws BenchError when the kernels were refused: rows under their name would be the plain ops
 */
export async function startTensorEngine(options: TensorEngineOptions): Promise<TensorEngine> {
  const { backend, wantsKernels, loadDawn } = options;
  const report = await initBackend({
    prefer: backend,
    packs: wantsKernels ? [packs[backend]] : [],
    load: {
      wasm: () => import('@tensorflow/tfjs-backend-wasm'),
      webgpu: () => import('@tensorflow/tfjs-backend-webgpu'),
    },
    ...(loadDawn && { loadDawn }),
  });
  const [refused] = report.refusedPacks;
  if (refused) throw new BenchError(`${refused.name}: expected its kernels, got a refusal: ${refused.reason}`);
  const models = new Map<boolean, SwinModel<Tensor>>();
  const modelFor = (trainable: boolean): SwinModel<Tensor> => {
    const known = models.get(trainable);
    if (known) return known;
    const weights = randomWeights(architecture, 0);
    const made = createSwin(createTensorOps({ trainable }), { architecture, family, weights });
    models.set(trainable, made);
    return made;
  };
  return {
    report,
    prepare: (spec) => prepareCase(spec, backend, modelFor),
    dispose() {
      for (const model of models.values()) model.dispose();
      models.clear();
    },
  };
}

/** What runs our rows. */
export function describeEngine({ report }: TensorEngine): Pick<Machine, 'backend' | 'kernels'> {
  const kernels = report.packs.map(({ name, detail }) => `${name}: ${detail}`).join('; ');
  return { backend: `${report.backend} (${report.detail})`, kernels: kernels || 'none' };
}

function prepareCase(
  spec: CaseSpec,
  backend: BenchBackend,
  modelFor: (trainable: boolean) => SwinModel<Tensor>,
): Runnable {
  const { configuration, sizePixels, kind, engine } = spec;
  const id = caseId(spec);
  const sparsity = sparsityOf(configuration);
  const model = modelFor(kind !== 'forward');
  const image = tf.tensor(seededImage(sizePixels), [1, sizePixels, sizePixels, 3]);
  const withEngine = <Result>(run: () => Result): Result => (engine === 'plain-tfjs' ? withoutKernels(run) : run());
  const forward = (): Tensor => {
    const features = withEngine(() => model.forward(image, { sparsity, outputs: [3] })).features[3];
    if (!features) throw new BenchError(`${id}: expected the features of the last stage, got none.`);
    return features;
  };
  const train = (): Tensor => {
    const { value, grads } = withEngine(() => tf.variableGrads(() => tf.sum<tf.Scalar>(tf.square(forward()))));
    if (kind === 'training-step-with-update') tf.train.sgd(learningRate).applyGradients(grads);
    const last = Object.values(grads).at(-1);
    tf.dispose(Object.values(grads).filter((gradient) => gradient !== last));
    value.dispose();
    return last ?? value;
  };
  const compute = kind === 'forward' ? forward : train;
  return {
    id,
    spec,
    async run() {
      const result = compute();
      // what a device was given is done when one of its values is here; on wasm it is done already
      if (backend === 'webgpu') await untilDone(result);
      result.dispose();
    },
    async check() {
      const result = compute();
      const values = await result.data();
      const { shape } = result;
      result.dispose();
      return checkOutput(id, shape, values);
    },
    async dispose() {
      image.dispose();
    },
  };
}
