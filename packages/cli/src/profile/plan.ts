/** What `profile` is going to do: everything that can be found wrong before a backend starts. */

import type { LatencyInput, MeasureProtocol } from '@sparsevit/latency';
import type { PrunedRatios, SparsityRules } from '@sparsevit/windows';
import { createSparsitySpace, sparsityModes } from '@sparsevit/windows';
import { inputError, quote } from '../errors';
import { checkOutputFile } from '../files';
import { modeNames, rulesOf } from '../sparsity';
import { maxPixels, parseChoice, parseInteger, parseShare, parseSize, parseThreads, seedRange } from '../values';
import { chooseConfigurations } from './configurations';
import type { ModelOptions, ProfiledModel } from './subject';
import { openProfiledModel } from './subject';

/** What `--backend` takes. */
export const profileBackends = ['engine', 'webgpu', 'wasm', 'cpu'] as const;

/** The options of `profile`, as they were typed. */
export interface ProfileOptions extends ModelOptions {
  readonly size?: string;
  readonly batch?: string;
  readonly mode?: string;
  readonly backend?: string;
  readonly threads?: string;
  readonly configs?: string;
  readonly rounds?: string;
  readonly tolerance?: string;
  readonly seed?: string;
  readonly out?: string;
}

/** What is going to be done. */
export interface ProfilePlan {
  readonly model: ProfiledModel;
  readonly input: LatencyInput;
  readonly rules: SparsityRules;
  readonly backend: (typeof profileBackends)[number];
  readonly threads: number | undefined;
  readonly configs: readonly PrunedRatios[];
  readonly protocol: Pick<MeasureProtocol, 'rounds' | 'seed' | 'largestMove'>;
  readonly out: string;
  readonly journal: string;
}

const mostBatch = 256;
const mostConfigs = 10_000;
const mostRounds = 1000;
const defaultSize = { height: 672, width: 672 };

/**
 * Checks options, weights and outputs.
 *
 * @throws SparseViTError for the first thing that cannot be
 */
export async function planProfile(options: ProfileOptions): Promise<ProfilePlan> {
  const { out } = options;
  if (out === undefined) throw inputError('profile: expected --out FILE for the table, got none.');
  const backend = parseChoice(options.backend ?? 'engine', '--backend', profileBackends);
  const threads = parseThreads(options.threads);
  if (threads !== undefined && backend !== 'engine') {
    throw inputError(`--threads: expected --backend engine, got ${backend}, which has its own. Leave out one of them.`);
  }
  const count = parseInteger(options.configs ?? '100', '--configs', { min: 2, max: mostConfigs });
  const rounds = parseInteger(options.rounds ?? '5', '--rounds', { min: 1, max: mostRounds });
  const seed = parseInteger(options.seed ?? '0', '--seed', seedRange);
  const largestMove = parseShare(options.tolerance ?? '0.05', '--tolerance');
  const batch = parseInteger(options.batch ?? '1', '--batch', { min: 1, max: mostBatch });
  const mode = options.mode === undefined ? undefined : parseChoice(options.mode, '--mode', modeNames);
  const typedSize = options.size === undefined ? undefined : parseSize(options.size, '--size');
  const journal = `${out}.journal.jsonl`;
  const reads = options.weights === undefined ? [] : [options.weights];
  await checkOutputFile(out, '--out', reads);
  await checkOutputFile(journal, '--out', [...reads, out]);
  const model = await openProfiledModel(options);
  const { height, width } = typedSize ?? model.savedSize ?? defaultSize;
  const { patchSize } = model.architecture;
  if (height < patchSize || width < patchSize) {
    throw inputError(`--size: expected at least one patch (${patchSize}x${patchSize} pixels), got ${height}x${width}.`);
  }
  if (batch * height * width > maxPixels) {
    throw inputError(
      `--batch: expected at most ${maxPixels} pixels in all, got ${batch} images of ${height}x${width}. Choose fewer.`,
    );
  }
  const saved = model.savedSparsity === null ? sparsityModes.clean : rulesOf(model.savedSparsity);
  return {
    model,
    input: { batch, height, width },
    rules: mode === undefined ? saved : sparsityModes[mode],
    backend,
    threads,
    configs: chooseConfigurations(createSparsitySpace(model.architecture), count, seed),
    protocol: { rounds, seed, largestMove },
    out,
    journal,
  };
}

/** What is said about a command that takes no inputs and got one. */
export function refuseInputs(inputs: readonly string[]): void {
  if (inputs.length > 0) throw inputError(`profile: expected options only, got ${quote(inputs[0] ?? '')}.`);
}
