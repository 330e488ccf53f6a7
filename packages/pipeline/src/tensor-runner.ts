/** A task on TensorFlow.js, as something that runs on the host's images. */

import type { DecodeMap, Task, TaskOutput } from '@sparsevit/tasks';
import type { Tensor } from '@tensorflow/tfjs-core';
import { dispose, tensor4d } from '@tensorflow/tfjs-core';
import type { TaskRequest, TaskRunner } from './runner';

/**
 * A task on TensorFlow.js, with its weights as they are at each run; the task stays the caller's.
 *
 * @example
 * const output = await tensorRunner(task).run({ pixels, shape: [1, 512, 512, 3], sparsity: null });
 */
export function tensorRunner(task: Task<Tensor>): TaskRunner {
  return {
    async run(request) {
      const output = forward(task, request);
      try {
        switch (output.kind) {
          case 'detection':
            return { kind: 'detection', heatmap: await read(output.heatmap), box: await read(output.box) };
          case 'semantic':
            return { kind: 'semantic', logits: await read(output.logits), auxiliaryLogits: null };
          default:
            return { kind: 'classification', logits: await read(output.logits) };
        }
      } finally {
        dispose(output.kind === 'detection' ? [output.heatmap, output.box] : output.logits);
      }
    },
    dispose: async () => {},
  };
}

function forward(task: Task<Tensor>, { pixels, shape, sparsity, kept }: TaskRequest): TaskOutput<Tensor> {
  const image = tensor4d(pixels, [...shape]);
  try {
    return task.forward(image, { sparsity, ...(kept ? { kept } : {}) }).output;
  } finally {
    dispose(image);
  }
}

async function read(map: Tensor): Promise<DecodeMap> {
  return { values: (await map.data<'float32'>()).slice(), shape: map.shape };
}
