/** A model on a graphics card, by TensorFlow.js. Loaded only when there is a card: nothing of it is in the first bundle. */

import type { ForwardResult, SwinCheckpoint } from '@sparsevit/backbone';
import { createSwin } from '@sparsevit/backbone';
import { webgpuKernels } from '@sparsevit/kernels-webgpu';
import { createTensorOps, initBackend } from '@sparsevit/ops';
import { keptWindowIdsOf } from '@sparsevit/windows';
import type { Tensor } from '@tensorflow/tfjs-core';
import { dispose, getBackend, setBackend, tensor4d } from '@tensorflow/tfjs-core';
import type { HostMap, Prediction, RunnableModel } from './model';

/** What `createWebgpuModel` is given. */
export interface WebgpuModelOptions {
  /** True takes an adapter that the processor plays, too. */
  readonly takesSoftware: boolean;
  readonly chosenBecause: string;
  loadDawn(): Promise<unknown>;
}

/**
 * Starts the backend and takes a checkpoint in.
 *
 * @throws BackendError when there is no WebGPU, or no adapter
 */
export async function createWebgpuModel(
  checkpoint: Pick<SwinCheckpoint, 'architecture' | 'family' | 'weights'>,
  { takesSoftware, chosenBecause, loadDawn }: WebgpuModelOptions,
): Promise<RunnableModel> {
  const before: string | undefined = getBackend();
  const { detail, refusedPacks } = await initBackend({
    prefer: takesSoftware ? 'webgpu' : ['webgpu'],
    packs: [webgpuKernels],
    load: { webgpu: () => import('@tensorflow/tfjs-backend-webgpu') },
    loadDawn,
  });
  const model = createSwin(createTensorOps(), checkpoint);
  if (before) await setBackend(before);
  const pending = new Set<Promise<unknown>>();

  const readAndRelease = async (result: ForwardResult<Tensor>): Promise<Prediction> => {
    try {
      return await predictionOf(result);
    } finally {
      release(result);
    }
  };

  return {
    report: {
      backend: 'webgpu',
      detail,
      chosenBecause,
      refused: refusedPacks.map(({ name, reason }) => ({ what: name, reason })),
    },
    async predict({ values, shape }, request, signal) {
      const result = onWebgpu(() => {
        const image = tensor4d(values, [...shape]);
        try {
          return model.forward(image, request);
        } finally {
          dispose(image);
        }
      });
      const reading = result.then(readAndRelease);
      pending.add(reading);
      try {
        const prediction = await reading;
        signal?.throwIfAborted();
        return prediction;
      } finally {
        pending.delete(reading);
      }
    },
    async dispose() {
      await Promise.allSettled(pending);
      model.dispose();
    },
  };
}

/** TensorFlow.js has one active backend; an application may use another one for work of its own. */
async function onWebgpu<Result>(run: () => Result): Promise<Result> {
  const before = getBackend();
  if (before !== 'webgpu') await setBackend('webgpu');
  try {
    return run();
  } finally {
    if (before !== 'webgpu') await setBackend(before);
  }
}

async function predictionOf({ features, logits, windows }: ForwardResult<Tensor>): Promise<Prediction> {
  const read = async (map: Tensor | null): Promise<HostMap | null> =>
    map === null ? null : { values: (await map.data<'float32'>()).slice(), shape: map.shape };
  return {
    features: await Promise.all(features.map(read)),
    logits: await read(logits),
    windows: await Promise.all(
      windows.map(async ({ selection, ...block }) => {
        if (selection.kind === 'all') return keptWindowIdsOf(block, 'all', null);
        const ids = selection.ids === null ? new Int32Array(0) : (await selection.ids.data<'int32'>()).slice();
        return keptWindowIdsOf(block, selection.kind, ids);
      }),
    ),
  };
}

function release({ features, logits, windows }: ForwardResult<Tensor>): void {
  dispose([...features, logits].filter((map) => map !== null));
  for (const { selection, scores } of windows) {
    if (scores !== null) dispose(scores);
    if (selection.kind !== 'all' && selection.ids !== null) dispose(selection.ids);
  }
}
