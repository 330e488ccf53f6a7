/** The other runtimes: dense Swin-T of torchvision as an ONNX file, in onnxruntime-node and onnxruntime-web. */

import type { CaseSpec, EngineName } from '../cases';
import { caseId } from '../cases';
import { channelsFirst, seededImage } from '../image';
import type { Runnable } from '../runnable';
import { BenchError, checkOutput } from '../runnable';

type OnnxRuntime = Pick<typeof import('onnxruntime-node'), 'InferenceSession' | 'Tensor'>;
type SessionOptions = NonNullable<Parameters<OnnxRuntime['InferenceSession']['create']>[1]>;

/** The engines of this file. */
export type OnnxEngine = Extract<EngineName, `ort-${string}`>;

/** Where runtimes and models come from: a file system or a server. */
export interface OnnxSource {
  /** Imports the runtime and sets it to what the engine's name says. */
  loadRuntime(engine: OnnxEngine): Promise<OnnxRuntime>;
  /** The bytes of a model. */
  loadModel(sizePixels: number): Promise<Uint8Array>;
}

const sessionOptions: Readonly<Record<OnnxEngine, SessionOptions>> = {
  'ort-node-1': { executionProviders: ['cpu'], intraOpNumThreads: 1, interOpNumThreads: 1 },
  'ort-node-2': { executionProviders: ['cpu'], intraOpNumThreads: 2, interOpNumThreads: 1 },
  'ort-web': { executionProviders: ['wasm'] },
  'ort-web-2': { executionProviders: ['wasm'] },
  'ort-node-webgpu': { executionProviders: ['webgpu'] },
  'ort-web-webgpu': { executionProviders: ['webgpu'] },
};

/** Threads of onnxruntime-web in this process: what it starts with, it keeps. */
let startedThreads: number | null = null;

/**
 * onnxruntime-web with the threads that an engine's name says.
 *
 * @throws BenchError when it was started with another number: one process can measure one
 */
export function withThreads<Runtime extends { env: { wasm: { numThreads?: number } } }>(
  runtime: Runtime,
  engine: OnnxEngine,
): Runtime {
  const threads = engine === 'ort-web-2' ? 2 : 1;
  if (startedThreads !== null && startedThreads !== threads) {
    throw new BenchError(
      `${engine}: expected onnxruntime-web with ${threads} threads, got one that was started with ${startedThreads}. Give ort-web and ort-web-2 to different runs.`,
    );
  }
  startedThreads = threads;
  runtime.env.wasm.numThreads = threads;
  return runtime;
}

/** The file of a size. */
export function onnxFileName(sizePixels: number): string {
  return `swin_t-${sizePixels}.onnx`;
}

/** The error for a file that is not there. */
export function missingModel(place: string, sizePixels: number): BenchError {
  return new BenchError(
    `peers: expected ${place}, got no such file. Run python3 tooling/bench/export_onnx.py --sizes ${sizePixels} (its head says what it needs).`,
  );
}

/** True for an engine of this file. */
export function isOnnxEngine(engine: EngineName): engine is OnnxEngine {
  return engine.startsWith('ort-');
}

/**
 * Makes a session for a case; it keeps its own copy of the weights.
 *
 * @throws BenchError when the model or the runtime is missing
 */
export async function prepareOnnxCase(spec: CaseSpec, source: OnnxSource): Promise<Runnable> {
  const { engine, sizePixels, configuration, kind } = spec;
  const id = caseId(spec);
  if (!isOnnxEngine(engine) || configuration !== 'dense' || kind !== 'forward') {
    throw new BenchError(`${id}: expected a dense forward of another runtime, got ${kind} ${configuration}.`);
  }
  const bytes = await source.loadModel(sizePixels);
  const runtime = await source.loadRuntime(engine);
  const session = await runtime.InferenceSession.create(bytes, {
    ...sessionOptions[engine],
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
  });
  const pixels = channelsFirst(seededImage(sizePixels), sizePixels);
  const image = new runtime.Tensor('float32', pixels, [1, 3, sizePixels, sizePixels]);
  const compute = async (): Promise<{ dims: readonly number[]; data: unknown }> => {
    const { features } = await session.run({ image });
    if (features === undefined)
      throw new BenchError(`${id}: expected an output "features", got none. Export it again.`);
    return features;
  };
  return {
    id,
    spec,
    async run() {
      await compute();
    },
    async check() {
      const { dims, data } = await compute();
      return checkOutput(id, dims, data as Float32Array);
    },
    dispose: () => session.release(),
  };
}
