/** The stages of a pipeline, and what each depends on: a stage whose dependencies are as they were is not done again. */

import type { PipelineRun } from '@sparsevit/config';
import { hashOf } from '@sparsevit/search/node';

/** The stages in their order. */
export const pipelineStages = [
  'train',
  'dense',
  'adapt',
  'profile',
  'search',
  'finetune',
  'evaluate',
  'report',
] as const;

/** A stage of a pipeline. */
export type PipelineStage = (typeof pipelineStages)[number];

/** Stages that a stage takes results of. */
const dependencies: Readonly<Record<PipelineStage, readonly PipelineStage[]>> = {
  train: [],
  dense: ['train'],
  adapt: ['train'],
  profile: ['adapt'],
  search: ['adapt', 'profile'],
  finetune: ['adapt', 'search'],
  evaluate: ['dense', 'adapt', 'profile', 'search', 'finetune'],
  report: ['evaluate'],
};

/** What of the document a stage looks at itself. What changes nothing but the time it takes does not count. */
function ownConfig(stage: PipelineStage, run: PipelineRun): Readonly<Record<string, unknown>> {
  const { task, model, data, input, batch, guidance, evaluation, report } = run;
  const learning = { task, input, batch, guidance, train: data.train, classes: data.classes };
  const judging = { validation: data.validation, evaluation };
  switch (stage) {
    case 'train':
      return { ...learning, ...judging, model, training: run.train };
    case 'dense':
      return { test: data.test, validation: data.validation, evaluation, resolutions: report.resolutions };
    case 'adapt':
      return { ...learning, ...judging, adapt: run.adapt };
    case 'profile':
      return { latency: run.latency, height: input.height, width: input.width };
    case 'search': {
      const search = { ...run.search, processes: undefined };
      return { search, validation: data.validation, train: data.validation === undefined ? data.train : undefined };
    }
    case 'finetune':
      return { ...learning, ...judging, finetune: run.finetune };
    case 'evaluate': {
      const { uniform, random, choices } = report;
      return { test: data.test, validation: data.validation, evaluation, uniform, random, choices };
    }
    case 'report':
      return { samples: report.samples };
  }
}

/** What a stage depends on: its part of the document, and the identities of the stages before it. */
export interface StageIdentity {
  readonly key: string;
  /** For messages about what has changed. */
  readonly config: Readonly<Record<string, unknown>>;
}

/**
 * What each stage of a run depends on.
 *
 * @param run with its paths as they were written, so that a folder may be moved
 */
export function stageIdentities(run: PipelineRun): Readonly<Record<PipelineStage, StageIdentity>> {
  const found = {} as Record<PipelineStage, StageIdentity>;
  for (const stage of pipelineStages) {
    const config = JSON.parse(JSON.stringify(ownConfig(stage, run))) as Record<string, unknown>;
    const before = dependencies[stage].map((name) => found[name].key);
    found[stage] = { key: hashOf({ stage, config, before }), config };
  }
  return found;
}

/** True when the stage's result is given as a file, or the stage is left out. */
export function isGiven(stage: PipelineStage, run: PipelineRun): boolean {
  switch (stage) {
    case 'train':
      return run.train === undefined || 'file' in run.train;
    case 'adapt':
      return 'file' in run.adapt;
    case 'profile':
      return 'file' in run.latency;
    case 'search':
      return 'file' in run.search;
    case 'finetune':
      return run.finetune === undefined || 'file' in run.finetune;
    default:
      return false;
  }
}
