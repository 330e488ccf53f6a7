/** What is being recorded: tasks, buffers, constants and weights, in order; and the values that stand for what tasks will compute. */

import { BackendError } from '@sparsevit/windows';
import type { Operand, PendingTask } from '../task';
import { at, buffersOf } from '../task';
import type { Buffer, EngineValue, Weight } from '../value';
import { sizeOf } from '../value';
import type { WeightStore } from '../weights';

/** What is recorded so far. */
export interface OpenRecording {
  readonly tasks: PendingTask[];
  readonly buffers: Buffer[];
  /** Blocks of the heap that belong to the recording. */
  readonly constants: number[];
  readonly weights: Set<Weight>;
  image: Buffer | null;
}

/** What every operation writes to. */
export interface Tape {
  readonly threads: number;
  /** Addresses of weights, which are noted as read. */
  readonly weights: Pick<WeightStore, 'plain' | 'packed' | 'positionBias'>;
  /** @throws BackendError outside of `compile()` */
  recording(): OpenRecording;
  readonly isOpen: boolean;
  open(): void;
  /** Ends the recording, if there is one, and gives it. */
  close(): OpenRecording | null;
  makeBuffer(name: string, bytes: number): Buffer;
  /** A value of its own in the arena. */
  makeValue(name: string, shape: readonly number[], type?: EngineValue['type']): EngineValue;
  addTask(task: PendingTask): void;
  /** The address of a computed value. */
  address(value: EngineValue): Operand;
  /** The buffer of a map or of rows of a whole image. */
  bufferOf(value: EngineValue): Buffer;
  /** Chunks of at most `most` units, but enough of them for all threads. */
  evenChunks(total: number, most: number, multiple: number): { chunk: number; chunkRows: number };
}

/** Makes a tape; weights come from the store. */
export function createTape(store: WeightStore, threads: number): Tape {
  let open: OpenRecording | null = null;

  const recording = (): OpenRecording => {
    if (open === null) {
      throw new BackendError(
        'engine: expected operations inside of compile(), got one outside. The engine computes nothing at once: give compile() a function that runs the forward.',
      );
    }
    return open;
  };
  const makeBuffer = (name: string, bytes: number): Buffer => {
    const buffer: Buffer = { kind: 'buffer', name, bytes, firstTask: Infinity, lastTask: -1, offset: 0 };
    recording().buffers.push(buffer);
    return buffer;
  };
  /** Notes that a weight is read, and gives its address. */
  const using = (address: (weight: EngineValue) => number): ((weight: EngineValue) => number) => {
    return (weight) => {
      const { weights: used } = recording();
      if (weight.place.kind === 'weight') used.add(weight.place);
      return address(weight);
    };
  };
  return {
    threads,
    weights: {
      plain: using(store.plain),
      packed: using(store.packed),
      positionBias: (table, window) => using((weight) => store.positionBias(weight, window))(table),
    },
    recording,
    get isOpen() {
      return open !== null;
    },
    open() {
      open = { tasks: [], buffers: [], constants: [], weights: new Set(), image: null };
    },
    close() {
      const closed = open;
      open = null;
      return closed;
    },
    makeBuffer,
    makeValue: (name, shape, type = 'float32') => ({ place: makeBuffer(name, sizeOf(shape) * 4), shape, type }),
    addTask(task) {
      const { tasks } = recording();
      for (const buffer of buffersOf(task)) {
        buffer.firstTask = Math.min(buffer.firstTask, tasks.length);
        buffer.lastTask = Math.max(buffer.lastTask, tasks.length);
      }
      tasks.push(task);
    },
    address({ place }) {
      if (place.kind === 'buffer' || place.kind === 'local') return at(place);
      if (place.kind === 'constant') return place.address;
      throw new BackendError(`engine: expected a value that the plan computes, got the weight ${place.key}.`);
    },
    bufferOf({ place }) {
      if (place.kind === 'buffer') return place;
      throw new BackendError(
        'engine: expected a map or rows of a whole image, got rows of windows. Use them inside mapWindows only.',
      );
    },
    evenChunks(total, most, multiple) {
      const share = threads === 1 ? most : Math.ceil(total / (threads * 4));
      const chunk = Math.max(multiple, Math.ceil(Math.min(most, share) / multiple) * multiple);
      return { chunk, chunkRows: chunk };
    },
  };
}
