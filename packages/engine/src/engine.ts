/** An engine: memory, threads and the weights of models; it compiles plans. */

import type { KernelBuild, WasmKernels } from '@sparsevit/kernels-wasm/binary';
import { compileKernels } from '@sparsevit/kernels-wasm/binary';
import { BackendError, ShapeError } from '@sparsevit/windows';
import { layOut } from './arena';
import { interpret } from './interpret';
import type { Heap } from './memory';
import { createHeap, createMemory } from './memory';
import type { HostValues, Plan, PlanProfile } from './plan';
import { checkImage, chunkOf, describeCalls, materialize, valuesIn } from './plan';
import type { Pool } from './pool';
import { createPool } from './pool';
import { type Program, control as places } from './program';
import type { EngineOps } from './recorder/recorder';
import { createRecorder } from './recorder/recorder';
import { linkTask } from './task';
import { availableCores, isNode, isPage, whyNotShared } from './threads';
import type { Buffer, EngineValue } from './value';
import { isEngineValue, sizeOf } from './value';
import { createWeightStore } from './weights';

/** How an engine is made. */
export interface EngineOptions {
  /** Threads; default: all cores. One where memory cannot be shared. */
  readonly threads?: number;
  /** Default: the fastest build of the kernels that runs here. */
  readonly build?: KernelBuild;
  /** Address of `@sparsevit/engine/worker`, for pages whose content security policy forbids workers from `blob:` addresses. */
  readonly workerUrl?: string | URL;
}

/** Runs traced forwards on all cores. */
export interface Engine {
  /** The operations that a forward is traced over, and that weights are taken in with. */
  readonly ops: EngineOps;
  readonly threads: number;
  readonly build: KernelBuild;
  /** Why there is one thread although more were asked for; null otherwise. */
  readonly whyOneThread: string | null;
  /** Bytes of WebAssembly memory that are in use: packed weights, constants, the arena, scratch. */
  readonly usedBytes: number;
  /** Bytes of WebAssembly memory that the engine has; it never shrinks. */
  readonly memoryBytes: number;
  /**
   * Traces a forward for images of one shape and makes it a plan. It takes milliseconds, but for the first plan of a model, which packs its
   * weights.
   *
   * @param trace a forward over `ops`: it gets the image and returns what a run shall give, values in arrays and records
   * @throws ShapeError when the image does not fit the model
   * @throws BackendError when there is not enough memory, or the forward needs what only training has
   */
  compile<Result>(
    trace: (image: EngineValue) => Result,
    options: { shape: readonly [number, number, number, number] },
  ): Plan<Result>;
  /** Ends the threads and lets the memory go; runs that were asked for end first. */
  dispose(): Promise<void>;
}

/** Time that one thread takes at once before a page may see to other things. */
const sliceMs = 8;

/**
 * Makes an engine.
 *
 * @throws BackendError without WebAssembly SIMD, or when no memory can be had
 * @example
 * const engine = await createEngine();
 * const model = createSwin(engine.ops, checkpoint);
 * const plan = engine.compile((image) => model.forward(image, { sparsity }), { shape: [1, 512, 512, 3] });
 * const { features } = await plan.run(pixels);
 */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  const asked = options.threads ?? availableCores();
  if (!Number.isInteger(asked) || asked < 1 || asked > 256) {
    throw new BackendError(`createEngine: expected 1 to 256 threads, got ${asked}.`);
  }
  const notShared = whyNotShared();
  // one thread in Node needs no worker; a page gives it one, so that it never waits
  const isShared = notShared === null && (asked > 1 || isPage);
  const threads = isShared ? asked : 1;
  const { module, build } = await compileKernels({ isShared, ...(options.build ? { build: options.build } : {}) });
  const memory = createMemory(isShared);
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  const kernels = instance.exports as unknown as WasmKernels;
  const pool = isShared ? createPool({ module, memory, threads, workerUrl: options.workerUrl }) : null;
  return assembleEngine({
    heap: createHeap(memory),
    kernels,
    pool,
    threads,
    build,
    whyOneThread: asked > 1 ? notShared : null,
  });
}

interface Parts {
  readonly heap: Heap;
  readonly kernels: WasmKernels;
  readonly pool: Pool | null;
  readonly threads: number;
  readonly build: KernelBuild;
  readonly whyOneThread: string | null;
}

