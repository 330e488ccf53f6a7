/** A model on a graphics card, by TensorFlow.js. Loaded only when there is a card: nothing of it is in the first bundle. */

import { webgpuKernels } from '@sparsevit/kernels-webgpu';
import { createTensorOps, initBackend } from '@sparsevit/ops';
import type { TaskOutput } from '@sparsevit/tasks';
import { keptWindowIdsOf } from '@sparsevit/windows';
import type { Tensor } from '@tensorflow/tfjs-core';
import { dispose, getBackend, setBackend, tensor4d } from '@tensorflow/tfjs-core';
import type { HostForward, HostMap, ModelForward, ModelSubject, RunnableModel } from './model';

/** What `createWebgpuModel` is given. */
export interface WebgpuModelOptions {
  /** True takes an adapter that the processor plays, too. */
  readonly takesSoftware: boolean;
  readonly chosenBecause: string;
  loadDawn(): Promise<unknown>;
}

/**
 * Starts the backend and takes a model in.
 *
 * @throws BackendError when there is no WebGPU, or no adapter
 */
export async function createWebgpuModel(
  subject: Pick<ModelSubject, 'take'>,
  { takesSoftware, chosenBecause, loadDawn }: WebgpuModelOptions,
): Promise<RunnableModel> {
  const before: string | undefined = getBackend();
  const { detail, refusedPacks } = await initBackend({
    prefer: takesSoftware ? 'webgpu' : ['webgpu'],
    packs: [webgpuKernels],
    load: { webgpu: () => import('@tensorflow/tfjs-backend-webgpu') },
    loadDawn,
  });
  const model = subject.take(createTensorOps());
  if (before) await setBackend(before);
  const pending = new Set<Promise<unknown>>();

  const readAndRelease = async (result: ModelForward<Tensor>): Promise<HostForward> => {
    try {
      return await readForward(result);
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

async function readForward({ features, logits, output, windows }: ModelForward<Tensor>): Promise<HostForward> {
  return {
    features: await Promise.all(features.map((map) => (map === null ? null : readMap(map)))),
    logits: logits === null ? null : await readMap(logits),
    output: output === null ? null : await readOutput(output),
    windows: await Promise.all(
      windows.map(async ({ selection, ...block }) => {
        if (selection.kind === 'all') return keptWindowIdsOf(block, 'all', null);
        const ids = selection.ids === null ? new Int32Array(0) : (await selection.ids.data<'int32'>()).slice();
        return keptWindowIdsOf(block, selection.kind, ids);
      }),
    ),
  };
}

async function readMap(map: Tensor): Promise<HostMap> {
  return { values: (await map.data<'float32'>()).slice(), shape: map.shape };
}

async function readOutput(output: TaskOutput<Tensor>): Promise<TaskOutput<HostMap>> {
  switch (output.kind) {
    case 'detection': {
      const [heatmap, box] = await Promise.all([readMap(output.heatmap), readMap(output.box)]);
      return { kind: 'detection', heatmap, box };
    }
    case 'semantic':
      return { kind: 'semantic', logits: await readMap(output.logits), auxiliaryLogits: null };
    default:
      return { kind: 'classification', logits: await readMap(output.logits) };
  }
}

function release({ features, logits, output, windows }: ModelForward<Tensor>): void {
  dispose([...features, logits].filter((map) => map !== null));
  if (output !== null) dispose(output.kind === 'detection' ? [output.heatmap, output.box] : output.logits);
  for (const { selection, scores } of windows) {
    if (scores !== null) dispose(scores);
    if (selection.kind !== 'all' && selection.ids !== null) dispose(selection.ids);
  }
}
