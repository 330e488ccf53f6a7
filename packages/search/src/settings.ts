/** What a search is, as plain data: two searches with the same settings and the same values told are the same search. */

import type { PrunedRatios, SparsitySpace } from '@sparsevit/windows';
import { CheckpointError, ConfigError, canonicalJson } from '@sparsevit/windows';
import type { SearchPreset, SearchPresetName } from './presets';
import type { Constraint, Objective } from './problem';
import type { SubsetOptions } from './subsets';

/** What `createSearch` takes. */
export interface SearchOptions {
  readonly space: SparsitySpace;
  /** What is wanted. The evolutions of the published searches take one, the others any number. */
  readonly objectives: readonly Objective[];
  /** What is allowed; default everything. */
  readonly constraints?: readonly Constraint[];
  /** A named set of numbers or one's own; default `assisted`. */
  readonly preset?: SearchPresetName | SearchPreset;
  readonly seed: number;
  /** Different sparsities that are evaluated at most; default 200. */
  readonly maxEvaluations?: number;
  /** Sparsities that the first generation begins with, such as those of an earlier search; one that is not allowed is repaired. */
  readonly initial?: readonly PrunedRatios[];
  /** Evaluation on growing subsets of the validation data; default on everything at once. */
  readonly subsets?: SubsetOptions;
  /** Times that an evaluation is tried before it counts as failed; default 2. */
  readonly attempts?: number;
  /** Sparsities up to which a space is looked at as a whole; default 2e6. */
  readonly enumerateUpTo?: number;
  /** The corner from which hypervolume is measured, objective by objective; default the worst values that were met. */
  readonly reference?: Readonly<Record<string, number>>;
  /**
   * What is evaluated and what computes, in a short text such as a hash of weights, data and predictor: a journal of another is refused. Default
   * nothing is said, and then whoever resumes sees to it.
   */
  readonly subject?: string;
}

/** The settings of a search, complete. */
export interface SearchSettings {
  readonly space: SparsitySpace;
  readonly objectives: readonly (Pick<Objective, 'name' | 'direction'> & { readonly isComputed: boolean })[];
  readonly constraints: readonly (Omit<Constraint, 'of'> & { readonly isComputed: boolean })[];
  readonly preset: SearchPreset;
  readonly seed: number;
  readonly maxEvaluations: number;
  readonly initial: readonly PrunedRatios[];
  readonly subsets: SubsetOptions | null;
  readonly attempts: number;
  readonly enumerateUpTo: number;
  readonly reference: Readonly<Record<string, number>> | null;
  readonly subject: string | null;
}

const largestEnumeration = 2 ** 26;
const longestSubject = 1000;

/**
 * Fills in defaults.
 *
 * @param computed names of what is computed
 * @throws ConfigError for numbers that are none
 */
export function settingsOf(options: SearchOptions, preset: SearchPreset, computed: readonly string[]): SearchSettings {
  const { space, objectives, constraints = [], seed, initial = [], subsets, reference, subject } = options;
  const { maxEvaluations = 200, attempts = 2, enumerateUpTo = 2_000_000 } = options;
  if (!Number.isSafeInteger(seed)) throw new ConfigError(`search: expected seed to be a whole number, got ${seed}.`);
  for (const [name, value, least, most] of [
    ['maxEvaluations', maxEvaluations, 1, Number.MAX_SAFE_INTEGER],
    ['attempts', attempts, 1, 1000],
    ['enumerateUpTo', enumerateUpTo, 0, largestEnumeration],
  ] as const) {
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new ConfigError(`search: expected ${name} to be a whole number from ${least} to ${most}, got ${value}.`);
    }
  }
  for (const { name } of reference === undefined ? [] : objectives) {
    if (!Number.isFinite(reference?.[name])) {
      throw new ConfigError(`search: expected a finite reference for ${name}, got ${String(reference?.[name])}.`);
    }
  }
  if (subject !== undefined && (typeof subject !== 'string' || subject === '' || subject.length > longestSubject)) {
    throw new ConfigError(`search: expected subject to be a text of 1 to ${longestSubject} characters.`);
  }
  const isComputed = (name: string): boolean => computed.includes(name);
  return {
    space: { pairsPerStage: [...space.pairsPerStage], choices: [...space.choices] },
    objectives: objectives.map(({ name, direction }) => ({ name, direction, isComputed: isComputed(name) })),
    constraints: constraints.map(({ of: _, ...bounds }) => ({ ...bounds, isComputed: isComputed(bounds.name) })),
    preset,
    seed,
    maxEvaluations,
    initial,
    subsets: subsets ?? null,
    attempts,
    enumerateUpTo,
    reference: reference ?? null,
    subject: subject ?? null,
  };
}

/**
 * Checks that saved settings are those of a search, but for the number of evaluations.
 *
 * @throws CheckpointError that names the first difference
 */
export function checkSameSettings(own: SearchSettings, saved: Readonly<Record<string, unknown>>): void {
  for (const name of Object.keys(own) as (keyof SearchSettings)[]) {
    if (name === 'maxEvaluations') continue;
    const expected = canonicalJson(own[name]) ?? 'nothing';
    const got = canonicalJson(saved[name]) ?? 'nothing';
    if (expected === got) continue;
    throw new CheckpointError(
      `search: expected to go on with a search whose ${name} is ${shorten(expected)}, got ${shorten(got)}. Give the same settings, or begin anew.`,
    );
  }
}

const shorten = (text: string): string => (text.length > 120 ? `${text.slice(0, 117)}...` : text);
