/** The command line. */

import { parseArgs } from 'node:util';
import { SparseViTError } from '@sparsevit/windows';
import { benchBackends, engineNames, sparsityOf } from './cases';
import type { PlanOptions } from './plan';
import { BenchError } from './runnable';

/** What was asked for. */
export type Command =
  | { readonly name: 'help' }
  | {
      readonly name: 'run';
      readonly plan: Omit<PlanOptions, 'runtime'>;
      /** Where the JSON goes; default `.cache/results`. */
      readonly out: string | null;
    }
  | { readonly name: 'markdown'; readonly files: readonly string[] };

/** What `--help` prints. */
export const help: string = `bench: times of Swin-T, dense and pruned, in interleaved rounds.

  node tooling/bench/bench.mjs [options]        in this Node
  node tooling/bench/browser.mjs [options]      the same in Chromium
  node tooling/bench/bench.mjs markdown FILE... tables of result files, one run per file

  --peers            also the plain TensorFlow.js ops, and onnxruntime (needs export_onnx.py)
  --sizes 224,512    side of the image in pixels (224, 512, 672; with --peers 1024 too)
  --cases dense,0.6  configurations; a notation with | is given alone, and --cases may be repeated
  --engines NAMES    of ${engineNames.join(', ')}
  --backend wasm     wasm or webgpu (in Node: npm install webgpu)
  --rounds 3         rounds (with --peers 5)
  --runs 2           timed runs of each visit
  --cold 1           fresh processes for the first run at each size (with --peers 3; 0 for none)
  --train            the training step too (always with --peers); --no-train
  --no-profile       no profile
  --seed 0           seed of the orders
  --quick            224 pixels, dense and 0.6, one round: to see that it works
  --dry-run          every case once, for its values: no times; what a software adapter is good for
  --isolated         in Chromium: a page that may share memory, for rows with threads
  --out FILE         the JSON (default: .cache/results in tooling/bench)
  --help
`;

/**
 * Reads the command line.
 *
 * @throws BenchError when it does not make sense
 */
export function parseCommand(commandLine: readonly string[]): Command {
  const { values, positionals } = parse(commandLine);
  if (values.help) return { name: 'help' };
  const [name, ...files] = positionals;
  if (name === 'markdown') {
    if (files.length === 0) throw new BenchError('markdown: expected result files, got none. Run the bench first.');
    return { name, files };
  }
  if (name !== undefined) throw new BenchError(`bench: expected options or markdown, got ${name}. See --help.`);
  const { backend, sizes, cases, engines, rounds, runs, cold, seed } = values;
  const plan: Omit<PlanOptions, 'runtime'> = {
    wantsPeers: values.peers ?? false,
    isQuick: values.quick ?? false,
    isDryRun: values['dry-run'] ?? false,
    isIsolated: values.isolated ?? false,
    ...(backend !== undefined && { backend: oneOf('--backend', backend, benchBackends) }),
    ...(sizes !== undefined && { sizes: sizes.split(',').map((size) => wholeNumber('--sizes', size, 32)) }),
    ...(cases !== undefined && { configurations: cases.flatMap(readConfigurations) }),
    ...(engines !== undefined && {
      engines: engines.split(',').map((engine) => oneOf('--engines', engine, engineNames)),
    }),
    ...(rounds !== undefined && { rounds: wholeNumber('--rounds', rounds, 1) }),
    ...(runs !== undefined && { runsPerVisit: wholeNumber('--runs', runs, 1) }),
    ...(cold !== undefined && { coldRuns: wholeNumber('--cold', cold, 0) }),
    ...(seed !== undefined && { seed: wholeNumber('--seed', seed, 0) }),
    ...(values.train !== undefined && { wantsTraining: values.train }),
    ...(values.profile !== undefined && { wantsProfile: values.profile }),
  };
  return { name: 'run', plan, out: values.out ?? null };
}

function parse(commandLine: readonly string[]): {
  values: Partial<Record<'backend' | 'sizes' | 'engines' | 'rounds' | 'runs' | 'cold' | 'seed' | 'out', string>> &
    Partial<Record<'help' | 'peers' | 'quick' | 'dry-run' | 'isolated' | 'train' | 'profile', boolean>> & {
      cases?: string[];
    };
  positionals: string[];
} {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: commandLine.filter((word) => word !== '--'),
      allowPositionals: true,
      allowNegative: true,
      options: {
        help: flag,
        peers: flag,
        quick: flag,
        'dry-run': flag,
        isolated: flag,
        train: flag,
        profile: flag,
        backend: text,
        sizes: text,
        cases: { type: 'string', multiple: true },
        engines: text,
        rounds: text,
        runs: text,
        cold: text,
        seed: text,
        out: text,
      },
    });
  } catch (error) {
    throw new BenchError(`bench: ${error instanceof Error ? error.message : error} See --help.`);
  }
}

/** `dense,0.6`, or one notation whose own commas stay. */
function readConfigurations(text: string): string[] {
  const configurations = text.includes('|') ? [text] : text.split(',');
  for (const configuration of configurations) {
    try {
      sparsityOf(configuration);
    } catch (error) {
      if (!SparseViTError.isInstance(error)) throw error;
      throw new BenchError(`--cases: expected dense or a sparsity, got ${configuration} (${error.message})`);
    }
  }
  return configurations;
}

function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
  throw new BenchError(`${option}: expected whole numbers of at least ${least}, got ${text || 'nothing'}.`);
}

function oneOf<Name extends string>(option: string, text: string, names: readonly Name[]): Name {
  const found = names.find((name) => name === text);
  if (found !== undefined) return found;
  throw new BenchError(`${option}: expected ${names.join(', ')}, got ${text || 'nothing'}.`);
}
