/** The searches by name: those of the published codes with their numbers, and our own. */

import { ConfigError } from '@sparsevit/windows';
import type { Problem } from './problem';
import type { Region } from './region';
import type { AssistedPreset } from './strategies/assisted';
import { createAssisted } from './strategies/assisted';
import type { ExhaustivePreset, RandomPreset } from './strategies/baselines';
import { createExhaustive, createRandomSearch } from './strategies/baselines';
import type { EvolutionPreset } from './strategies/evolution';
import { createEvolution } from './strategies/evolution';
import type { Nsga2Preset } from './strategies/nsga2';
import { createNsga2 } from './strategies/nsga2';
import type { Strategy } from './strategies/strategy';

/** How a search proposes, as plain data. */
export type SearchPreset = EvolutionPreset | Nsga2Preset | AssistedPreset | RandomPreset | ExhaustivePreset;

/** Names of presets. */
export type SearchPresetName = keyof typeof searchPresets;

/**
 * The numbers behind the names. `sparsevit`, `ofa`, `hat` and `spos` are those of the published codes (mit-han-lab/sparsevit `tools/search.py`,
 * once-for-all `EvolutionFinder`, hardware-aware-transformers `evolution.py`, SinglePathOneShot `search.py`), with these differences: nothing
 * is evaluated twice, loops have an end, and a sparsity over a computed budget is not evaluated. `small` is an evolution for evaluations that
 * take minutes. `assisted`, the default, has a model beside the evolution. `nsga2` and `assisted` take several objectives.
 *
 * @example
 * createSearch({ space, objectives, preset: { ...searchPresets.small, parents: 8 }, seed: 0 });
 */
export const searchPresets: {
  readonly assisted: AssistedPreset;
  readonly small: EvolutionPreset;
  readonly sparsevit: EvolutionPreset;
  readonly ofa: EvolutionPreset;
  readonly hat: EvolutionPreset;
  readonly spos: EvolutionPreset;
  readonly nsga2: Nsga2Preset;
  readonly random: RandomPreset;
  readonly exhaustive: ExhaustivePreset;
} = {
  assisted: { kind: 'assisted', first: 24, generation: 32, proposed: 20, parents: 24 },
  small: {
    kind: 'evolution',
    population: 24,
    parents: 6,
    mutants: 12,
    crossings: 12,
    mutationProbability: 0.2,
    mutation: 'reset',
    crossedParents: 'distinct',
    parentsFrom: 'all-generations',
    repeats: 'skip',
    firstDraws: 'uniform',
  },
  sparsevit: {
    kind: 'evolution',
    population: 100,
    parents: 25,
    mutants: 50,
    crossings: 50,
    mutationProbability: 0.1,
    mutation: 'reset',
    crossedParents: 'distinct',
    parentsFrom: 'last-generation',
    repeats: 'enter',
    firstDraws: 'sorted',
  },
  ofa: {
    kind: 'evolution',
    population: 100,
    parents: 25,
    mutants: 50,
    crossings: 50,
    mutationProbability: 0.1,
    mutation: 'reset',
    crossedParents: 'any',
    parentsFrom: 'all-generations',
    repeats: 'enter',
    firstDraws: 'sorted',
  },
  hat: {
    kind: 'evolution',
    population: 125,
    parents: 25,
    mutants: 50,
    crossings: 50,
    mutationProbability: 0.3,
    mutation: 'reset',
    crossedParents: 'distinct',
    parentsFrom: 'all-generations',
    repeats: 'enter',
    firstDraws: 'sorted',
  },
  spos: {
    kind: 'evolution',
    population: 50,
    parents: 10,
    mutants: 25,
    crossings: 25,
    mutationProbability: 0.1,
    mutation: 'reset',
    crossedParents: 'any',
    parentsFrom: 'all-generations',
    repeats: 'skip',
    firstDraws: 'sorted',
  },
  nsga2: { kind: 'nsga2', population: 40, crossoverProbability: 0.9, mutationProbability: null },
  random: { kind: 'random', generation: 32 },
  exhaustive: { kind: 'exhaustive', generation: 256 },
};