function assembleEngine({ heap, kernels, pool, threads, build, whyOneThread }: Parts): Engine {
  let isRunning = false;
  let last: Promise<unknown> = Promise.resolve();
  /** Runs one after the other. */
  const inTurn = <Result>(run: () => Promise<Result>): Promise<Result> => {
    const next = last.then(run, run);
    last = next.catch(() => {});
    return next;
  };
  const weights = createWeightStore(heap, kernels, {
    release(address) {
      if (!isRunning) heap.free(address);
      else void inTurn(async () => heap.free(address));
    },
  });
  const masks = new Map<string, number>();
  const masksOf = (window: number, shiftY: number, shiftX: number): number => {
    const key = `${window} ${shiftY} ${shiftX}`;
    const known = masks.get(key);
    if (known !== undefined) return known;
    const address = heap.allocate(kernels.attentionMaskBytes(window));
    kernels.prepareAttentionMasks(address, window, shiftY, shiftX);
    masks.set(key, address);
    return address;
  };
  const recorder = createRecorder({ heap, kernels, weights, threads, masksOf });

  /** The arena and the threads' scratch: one block that all plans share, as large as the largest needs. */
  const workspace = { address: 0, bytes: 0 };
  const needs = new Map<number, { arenaBytes: number; scratchBytes: number }>();
  const fitWorkspace = (): void => {
    const most = Math.max(0, ...[...needs.values()].map((need) => need.arenaBytes + threads * need.scratchBytes));
    if (workspace.bytes === most) return;
    if (workspace.address !== 0) heap.free(workspace.address);
    workspace.address = 0;
    workspace.bytes = 0;
    if (most === 0) return;
    workspace.address = heap.allocate(most);
    workspace.bytes = most;
  };

  let plans = 0;
  let isDisposed = false;
  const refuseDisposed = (): void => {
    if (isDisposed) throw new BackendError('engine: expected an engine in use, got one after dispose(). Make another.');
  };

  function compile<Result>(
    trace: (image: EngineValue) => Result,
    { shape }: { shape: readonly [number, number, number, number] },
  ): Plan<Result> {
    refuseDisposed();
    if (shape.length !== 4 || shape.some((side) => !Number.isInteger(side) || side < 1)) {
      throw new ShapeError(`compile: expected the shape [B, H, W, 3] of an image, got [${shape.join(', ')}].`);
    }
    const image = recorder.begin(shape);
    let result: Result;
    let outputs: EngineValue[];
    try {
      result = trace(image);
      outputs = valuesIn(result, isEngineValue);
      const local = outputs.find(({ place }) => place.kind !== 'buffer' && place.kind !== 'constant');
      if (local !== undefined) {
        throw new BackendError(
          'compile: expected a forward that returns maps, got weights or rows of windows. Return what mapWindows gives.',
        );
      }
    } catch (error) {
      recorder.abandon();
      throw error;
    }
    const { tasks: pending, buffers, image: input, constants, weights: used } = recorder.end(outputs);
    const arenaBytes = layOut(buffers);
    const linked = pending.map(linkTask);
    const program: Program = { tasks: linked.map(({ task }) => task) };
    const scratchBytes = Math.max(64, ...linked.map((task) => Math.ceil(task.scratchBytes / 64) * 64));
    const calls = describeCalls(pending);
    const plan = ++plans;
    const controlBytes = (places.counters + program.tasks.length) * 4;
    const control = new Int32Array(pool === null ? new ArrayBuffer(controlBytes) : new SharedArrayBuffer(controlBytes));
    pool?.define({ plan, program, control, calls: calls.length });
    needs.set(plan, { arenaBytes, scratchBytes });
    let isGone = false;

    /** At the call: runs that were asked for before dispose() end first. */
    const refuseGone = (): void => {
      if (isGone) throw new BackendError('engine: expected a plan in use, got one after dispose(). Compile it again.');
    };
    /** When it is a run's turn. */
    const refuseFreed = (): void => {
      refuseDisposed();
      for (const { isFreed, key } of used) {
        if (!isFreed) continue;
        throw new BackendError(
          `engine: expected the weights of the plan to be in use, got ${key} after it was freed. Dispose a model after its plans.`,
        );
      }
    };
    const writeImage = (pixels: Float32Array): void => {
      fitWorkspace();
      heap.float32(workspace.address + input.offset, pixels.length).set(pixels);
    };
    const addressOf = (place: Buffer): number => workspace.address + place.offset;
    const read = (value: EngineValue): HostValues => readValue(heap, value, addressOf);
    const runSettings = (isProfiled: boolean) => ({
      plan,
      arena: workspace.address,
      scratch: workspace.address + arenaBytes,
      scratchBytes,
      isProfiled,
    });
    const inline = (times: Float64Array | null) => {
      control.fill(0);
      const { arena, scratch } = runSettings(false);
      return interpret({ kernels, program, control, threads: 1, arena, scratch, times });
    };

    const runOnce = async (
      pixels: Float32Array,
      isProfiled: boolean,
      signal?: AbortSignal,
    ): Promise<Float64Array | null> => {
      signal?.throwIfAborted();
      if (pool !== null) await pool.start();
      signal?.throwIfAborted();
      writeImage(pixels);
      if (pool !== null) return pool.run(runSettings(isProfiled), signal);
      const times = isProfiled ? new Float64Array(calls.length) : null;
      await inSlices(inline(times), signal);
      return times;
    };

    return {
      shape,
      arenaBytes,
      async run(pixels, { signal } = {}) {
        refuseGone();
        const running = inTurn(async () => {
          refuseFreed();
          checkImage(pixels, shape);
          isRunning = true;
          try {
            await runOnce(pixels, false, signal);
            return materialize(result, isEngineValue, read);
          } finally {
            isRunning = false;
          }
        });
        return signal === undefined ? running : untilAborted(running, signal);
      },
      runSync(pixels) {
        refuseGone();
        refuseFreed();
        checkImage(pixels, shape);
        if (isRunning)
          throw new BackendError('runSync: expected no other run, got one that is going on. Await it first.');
        if (pool !== null && !isNode) {
          throw new BackendError(
            'runSync: expected Node or one thread, got threads in a page, which must not wait. Use run().',
          );
        }
        writeImage(pixels);
        if (pool !== null) pool.runSync(runSettings(false));
        else {
          const steps = inline(null);
          while (steps.next().done !== true);
        }
        return materialize(result, isEngineValue, read);
      },
      async profile(pixels) {
        refuseGone();
        return inTurn(async (): Promise<PlanProfile> => {
          refuseFreed();
          checkImage(pixels, shape);
          isRunning = true;
          try {
            if (pool !== null) await pool.start();
            const start = performance.now();
            const times = await runOnce(pixels, true);
            const totalMs = performance.now() - start;
            return { totalMs, calls: calls.map((call, i) => ({ ...call, threadMs: times?.[i] ?? 0 })) };
          } finally {
            isRunning = false;
          }
        });
      },
      toJSON: () => ({
        kind: 'sparsevit-plan',
        version: 1,
        shape,
        threads,
        build,
        arenaBytes,
        scratchBytes,
        macs: calls.reduce((sum, { macs }) => sum + macs, 0),
        tasks: program.tasks.map((task, i) => ({
          name: task.name,
          calls: (pending[i]?.calls ?? []).map(({ kernel, macs = 0 }) => ({ kernel, macs })),
          count: task.count,
          chunk: chunkOf(task),
        })),
        buffers: buffers.map(({ name, bytes, offset, firstTask, lastTask }) => ({
          name,
          bytes,
          offset,
          firstTask,
          lastTask,
        })),
      }),
      dispose() {
        if (isGone) return;
        isGone = true;
        void inTurn(async () => {
          if (isDisposed) return;
          pool?.forget(plan);
          needs.delete(plan);
          for (const block of constants) heap.free(block);
          if (needs.size === 0) fitWorkspace();
        });
      },
    };
  }

  return {
    ops: recorder.ops,
    threads,
    build,
    whyOneThread,
    get usedBytes() {
      return heap.usedBytes;
    },
    get memoryBytes() {
      return heap.memory.buffer.byteLength;
    },
    compile,
    async dispose() {
      await inTurn(async () => {
        isDisposed = true;
        pool?.dispose();
      });
    },
  };
}

