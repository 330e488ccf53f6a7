/** Scores of a task at several sparsities, as a table and as JSON. */

import { notationOf } from '@sparsevit/config/presets';
import type { EvaluationCase, EvaluationResult } from '@sparsevit/pipeline';
import type { TaskConfig } from '@sparsevit/tasks';
import type { Sparsity } from '@sparsevit/windows';
import { modeOf } from '../sparsity';
import { renderTable } from '../table';

/** The numbers that a table has room for; the first is the score. */
const columnsOf: Readonly<Record<TaskConfig['kind'], readonly string[]>> = {
  classification: ['top1', 'top5'],
  semantic: ['meanIou', 'pixelAccuracy'],
  upernet: ['meanIou', 'pixelAccuracy'],
  detection: ['AP', 'AP50', 'AP75'],
};

/** A table of the scores, a line for each case. */
export function renderScores(kind: TaskConfig['kind'], results: readonly EvaluationResult[]): string {
  const columns = columnsOf[kind];
  const cell = (value: unknown): string => (typeof value === 'number' ? value.toFixed(4) : '-');
  const rows = results.map(({ name, metrics }) => [name, ...columns.map((column) => cell(metrics[column]))]);
  return `${renderTable([[`${results[0]?.images ?? 0} images`, ...columns], ...rows])}\n`;
}

/** The scores for a JSON document. */
export function scoresJson(
  cases: readonly EvaluationCase[],
  results: readonly EvaluationResult[],
): Record<string, unknown>[] {
  return results.map((result, i) => ({ ...result, sparsity: sparsityJson(cases[i]?.sparsity ?? null) }));
}

/** A sparsity for a JSON document; null for dense. */
export function sparsityJson(sparsity: Sparsity | null): Record<string, unknown> | null {
  return sparsity === null ? null : { notation: notationOf(sparsity), mode: modeOf(sparsity), ...sparsity };
}