/** Fields of each kind that are counts, with the least that they may be. */
const counts: Readonly<Record<SearchPreset['kind'], Readonly<Record<string, number>>>> = {
  evolution: { population: 1, parents: 1, mutants: 0, crossings: 0 },
  nsga2: { population: 2 },
  assisted: { first: 1, generation: 1, proposed: 0, parents: 2 },
  random: { generation: 1 },
  exhaustive: { generation: 1 },
};

/** Fields of each kind that are probabilities. */
const probabilities: Readonly<Record<SearchPreset['kind'], readonly string[]>> = {
  evolution: ['mutationProbability'],
  nsga2: ['crossoverProbability', 'mutationProbability'],
  assisted: [],
  random: [],
  exhaustive: [],
};

/** Fields that are one of a few words. */
const words: Readonly<Record<string, readonly string[]>> = {
  mutation: ['reset', 'step'],
  crossedParents: ['distinct', 'any'],
  parentsFrom: ['last-generation', 'all-generations'],
  repeats: ['enter', 'skip'],
  firstDraws: ['sorted', 'uniform'],
};

/**
 * The preset that is meant.
 *
 * @throws ConfigError for a name that is none, or numbers out of range
 */
export function presetOf(preset: SearchPresetName | SearchPreset): SearchPreset {
  const found: SearchPreset | undefined =
    typeof preset === 'string' ? (Object.hasOwn(searchPresets, preset) ? searchPresets[preset] : undefined) : preset;
  const kind = found?.kind;
  if (found === undefined || kind === undefined || !Object.hasOwn(counts, kind)) {
    throw new ConfigError(
      `search: expected a preset of ${Object.keys(searchPresets).join(', ')}, got ${typeof preset === 'string' ? preset : String(kind)}.`,
    );
  }
  const fields: Readonly<Record<string, unknown>> = { ...found };
  for (const [name, least] of Object.entries(counts[kind])) {
    const value = fields[name];
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > mostMembers) {
      throw new ConfigError(
        `search: expected ${name} to be a whole number from ${least} to ${mostMembers}, got ${String(value)}.`,
      );
    }
  }
  for (const name of probabilities[kind]) {
    const value = fields[name];
    if (kind === 'nsga2' && value === null && name === 'mutationProbability') continue;
    if (typeof value !== 'number' || !(value >= 0 && value <= 1)) {
      throw new ConfigError(`search: expected ${name} to be from 0 to 1, got ${String(value)}.`);
    }
  }
  for (const [name, allowed] of kind === 'evolution' ? Object.entries(words) : []) {
    if (!allowed.includes(String(fields[name]))) {
      throw new ConfigError(`search: expected ${name} to be ${allowed.join(' or ')}, got ${String(fields[name])}.`);
    }
  }
  if (kind === 'evolution' && found.kind === 'evolution' && found.mutants + found.crossings === 0) {
    throw new ConfigError('search: expected mutants or crossings, got none of either.');
  }
  return found;
}

const mostMembers = 100_000;

/**
 * The strategy of a preset.
 *
 * @throws ConfigError for an evolution with several objectives, or an enumeration of a space that is too large
 */
export function createStrategy(preset: SearchPreset, problem: Problem, region: Region): Strategy {
  if (preset.kind === 'evolution' && problem.objectives.length !== 1) {
    throw new ConfigError(
      `search: expected one objective for an evolution, got ${problem.objectives.length}. The presets assisted and nsga2 take several.`,
    );
  }
  switch (preset.kind) {
    case 'evolution':
      return createEvolution(preset);
    case 'nsga2':
      return createNsga2(preset);
    case 'assisted':
      return createAssisted(preset, problem, region);
    case 'random':
      return createRandomSearch(preset);
    case 'exhaustive':
      return createExhaustive(preset, region);
  }
}
