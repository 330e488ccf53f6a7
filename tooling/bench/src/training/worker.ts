/** One case in a process of its own: trains as many steps as it is told to, and says how long they took and how much memory there was. */

import '@sparsevit/ops/gradients';
import { randomWeights } from '@sparsevit/backbone';
import type { Dataset, LabelledBox } from '@sparsevit/data';
import { compose } from '@sparsevit/data';
import { wasmKernels } from '@sparsevit/kernels-wasm';
import { createTensorOps, initBackend } from '@sparsevit/ops';
import { trainingData } from '@sparsevit/pipeline';
import { createTask, newTask } from '@sparsevit/tasks';
import { trainableTask } from '@sparsevit/tasks/losses';
import type { CheckpointStore, TrainingData } from '@sparsevit/trainer';
import { train, trainConfigOf } from '@sparsevit/trainer';
import { createRandom } from '@sparsevit/windows';
import { wasmHeapBytes } from '../wasm-heap';
import type { TrainingKind, TrainingSubject } from './cases';
import { trainingConfigOf } from './cases';

/** What the process is told: steps to do, or to end. */
export type WorkerRequest = { readonly steps: number } | { readonly end: true };

/** What it answers. */
export type WorkerReply =
  | { readonly ready: true }
  | { readonly ms: number }
  | { readonly peakProcessBytes: number; readonly peakWasmBytes: number };

/** Runs until it is told to end. */
export async function runWorker(subject: TrainingSubject, kind: TrainingKind): Promise<void> {
  await initBackend({
    prefer: 'wasm',
    packs: [wasmKernels],
    load: { wasm: () => import('@tensorflow/tfjs-backend-wasm') },
  });
  const { architecture, task: config, batch } = subject;
  const ops = createTensorOps({ trainable: true });
  const weights = randomWeights(architecture, 0);
  const task = createTask(ops, newTask(config, { architecture, family: 'mmdet', weights }, { seed: 0 }));
  const steps = stepsOnDemand();
  const normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
  const data = trainingData(noise(subject), { task: config, batch, seed: 0, transform: compose([]), normalization });
  const run = trainConfigOf(trainingConfigOf(subject, kind, 1_000_000), architecture, 'bench');
  await train(trainableTask(task, { upsample: ops.upsample }), steps.gated(data), run, {
    store: nowhere,
    onEvent: ({ type }) => type === 'step-end' && steps.done(),
  });
}

const reply = (message: WorkerReply): void => {
  process.send?.(message);
};

/** Lets the loop take a batch only while steps are asked for, and times them from the asking to the last step's end. */
function stepsOnDemand(): { gated<Batch>(data: TrainingData<Batch>): TrainingData<Batch>; done(): void } {
  let left = 0;
  let startMs = 0;
  let wake: () => void = () => {};
  process.on('message', (request: WorkerRequest) => {
    if ('end' in request) {
      reply({ peakProcessBytes: process.resourceUsage().maxRSS * 1024, peakWasmBytes: wasmHeapBytes() ?? 0 });
      process.disconnect();
      process.exit(0);
    }
    left = request.steps;
    startMs = performance.now();
    wake();
  });
  reply({ ready: true });
  return {
    gated: (data) => ({
      async *batches(from, signal) {
        for await (const batch of data.batches(from, signal)) {
          while (left === 0) await new Promise<void>((resolve) => (wake = resolve));
          yield batch; // the loop asks for the next one when the step has ended
        }
      },
    }),
    done() {
      left--;
      if (left === 0) reply({ ms: performance.now() - startMs });
    },
  };
}

/** Images of noise, decoded already: what is measured is the training, not the reading. */
function noise({ sidePixels, task }: TrainingSubject): Dataset {
  const random = createRandom(sidePixels);
  const image = {
    pixels: Uint8Array.from({ length: sidePixels * sidePixels * 3 }, () => random.integer(0, 256)),
    height: sidePixels,
    width: sidePixels,
  };
  const boxes: LabelledBox[] = Array.from({ length: 12 }, (_, i) => ({
    x: random.integer(0, sidePixels - 40),
    y: random.integer(0, sidePixels - 40),
    width: random.integer(10, 40),
    height: random.integer(10, 40),
    label: i % task.classes.length,
  }));
  return {
    length: 64,
    classes: task.classes,
    describe: (index) => `image ${index} of noise`,
    read: async (index) => ({ id: `${index}`, image, boxes, label: index % task.classes.length }),
  };
}

/** Nothing is saved. */
const nowhere: CheckpointStore = {
  list: async () => [],
  read: async (name) => {
    throw new Error(`expected nothing to be read, got ${name}`);
  },
  write: async () => {},
  remove: async () => {},
};
