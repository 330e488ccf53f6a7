/** Ways to run the models of a pipeline, judged on the same images one after the other. */

import type { ReportCase } from '@sparsevit/config';
import type { Dataset } from '@sparsevit/data';
import { createEngine } from '@sparsevit/engine';
import { countMacs } from '@sparsevit/latency';
import { learnsFrom } from '@sparsevit/tasks';
import type { PrunedRatios, SparsityRules } from '@sparsevit/windows';
import { engineRunner } from '../../engine-runner';
import { sparsityOf } from '../../latency/subject';
import { createValidation } from '../../validation';
import { openSource, withClasses } from '../data-source';
import type { StageContext } from './context';
import type { ModelRole } from './inputs';
import { readModel } from './inputs';

/** A way to run a model, before it is judged. */
export type PlannedCase = Pick<
  ReportCase,
  'name' | 'kind' | 'weights' | 'prunedRatios' | 'height' | 'width' | 'predictedMs'
>;

/** A way to run a model, with its score. */
export type JudgedCase = Omit<ReportCase, 'measuredMs' | 'quartilesMs'>;

/** The images that final scores are of. */
export async function openTestData(context: StageContext, classes: readonly string[]): Promise<Dataset> {
  const { run, tell } = context;
  const source = run.data.test ?? run.data.validation ?? run.data.train;
  const own = await openSource(source, { learns: learnsFrom(run.task), wantsEveryClass: false, onEvent: tell });
  return withClasses(own, classes, 'data.test');
}

/**
 * Judges cases on the test images, grouped by their weights and size, so that each model is loaded and each image read as few times as can be.
 *
 * @returns in the order of the cases
 * @throws as `createValidation`; the signal's reason
 */
export async function judgeCases(
  context: StageContext,
  cases: readonly PlannedCase[],
  rules: SparsityRules,
): Promise<readonly JudgedCase[]> {
  const { run, folder, signal, tell } = context;
  const found = new Map<PlannedCase, JudgedCase>();
  const groups = groupsOf(cases);
  const engine = await createEngine();
  let place = 0;
  try {
    for (const group of groups.values()) {
      const [first] = group;
      if (first === undefined) continue;
      const checkpoint = await readModel(run, folder, first.weights satisfies ModelRole);
      const { config, backbone } = checkpoint;
      const dataset = await openTestData(context, config.classes);
      const runner = engineRunner(engine, checkpoint, { maxPlans: 1 });
      const source = run.data.test ?? run.data.validation ?? run.data.train;
      const validation = createValidation(runner, dataset, {
        task: config,
        size: { height: first.height, width: first.width },
        keepRatio: run.input.keepRatio,
        normalization: run.input.normalization,
        limit: run.evaluation?.limit,
        onBroken: source.onBroken,
        onEvent: tell,
      });
      try {
        for (const one of group) {
          tell({ type: 'case-start', name: one.name, place: place++, count: cases.length });
          const sparsity = one.prunedRatios === null ? null : sparsityOf(one.prunedRatios, rules);
          const { score, metrics } = await validation.begin(one.name, sparsity).upTo(validation.length, signal);
          const { totalMacs } = countMacs(backbone.architecture, {
            height: one.height,
            width: one.width,
            accounting: 'fair',
            ...(sparsity === null ? {} : { sparsity }),
          });
          found.set(one, { ...one, score, metrics, gmacs: totalMacs / 1e9 });
        }
      } finally {
        await runner.dispose();
      }
    }
  } finally {
    await engine.dispose();
  }
  return cases.flatMap((one) => found.get(one) ?? []);
}

const groupOf = ({ weights, height, width }: PlannedCase): string => `${weights} ${height}x${width}`;

/** Cases that share a model and a size; `Map.groupBy` is not in Node 20. */
function groupsOf(cases: readonly PlannedCase[]): Map<string, PlannedCase[]> {
  const groups = new Map<string, PlannedCase[]>();
  for (const one of cases) groups.set(groupOf(one), [...(groups.get(groupOf(one)) ?? []), one]);
  return groups;
}

/** Ratios of a sparsity that is the same everywhere. */
export function uniformRatios(pairsPerStage: readonly number[], ratio: number): PrunedRatios {
  return pairsPerStage.map((pairs) => Array.from({ length: pairs }, () => ratio));
}