/** Copies a value out of the memory. */
function readValue(heap: Heap, value: EngineValue, addressOf: (place: Buffer) => number): HostValues {
  const { place, shape, type, rowStride, count } = value;
  const from = place.kind === 'buffer' ? addressOf(place) : place.kind === 'constant' ? place.address : 0;
  const view = (address: number, length: number): Float32Array | Int32Array =>
    type === 'int32' ? heap.int32(address, length) : heap.float32(address, length);
  if (count !== undefined) {
    const [total = 0] = heap.int32(addressOf(count), 1);
    return { values: view(from, total).slice(), shape: [total] };
  }
  const length = shape[shape.length - 1] ?? 0;
  if (rowStride === undefined || rowStride === length) return { values: view(from, sizeOf(shape)).slice(), shape };
  const rows = sizeOf(shape) / length;
  const values = type === 'int32' ? new Int32Array(sizeOf(shape)) : new Float32Array(sizeOf(shape));
  for (let row = 0; row < rows; row++) values.set(view(from + row * rowStride * 4, length), row * length);
  return { values, shape };
}

/** The result, or the signal's reason as soon as it is aborted: whoever waits need not wait for threads to come to a stop. */
function untilAborted<Result>(running: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    running.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
    if (signal.aborted) abort();
  });
}

/** Runs to the end, letting others run in between. */
async function inSlices(steps: Generator<undefined, boolean>, signal: AbortSignal | undefined): Promise<void> {
  let since = performance.now();
  while (steps.next().done !== true) {
    if (performance.now() - since < sliceMs) continue;
    await new Promise<void>((resolve) => afterOthers(resolve));
    signal?.throwIfAborted();
    since = performance.now();
  }
}

/** Runs something soon, after events that wait; a timer of a page would wait for milliseconds. */
function afterOthers(run: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    run();
  };
  port2.postMessage(null);
}
