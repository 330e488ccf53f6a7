/** A search as text: the live line, what it is about, and what it has found. */

import type { SearchEvaluation, SearchResultDocument } from '@sparsevit/config';
import { notationOf } from '@sparsevit/config';
import { latencyName } from '@sparsevit/pipeline';
import type { SearchEvent } from '@sparsevit/search';
import type { PrunedRatios } from '@sparsevit/windows';
import { sparsityModes } from '@sparsevit/windows';
import { quote } from '../errors';
import { renderBar, renderDuration } from '../progress';
import { formatNumber, renderFacts, renderTable } from '../table';
import type { SearchPlan } from './plan';

const ratiosText = (prunedRatios: PrunedRatios): string => notationOf({ ...sparsityModes.clean, prunedRatios });
const percent = (share: number): string => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

/** What is going to be searched. */
export function renderSearchPlan(plan: SearchPlan, outlook: string): string {
  const { latency, budget, wantsFront, scoreName, size } = plan;
  const { predictor, file } = latency;
  return renderFacts([
    ['weights', plan.weights],
    ['score', `${scoreName} on ${plan.images} images of ${size.height}x${size.width}`],
    ['latency', `${predictor.kind} predictor of ${file}`],
    [
      'searched',
      [wantsFront ? `the front of ${scoreName} and latency` : `the best ${scoreName}`, budgetText(budget)].join(''),
    ],
    ['evaluates', outlook],
    ...(plan.leftOut === 0 ? [] : [['left out', `${plan.leftOut} records of the data that cannot be used`] as const]),
  ]);
}

function budgetText(budget: SearchPlan['budget']): string {
  if (budget === null) return '';
  const { atMostMs, atLeastMs, margin } = budget;
  const most =
    atMostMs === undefined
      ? ''
      : ` within ${formatNumber(atMostMs)} ms${margin > 0 ? `, ${percent(margin)} less for what predictions may be wrong by` : ''}`;
  return `${most}${atLeastMs === undefined ? '' : `${most === '' ? '' : ' and'} from ${formatNumber(atLeastMs)} ms on`}`;
}

/** `evaluation 87/200 [======          ] best AP 0.4123 at 31.2 ms, 34 % of the space feasible, 3:20 left`; null for events without a line. */
export function renderSearchEvent(plan: SearchPlan, event: SearchEvent, feasibleShare: number): string | null {
  if (event.type !== 'evaluation-end') return null;
  const { evaluations, maxEvaluations, best } = event.progress;
  const found =
    best === null
      ? 'nothing yet'
      : `best ${plan.scoreName} ${(best.values[plan.scoreName] ?? Number.NaN).toFixed(4)} at ${formatNumber(best.values[latencyName] ?? Number.NaN)} ms`;
  return `${evaluations}/${maxEvaluations} [${renderBar(evaluations, maxEvaluations)}] ${found}, ${percent(feasibleShare)} feasible, ${renderDuration(event.remainingMs)} left`;
}

/** What was found, and what to do with it. */
export function renderSearchResult(
  plan: SearchPlan,
  result: SearchResultDocument,
  whyNotMeasured: string | null,
): string {
  const { scoreName } = plan;
  const { best, counts, measured, front } = result;
  const winner = measured?.winner ?? null;
  const parts: string[] = [];
  const evaluated = renderFacts([
    [
      'evaluated',
      `${counts.complete} of ${result.spaceSize}${counts.dropped > 0 ? `, ${counts.dropped} dropped on the way` : ''}${counts.failed > 0 ? `, ${counts.failed} failed` : ''}; ${percent(result.feasibleShare.value)} of the space is feasible`,
    ],
    ...(measured === undefined || measured.measuredOverPredicted === null
      ? []
      : [['measured', `${measured.measuredOverPredicted.toFixed(3)} times what was predicted (median)`] as const]),
    ...(whyNotMeasured === null ? [] : [['not measured', whyNotMeasured] as const]),
  ]);
  parts.push(evaluated);
  if (measured !== undefined) {
    parts.push(
      `${renderTable([
        ['sparsity', scoreName, 'predicted ms', 'measured ms', ''],
        ...measured.measured.map(({ id, prunedRatios, objective, predicted, measured: ms, meetsBudget }) => [
          ratiosText(prunedRatios),
          objective.toFixed(4),
          predicted === null ? '-' : formatNumber(predicted),
          formatNumber(ms),
          id === winner?.id ? 'the best that meets the budget' : meetsBudget ? '' : 'too slow',
        ]),
      ])}\n`,
    );
  } else if (plan.wantsFront) {
    parts.push(
      `${renderTable([['front', scoreName, 'predicted ms'], ...front.map((one) => evaluationRow(one, scoreName))])}\n`,
    );
  }
  const chosen = winner?.prunedRatios ?? (measured === undefined ? (best?.prunedRatios ?? null) : null);
  parts.push(renderFacts(endingFacts(plan, result, chosen)));
  return parts.join('\n');
}

function endingFacts(
  plan: SearchPlan,
  { measured, best, leastInfeasible }: SearchResultDocument,
  chosen: PrunedRatios | null,
): (readonly [string, string])[] {
  const written = ['written', plan.out] as const;
  if (plan.wantsFront && plan.budget === null) return [written];
  if (chosen !== null) {
    const use = `sparsevit finetune --weights ${plan.weights} --sparsity '${ratiosText(chosen)}'`;
    return [['best', ratiosText(chosen)], written, ['next', use]];
  }
  if (measured !== undefined) {
    return [['best', 'none of those measured meets the budget: raise it, or --margin, and go on'], written];
  }
  const nearest = best ?? leastInfeasible;
  return [
    [
      'best',
      nearest === null
        ? 'nothing was evaluated'
        : `nothing meets the budget; nearest ${quote(ratiosText(nearest.prunedRatios))}`,
    ],
    written,
  ];
}

const evaluationRow = ({ prunedRatios, values }: SearchEvaluation, scoreName: string): string[] => [
  ratiosText(prunedRatios),
  (values[scoreName] ?? Number.NaN).toFixed(4),
  formatNumber(values[latencyName] ?? Number.NaN),
];
