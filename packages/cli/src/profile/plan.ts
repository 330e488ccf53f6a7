/** What is going to be measured: everything that can be found wrong before a backend starts. */

import type { LatencyInput, MeasureProtocol } from '@sparsevit/latency';
import { checkOutputFile } from '@sparsevit/pipeline/files';
import { mostHeldOut, planSamples } from '@sparsevit/pipeline/node';
import type { PrunedRatios, SparsityRules, SwinArchitecture } from '@sparsevit/windows';
import { createSparsitySpace, sparsityModes } from '@sparsevit/windows';
import { inputError, quote } from '../errors';
import { modeNames, rulesOf } from '../sparsity';
import type { Size } from '../values';
import { maxPixels, parseChoice, parseInteger, parseShare, parseSize, parseThreads, seedRange } from '../values';
import type { MeasurementOptions } from './options';
import { profileBackends } from './options';
import type { ProfiledModel } from './subject';
import { openProfiledModel } from './subject';

/** The options of `profile`, as they were typed. */
export interface ProfileOptions extends MeasurementOptions {
  readonly configs?: string;
  readonly 'hold-out'?: string;
}

/** What is going to be done. */
export interface ProfilePlan {
  /** Of the command, for messages. */
  readonly command: string;
  readonly model: ProfiledModel;
  readonly input: LatencyInput;
  readonly rules: SparsityRules;
  readonly backend: (typeof profileBackends)[number];
  readonly threads: number | undefined;
  readonly configs: readonly PrunedRatios[];
  /** True for a hold-out, which no predictor is fitted to. */
  readonly isHoldOut: boolean;
  readonly protocol: Pick<MeasureProtocol, 'rounds' | 'seed' | 'largestMove'>;
  readonly out: string;
  readonly journal: string;
}

/** What is taken where nothing is typed, before what the weights say. */
export interface MeasurementDefaults {
  readonly size: Size;
  readonly batch: number;
  readonly rules: SparsityRules;
}

/** What differs between the commands that measure. */
export interface PlanContext {
  readonly command: string;
  /** Files that must not be written over, beside the weights. */
  readonly reads?: readonly string[];
  readonly defaults?: MeasurementDefaults;
  /** What is measured of a model. */
  chooseConfigs(architecture: SwinArchitecture, seed: number): readonly PrunedRatios[];
}

const mostBatch = 256;
const mostConfigs = 10_000;
const mostRounds = 1000;
const defaultSize = { height: 672, width: 672 };

/**
 * Checks what `profile` was told.
 *
 * @throws SparseViTError for the first thing that cannot be
 */
export async function planProfile(options: ProfileOptions): Promise<ProfilePlan> {
  if (options.out === undefined) throw inputError('profile: expected --out FILE for the table, got none.');
  const configs = parseInteger(options.configs ?? '100', '--configs', { min: 10, max: mostConfigs });
  const { 'hold-out': held } = options;
  const holdOut = held === undefined ? null : parseInteger(held, '--hold-out', { min: 1, max: mostHeldOut });
  const plan = await planMeasurement(options, {
    command: 'profile',
    chooseConfigs: (architecture, seed) => planSamples(createSparsitySpace(architecture), { configs, holdOut, seed }),
  });
  return { ...plan, isHoldOut: holdOut !== null };
}

/**
 * Checks options, weights and outputs of a measurement.
 *
 * @throws SparseViTError for the first thing that cannot be
 */
export async function planMeasurement(options: MeasurementOptions, context: PlanContext): Promise<ProfilePlan> {
  const { command, chooseConfigs, defaults } = context;
  const { out } = options;
  if (out === undefined) throw inputError(`${command}: expected --out FILE, got none.`);
  const backend = parseChoice(options.backend ?? 'engine', '--backend', profileBackends);
  const threads = parseThreads(options.threads);
  if (threads !== undefined && backend !== 'engine') {
    throw inputError(`--threads: expected --backend engine, got ${backend}, which has its own. Leave out one of them.`);
  }
  const rounds = parseInteger(options.rounds ?? '5', '--rounds', { min: 1, max: mostRounds });
  const seed = parseInteger(options.seed ?? '0', '--seed', seedRange);
  const largestMove = parseShare(options.tolerance ?? '0.05', '--tolerance');
  const batch = parseInteger(options.batch ?? String(defaults?.batch ?? 1), '--batch', { min: 1, max: mostBatch });
  const mode = options.mode === undefined ? undefined : parseChoice(options.mode, '--mode', modeNames);
  const typedSize = options.size === undefined ? undefined : parseSize(options.size, '--size');
  const journal = `${out}.journal.jsonl`;
  const reads = [...(options.weights === undefined ? [] : [options.weights]), ...(context.reads ?? [])];
  await checkOutputFile(out, '--out', reads);
  await checkOutputFile(journal, '--out', [...reads, out]);
  const model = await openProfiledModel(options);
  const { height, width } = typedSize ?? defaults?.size ?? model.savedSize ?? defaultSize;
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
    command,
    model,
    input: { batch, height, width },
    rules: mode === undefined ? (defaults?.rules ?? saved) : sparsityModes[mode],
    backend,
    threads,
    configs: chooseConfigs(model.architecture, seed),
    isHoldOut: false,
    protocol: { rounds, seed, largestMove },
    out,
    journal,
  };
}

/** What is said about a command that takes no inputs and got one. */
export function refuseInputs(inputs: readonly string[], command: string): void {
  if (inputs.length > 0) throw inputError(`${command}: expected options only, got ${quote(inputs[0] ?? '')}.`);
}
