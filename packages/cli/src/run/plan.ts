/** What `run` is going to do: everything about its options and files that can be found wrong before a model is loaded. */

import { checkInputFile, checkOutputFile, outputPaths } from '@sparsevit/pipeline/files';
import { inputError, quote } from '../errors';
import type { Size } from '../values';
import { parseChoice, parseInteger, parseSize, parseThreads, seedRange } from '../values';
import type { InputSource } from './inputs';
import { inputName, isTensorFile } from './inputs';
import type { BackendChoice } from './start-runner';
import { backendChoices } from './start-runner';

/** One input and the files that are written about it. */
export interface RunJob {
  readonly source: InputSource;
  readonly overlay: string | null;
  readonly features: string | null;
}

/** What is going to be done. */
export interface RunPlan {
  readonly jobs: readonly RunJob[];
  /** Undefined: each photo's own size. */
  readonly size: Size | undefined;
  readonly repeats: number;
  readonly backend: BackendChoice;
  readonly wantsKernels: boolean;
  /** Of the engine; undefined for all cores. */
  readonly threads: number | undefined;
}

const mostRepeats = 1000;

/**
 * Checks options, inputs and outputs.
 *
 * @throws SparseViTError for the first thing that cannot be
 */
export async function planRun(
  options: {
    readonly weights?: string;
    readonly size?: string;
    readonly backend?: string;
    readonly 'no-kernels'?: true;
    readonly threads?: string;
    readonly repeats?: string;
    readonly scene?: string;
    readonly overlay?: string;
    readonly features?: string;
  },
  inputs: readonly string[],
): Promise<RunPlan> {
  const sources = sourcesOf(inputs, options.scene);
  const size = options.size === undefined ? undefined : parseSize(options.size, '--size');
  const repeats = parseInteger(options.repeats ?? '3', '--repeats', { min: 1, max: mostRepeats });
  const wantsKernels = options['no-kernels'] !== true;
  // plain ops are TensorFlow.js's
  const backend = parseChoice(options.backend ?? (wantsKernels ? 'engine' : 'wasm'), '--backend', backendChoices);
  const threads = parseThreads(options.threads);
  if (threads !== undefined && backend !== 'engine' && backend !== 'auto') {
    throw inputError(`--threads: expected --backend engine, got ${backend}, which has its own. Leave out one of them.`);
  }
  if (!wantsKernels && (backend === 'engine' || backend === 'auto')) {
    throw inputError(`--no-kernels: expected a backend of TensorFlow.js, got ${backend}. Use --backend wasm.`);
  }
  await checkInputs(sources, size !== undefined);
  const reads = [...inputs, ...(options.weights === undefined ? [] : [options.weights])];
  const overlays = await checkOutputs(options.overlay, '--overlay', { sources, others: reads });
  const features = await checkOutputs(options.features, '--features', { sources, others: [...reads, ...overlays] });
  const jobs = sources.map((source, i) => ({
    source,
    overlay: overlays[i] ?? null,
    features: features[i] ?? null,
  }));
  return { jobs, size, repeats, backend, wantsKernels, threads };
}

function sourcesOf(inputs: readonly string[], scene: string | undefined): InputSource[] {
  if (scene !== undefined) {
    if (inputs.length > 0) {
      throw inputError(
        `run: expected inputs or --scene, got both. Leave out --scene to run on ${quote(inputs[0] ?? '')}.`,
      );
    }
    return [{ sceneSeed: parseInteger(scene, '--scene', seedRange) }];
  }
  if (inputs.length === 0) {
    throw inputError('run: expected at least one image, got none. Name a photo, or draw a scene with --scene 1.');
  }
  return inputs.map((file) => ({ file }));
}

/** Every input must be there, and be a file, before the first is worked on; what is in it shows when its turn comes. */
async function checkInputs(sources: readonly InputSource[], isResized: boolean): Promise<void> {
  for (const source of sources) {
    if (!('file' in source)) continue;
    if (isResized && isTensorFile(source)) {
      throw inputError(`--size: expected photos, got ${quote(source.file)}, which is used as it is. Leave out --size.`);
    }
    await checkInputFile(source.file, 'run');
  }
}

async function checkOutputs(
  path: string | undefined,
  option: '--overlay' | '--features',
  { sources, others }: { sources: readonly InputSource[]; others: readonly string[] },
): Promise<string[]> {
  if (path === undefined) return [];
  if (option === '--overlay' && !/\.png$/i.test(path)) {
    throw inputError(`--overlay: expected a name that ends with .png, got ${quote(path)}.`);
  }
  const paths = outputPaths(path, sources.map(inputName));
  for (const output of paths) await checkOutputFile(output, option, others);
  return paths;
}
