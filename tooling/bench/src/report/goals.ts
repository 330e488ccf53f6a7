/** The goals of the project, each beside what a run measured. */

import type { CaseSpec } from '../cases';
import { caseId, parameterCount, training } from '../cases';
import type { BenchResult, CaseResult, GroupResult, ProfileResult } from '../result';
import { ratioOf } from '../summary';
import { formatPercent, formatRatio } from './format';

/** One goal, judged. */
export interface JudgedGoal {
  readonly figure: string;
  readonly goal: string;
  /** With the quartiles where it is a ratio of rounds; null where the run did not measure it. */
  readonly measured: string | null;
  readonly isMet: boolean | null;
}

interface Measured {
  readonly value: number;
  readonly quartiles?: readonly [number, number];
}

interface Goal {
  readonly figure: string;
  readonly bound: 'at most' | 'at least';
  /** With relaxed SIMD (Node 24, Chromium), and without (Node 20). */
  readonly limit: { readonly relaxed: number; readonly plain: number };
  readonly format: (value: number) => string;
  readonly measure: (result: BenchResult) => Measured | null;
}

/** Float32 weights of the model, without the classifier. */
const weightBytes = 4 * parameterCount;

const same = (limit: number): Goal['limit'] => ({ relaxed: limit, plain: limit });
const times = (ratio: number): string => `${formatRatio(ratio)}x`;
const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(2)} GiB`;

const goals: readonly Goal[] = [
  {
    figure: 'dense, 512 px, against onnxruntime-web WASM',
    bound: 'at most',
    limit: { relaxed: 0.55, plain: 0.68 },
    format: times,
    measure: (result) => paired(result, forward('dense', 512), { ...forward('dense', 512), engine: 'ort-web' }),
  },
  {
    figure: '60 % pruned, 672 px, against own dense',
    bound: 'at most',
    limit: same(0.42),
    format: times,
    measure: (result) => paired(result, forward('0.6', 672), forward('dense', 672)),
  },
  {
    figure: '60 % pruned, 512 px, against dense onnxruntime-node, 1 thread',
    bound: 'at most',
    limit: { relaxed: 0.58, plain: 0.75 },
    format: times,
    measure: (result) => paired(result, forward('0.6', 512), { ...forward('dense', 512), engine: 'ort-node-1' }),
  },
  {
    figure: 'engine, 1 thread: dense, 512 px, against onnxruntime-web WASM',
    bound: 'at most',
    limit: { relaxed: 0.55, plain: 0.68 },
    format: times,
    measure: (result) => paired(result, engine('dense', 512, 1), { ...forward('dense', 512), engine: 'ort-web' }),
  },
  {
    figure: 'engine, 1 thread: 60 % pruned, 672 px, against own dense',
    bound: 'at most',
    limit: same(0.42),
    format: times,
    measure: (result) => paired(result, engine('0.6', 672, 1), engine('dense', 672, 1)),
  },
  {
    figure: 'engine, 1 thread: 60 % pruned, 512 px, against dense onnxruntime-node, 1 thread',
    bound: 'at most',
    limit: { relaxed: 0.58, plain: 0.75 },
    format: times,
    measure: (result) => paired(result, engine('0.6', 512, 1), { ...forward('dense', 512), engine: 'ort-node-1' }),
  },
  ...(['dense', '0.6'] as const).map(
    (configuration): Goal => ({
      figure: `engine, a second thread: ${configuration === 'dense' ? 'dense' : '60 % pruned'}, 512 px, one thread against two`,
      bound: 'at least',
      limit: same(1.9),
      format: times,
      measure: (result) => paired(result, engine(configuration, 512, 1), engine(configuration, 512, 2)),
    }),
  ),
  {
    figure: 'engine, 2 threads: 60 % pruned, 512 px, against dense onnxruntime-node, 2 threads',
    bound: 'at most',
    limit: same(0.58),
    format: times,
    measure: (result) => paired(result, engine('0.6', 512, 2), { ...forward('dense', 512), engine: 'ort-node-2' }),
  },
  {
    figure: 'matrix products in the dense forward, of the bare product',
    bound: 'at least',
    limit: same(0.92),
    format: formatPercent,
    measure: (result) => figureOf(profileOf(result, 'dense', 512)?.products?.shareOfBare),
  },
  {
    figure: 'neither product nor attention, of the dense forward',
    bound: 'at most',
    limit: same(0.05),
    format: formatPercent,
    measure: (result) => figureOf(profileOf(result, 'dense', 512)?.overheadShare),
  },
  {
    figure:
      'scoring, selecting, gathering, scattering (and the JavaScript that a dense forward has not), of the forward with 60 % pruned',
    bound: 'at most',
    limit: same(0.03),
    format: formatPercent,
    measure: (result) => figureOf(pruningShare(profileOf(result, '0.6', 672), profileOf(result, 'dense', 672))),
  },
  {
    figure: 'training step, 60 % pruned, 448 px, against its forward',
    bound: 'at most',
    limit: same(3.2),
    format: times,
    measure: (result) => {
      const { configuration, sizePixels } = training;
      const denominator = forward(configuration, sizePixels);
      return paired(result, { ...denominator, kind: 'training-step' }, denominator);
    },
  },
  {
    figure: 'peak memory of the process, dense, 1024 px',
    bound: 'at most',
    limit: same(1.2 * 2 ** 30),
    format: gibibytes,
    measure: ({ cold }) => {
      const found = cold.find(
        ({ engine = 'sparsevit', sizePixels, configuration }) =>
          engine === 'sparsevit' && sizePixels === 1024 && configuration === 'dense',
      );
      return figureOf(found?.peakProcessBytes ?? found?.wasmHeapBytes ?? undefined);
    },
  },
  {
    figure: 'engine: WebAssembly memory beyond the weights, dense, 1024 px',
    bound: 'at most',
    limit: same(400e6),
    format: (bytes) => `${(bytes / 1e6).toFixed(0)} MB`,
    measure: ({ cold }) => {
      const bytes = cold.flatMap(({ engine: name = 'sparsevit', sizePixels, configuration, wasmHeapBytes }) =>
        name.startsWith('engine-') && sizePixels === 1024 && configuration === 'dense' ? [wasmHeapBytes ?? 0] : [],
      );
      return bytes.length === 0 ? null : { value: Math.max(...bytes) - weightBytes };
    },
  },
  {
    figure: 'first run, of a steady one (the worst size)',
    bound: 'at most',
    limit: same(3),
    format: times,
    measure: ({ cold }) =>
      cold.length === 0 ? null : { value: Math.max(...cold.map(({ firstToSteady }) => firstToSteady)) },
  },
];

/** Every goal for WASM, beside what a run measured. */
export function judgeGoals(result: BenchResult): JudgedGoal[] {
  const limitOf = result.machine.kernels.includes('relaxed') ? 'relaxed' : 'plain';
  return goals.map(({ figure, bound, limit, format, measure }) => {
    const allowed = limit[limitOf];
    const measured = measure(result);
    const isMet = measured && (bound === 'at most' ? measured.value <= allowed : measured.value >= allowed);
    const quartiles = measured?.quartiles?.map(format).join(' to ');
    return {
      figure,
      goal: `${bound} ${format(allowed)}`,
      measured: measured && `${format(measured.value)}${quartiles ? ` (${quartiles})` : ''}`,
      isMet,
    };
  });
}

function forward(configuration: string, sizePixels: number): CaseSpec {
  return { engine: 'sparsevit', configuration, sizePixels, kind: 'forward' };
}

function engine(configuration: string, sizePixels: number, threads: 1 | 2): CaseSpec {
  return { ...forward(configuration, sizePixels), engine: `engine-${threads}` };
}

/** The groups of a run, that of training last. */
export function groupsOf({ groups, training }: BenchResult): GroupResult[] {
  return training === null ? [...groups] : [...groups, training];
}

function paired(result: BenchResult, numerator: CaseSpec, denominator: CaseSpec): Measured | null {
  for (const { cases } of groupsOf(result)) {
    const find = (spec: CaseSpec): CaseResult | undefined => cases.find(({ id }) => id === caseId(spec));
    const [above, below] = [find(numerator), find(denominator)];
    if (above === undefined || below === undefined) continue;
    const { median, firstQuartile, thirdQuartile } = ratioOf(above, below);
    return { value: median, quartiles: [firstQuartile, thirdQuartile] };
  }
  return null;
}

function profileOf({ profiles }: BenchResult, configuration: string, sizePixels: number): ProfileResult | undefined {
  return profiles.find(
    (profile) =>
      profile.configuration === configuration && profile.sizePixels === sizePixels && profile.kind === 'forward',
  );
}

/** What choosing and moving windows takes of a pruned forward: its kernels, and what JavaScript takes more than in a dense forward. */
function pruningShare(pruned: ProfileResult | undefined, dense: ProfileResult | undefined): number | undefined {
  if (pruned === undefined || dense === undefined) return undefined;
  const { scoring, moving, outside } = pruned.partsMs;
  return (scoring + moving + Math.max(0, outside - dense.partsMs.outside)) / pruned.totalMs;
}

function figureOf(value: number | undefined): Measured | null {
  return value === undefined ? null : { value };
}
