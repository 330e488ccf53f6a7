/**
 * The recorder: `WindowOps` that compute nothing and write down what is to be done. Every shape is known when a plan is made; which windows
 * are kept is data.
 */

import type { WasmKernels } from '@sparsevit/kernels-wasm/binary';
import type { DenseOps, WindowOps } from '@sparsevit/windows';
import { BackendError } from '@sparsevit/windows';
import type { Heap } from '../memory';
import type { PendingTask } from '../task';
import type { Buffer, EngineValue, Weight } from '../value';
import type { WeightStore } from '../weights';
import { createBodies } from './bodies';
import { createCalls } from './calls';
import { createDenseOps } from './dense';
import { createPatchOps } from './patches';
import { createRowOps } from './rows';
import { createSelectionOps } from './selection';
import { createTape } from './tape';
import { createBodyOps } from './windows';

/** What was recorded. */
export interface Recording {
  readonly tasks: readonly PendingTask[];
  readonly buffers: readonly Buffer[];
  readonly image: Buffer;
  /** Blocks of the heap that belong to this recording. */
  readonly constants: readonly number[];
  /** The weights that it reads: they must be in use when it runs. */
  readonly weights: ReadonlySet<Weight>;
}

/** Everything that can be traced: a backbone and the heads on it. */
export type EngineOps = WindowOps<EngineValue> & DenseOps<EngineValue>;

/** A recorder: its ops, and the beginning and end of a recording. */
export interface Recorder {
  readonly ops: EngineOps;
  /** Begins a recording for images of a shape. */
  begin(shape: readonly [number, number, number, number]): EngineValue;
  /** Ends it; `outputs` are read when a run is over. */
  end(outputs: readonly EngineValue[]): Recording;
  /** Ends it without a result and gives its constants back. */
  abandon(): void;
}

/** What a recorder is made on. */
export interface RecorderOptions {
  readonly heap: Heap;
  readonly kernels: WasmKernels;
  readonly weights: WeightStore;
  readonly threads: number;
  /** Address of the masks of a shifted grid. */
  masksOf(window: number, shiftY: number, shiftX: number): number;
}

/** Makes a recorder. */
export function createRecorder({ heap, kernels, weights: store, threads, masksOf }: RecorderOptions): Recorder {
  const tape = createTape(store, threads);
  const bodies = createBodies();
  const calls = createCalls(tape, kernels);
  return {
    ops: {
      fromWeights: (values, shape, key) => store.take(values, shape, key),
      freeWeight: (weight) => store.free(weight),
      shapeOf: ({ shape }) => shape,
      scope: (run) => run(),
      release() {}, // lives end with the last use
      ...createPatchOps(tape, calls),
      ...createRowOps(tape, bodies, calls, kernels),
      ...createSelectionOps(tape, heap),
      ...createBodyOps(tape, { bodies, calls, kernels, masksOf }),
      ...createDenseOps(tape, calls, kernels),
    },
    begin(shape) {
      if (tape.isOpen) {
        throw new BackendError(
          'compile: expected one recording at a time, got one inside another. Compile plans one after the other.',
        );
      }
      bodies.reset();
      tape.open();
      const image = tape.makeValue('image', shape);
      const place = tape.bufferOf(image);
      place.firstTask = -1;
      tape.recording().image = place;
      return image;
    },
    end(outputs) {
      const { tasks, buffers, constants, image, weights } = tape.recording();
      if (image === null) throw new BackendError('compile: expected a recording that was begun, got none.');
      for (const { place, count } of outputs) {
        // read after the last task
        if (place.kind === 'buffer') place.lastTask = tasks.length;
        if (count !== undefined) count.lastTask = tasks.length;
      }
      tape.close();
      // what no task touches needs no place
      return {
        tasks,
        buffers: buffers.filter((buffer) => buffer === image || buffer.lastTask >= 0),
        constants,
        image,
        weights,
      };
    },
    abandon() {
      for (const block of tape.close()?.constants ?? []) heap.free(block);
    },
  };
}
