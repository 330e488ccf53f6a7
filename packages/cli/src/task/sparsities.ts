/** At which sparsities a trained task is run: those that were typed, else what is saved with the weights. */

import { notationOf, parseSparsity } from '@sparsevit/config/presets';
import type { EvaluationCase } from '@sparsevit/pipeline';
import type { TaskCheckpoint } from '@sparsevit/tasks';
import type { Sparsity } from '@sparsevit/windows';
import { hasRatios, uniformSparsity } from '@sparsevit/windows';
import { modeNames } from '../sparsity';
import { parseChoice } from '../values';

/** The options that say so, as they were typed. */
export interface SparsityOptions {
  readonly sparsity?: readonly string[] | undefined;
  readonly mode?: string | undefined;
}

/**
 * Dense, and beside it every typed sparsity; else the saved one, else one half of all windows.
 *
 * @throws ConfigError for ratios that do not fit the architecture
 */
export function evaluationCases(
  { backbone }: Pick<TaskCheckpoint, 'backbone'>,
  { sparsity = [], mode }: SparsityOptions,
): EvaluationCase[] {
  const { architecture, sparsity: saved } = backbone;
  const rules = parseChoice(mode ?? 'clean', '--mode', modeNames);
  const typed = sparsity.map((text) => parseSparsity(text, architecture, rules));
  const chosen: Sparsity[] = typed.length > 0 ? typed : [saved ?? uniformSparsity(architecture, 0.5, rules)];
  const cases = chosen.filter((one) => !isDense(one)).map((one) => ({ name: notationOf(one), sparsity: one }));
  return [{ name: 'dense', sparsity: null }, ...cases];
}

/** The sparsity to predict at: the typed one, else the saved one, else null for dense. */
export function predictionSparsity(
  { backbone }: Pick<TaskCheckpoint, 'backbone'>,
  { sparsity, mode }: { readonly sparsity?: string | undefined; readonly mode?: string | undefined },
): Sparsity | null {
  const rules = parseChoice(mode ?? 'clean', '--mode', modeNames);
  if (sparsity === undefined) return backbone.sparsity;
  const typed = parseSparsity(sparsity, backbone.architecture, rules);
  return isDense(typed) ? null : typed;
}

/** True when nothing is pruned and no rule makes that differ from Swin. */
const isDense = (sparsity: Sparsity): boolean =>
  sparsity.padding === 'family' && hasRatios(sparsity) && sparsity.prunedRatios.flat().every((ratio) => ratio === 0);
