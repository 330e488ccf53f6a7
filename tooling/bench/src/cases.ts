/** What is measured: which engine runs which configuration on which size. */

import { buildWeights, familyRules } from '@sparsevit/backbone';
import { parseSparsity, swinPreset } from '@sparsevit/config';
import { countMacs } from '@sparsevit/latency';
import type { Sparsity, SwinArchitecture, SwinRules } from '@sparsevit/windows';

/** The model of the bench. */
export const architecture: SwinArchitecture = swinPreset('swin-t');
/** The rules of torchvision: the peers run its Swin, and the work must be the same. */
export const family = 'torchvision';
const rules: SwinRules = familyRules[family];

/** Number of weights of the model: with output norms, as `randomWeights` makes it. */
export const parameterCount: number = countWeights();

function countWeights(): number {
  let count = 0;
  const parts = { outputNorms: architecture.depths.map(() => true), hasFinalNorm: false, classes: 0 };
  buildWeights(architecture, parts, ({ shape }) => {
    count += shape.reduce((product, side) => product * side, 1);
  });
  return count;
}

/** The backends that our rows run on. */
export const benchBackends = ['wasm', 'webgpu'] as const;
/** A backend that our rows run on. */
export type BenchBackend = (typeof benchBackends)[number];

/** What computes: ours, the same on TensorFlow.js's own ops, and the other runtimes (with one and two threads, or on the GPU). */
export const engineNames = [
  'sparsevit',
  'engine-1',
  'engine-2',
  'engine-all',
  'plain-tfjs',
  'ort-node-1',
  'ort-node-2',
  'ort-web',
  'ort-web-2',
  'ort-node-webgpu',
  'ort-web-webgpu',
] as const;
/** The name of an engine. */
export type EngineName = (typeof engineNames)[number];

/** How the tables name them. */
export const engineTitles: Readonly<Record<EngineName, string>> = {
  sparsevit: 'SparseViT',
  'engine-1': 'SparseViT engine, 1 thread',
  'engine-2': 'SparseViT engine, 2 threads',
  'engine-all': 'SparseViT engine, all cores',
  'plain-tfjs': 'plain TensorFlow.js ops',
  'ort-node-1': 'onnxruntime-node, 1 thread',
  'ort-node-2': 'onnxruntime-node, 2 threads',
  'ort-web': 'onnxruntime-web WASM, 1 thread',
  'ort-web-2': 'onnxruntime-web WASM, 2 threads',
  'ort-node-webgpu': 'onnxruntime-node WebGPU',
  'ort-web-webgpu': 'onnxruntime-web WebGPU',
};

/** A forward, the gradients of a loss with its forward, or those and an update of the weights. */
export type CaseKind = 'forward' | 'training-step' | 'training-step-with-update';

/** One row of the bench. */
export interface CaseSpec {
  readonly engine: EngineName;
  /** `dense`, or a sparsity's notation. */
  readonly configuration: string;
  /** Height and width in pixels. */
  readonly sizePixels: number;
  readonly kind: CaseKind;
}

/** The configurations of a full run. */
export const allConfigurations: readonly string[] = [
  'dense',
  '0.2',
  '0.4',
  '0.6',
  '0.8',
  '.3|0|.1,.2,.2|0',
  '.6|0|.2,.4,.5|0',
  '.7|0|.2,.4,.5|0',
];

/** The sizes of a full run. */
export const allSizes: readonly number[] = [224, 512, 672, 1024];

/** Where the training step is measured: 60 % at 448 pixels. */
export const training = { configuration: '0.6', sizePixels: 448 } as const;

/** The name of a case in results: `sparsevit 0.6 672 forward`. */
export function caseId({ engine, configuration, sizePixels, kind }: CaseSpec): string {
  return `${engine} ${configuration} ${sizePixels} ${kind}`;
}

/**
 * The sparsity of a configuration, in `official` mode: the published code's keep counts, which the paper's counts and the goals refer to
 * (`clean` rounds and keeps one window at least: 4 of the last stage's 9 instead of 3 at 672 pixels and 60 %); null for `dense`.
 *
 * @throws ConfigError when the notation does not fit Swin-T
 */
export function sparsityOf(configuration: string): Sparsity | null {
  return configuration === 'dense' ? null : parseSparsity(configuration, architecture, 'official');
}

/** The forwards at one size: every configuration on our engines, the others dense. Plain ops run dense and 60 % only: they are slow. */
export function forwardCases(
  sizePixels: number,
  options: { configurations: readonly string[]; engines: readonly EngineName[] },
): CaseSpec[] {
  const { configurations, engines } = options;
  return engines.flatMap((engine) => {
    const own = configurations.filter((configuration) => {
      if (engine === 'sparsevit' || engine.startsWith('engine-')) return true;
      return configuration === 'dense' || (engine === 'plain-tfjs' && configuration === '0.6');
    });
    return own.map((configuration): CaseSpec => ({ engine, configuration, sizePixels, kind: 'forward' }));
  });
}

/** A training step beside its own forward. */
export function trainingCases(sizePixels: number = training.sizePixels): CaseSpec[] {
  const kinds: CaseKind[] = ['forward', 'training-step', 'training-step-with-update'];
  return kinds.map((kind) => ({ engine: 'sparsevit', configuration: training.configuration, sizePixels, kind }));
}

/** Giga multiply-accumulates of a forward of a configuration, in the fair accounting. */
export function forwardGmacs({ configuration, sizePixels }: CaseSpec): number {
  const options = { height: sizePixels, width: sizePixels, accounting: 'fair', rules } as const;
  return countMacs(architecture, { ...options, sparsity: sparsityOf(configuration) }).totalMacs / 1e9;
}
