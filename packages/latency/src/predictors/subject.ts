/** What a latency belongs to: a model at an input size, and the rules by which a sparsity is counted. */

import { familyRules } from '@sparsevit/backbone';
import type { SparsityRules, SparsitySpace, SwinArchitecture, SwinRules } from '@sparsevit/windows';
import { ConfigError, checkArchitecture, checkSparsity, createSparsitySpace, sparsityModes } from '@sparsevit/windows';

/** What is run. */
export interface LatencySubject {
  readonly architecture: SwinArchitecture;
  /** Image height in pixels. */
  readonly height: number;
  /** Image width in pixels. */
  readonly width: number;
  /** Images per forward; default 1. */
  readonly batch?: number;
  /** Rules of the checkpoint's family; default mmdet's, as in the published code. */
  readonly rules?: SwinRules;
  /** Rules of scoring and counting; default `clean`. */
  readonly sparsity?: SparsityRules;
  /** Pruned ratios that the space is made of; default the published ones. */
  readonly choices?: readonly number[];
}

/** A subject with all that is left open filled in. */
export type WholeSubject = Required<LatencySubject>;

/**
 * Fills in what a subject leaves open, and checks it.
 *
 * @throws ConfigError for sizes that are not whole numbers above 0, an architecture that cannot be built, or rules that there are not
 */
export function wholeSubject(subject: LatencySubject): WholeSubject {
  const { height, width, batch = 1, rules = familyRules.mmdet, sparsity = sparsityModes.clean } = subject;
  const { embedDim, depths, heads, window, mlpRatio, patchSize } = checkArchitecture(subject.architecture);
  const architecture = { embedDim, depths, heads, window, mlpRatio, patchSize };
  for (const [name, value] of Object.entries({ height, width, batch })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new ConfigError(`latency subject: expected ${name} to be an integer of at least 1, got ${value}.`);
    }
  }
  const space = createSparsitySpace(architecture, subject.choices);
  checkSparsity(architecture, { ...sparsity, prunedRatios: space.pairsPerStage.map((pairs) => Array(pairs).fill(0)) });
  return { architecture, height, width, batch, rules, sparsity, choices: space.choices };
}

/** The sparsities that a subject's predictions are numbered by. */
export function spaceOfSubject({ architecture, choices }: WholeSubject): SparsitySpace {
  return createSparsitySpace(architecture, choices);
}
