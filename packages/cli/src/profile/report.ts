/** What `profile` says: before, on its way, at the end. */

import { notationOf } from '@sparsevit/config/presets';
import type { CostEstimate, DeviceFingerprint, LatencyTable, MeasureEvent } from '@sparsevit/latency';
import { fingerprintKey } from '@sparsevit/latency';
import type { PrunedRatios } from '@sparsevit/windows';
import { renderBar, renderDuration } from '../progress';
import { formatNumber, renderFacts } from '../table';
import type { ProfilePlan } from './plan';

/** What the documents of a run are about. */
export interface ProfileFacts {
  readonly plan: ProfilePlan;
  readonly detail: string;
  readonly fingerprint: DeviceFingerprint;
}

/** Model, input, device, and what it will cost. */
export function renderCost({ plan, detail }: ProfileFacts, cost: CostEstimate): string {
  const { model, input, configs, isHoldOut, protocol, journal } = plan;
  const visits = configs.length * protocol.rounds;
  const done = visits - cost.visits;
  const { batch, height, width } = input;
  return renderFacts([
    ['model', `${model.name}, ${model.origin}`],
    ['input', `${batch === 1 ? '1 image' : `${batch} images`} of ${height}x${width}`],
    ['backend', detail],
    [
      'plan',
      `${configs.length} configurations${isHoldOut ? ' held out' : ''}, ${protocol.rounds} rounds: ${visits} visits`,
    ],
    ...(done === 0 ? [] : [['resumed', `${done} visits are in ${journal}`] as const]),
    ['cost', cost.visits === 0 ? 'nothing is left to do' : `about ${renderDuration(cost.ms)}`],
  ]);
}

/** The line of progress after an event; null where there is nothing new to say. */
export function renderProgress({ plan }: ProfileFacts, event: MeasureEvent): string | null {
  const named = (prunedRatios: PrunedRatios): string => notationOf({ ...plan.rules, prunedRatios });
  switch (event.type) {
    case 'visit-ended': {
      const { visitsDone, visits, remainingMs } = event.progress;
      const left = remainingMs === null ? '' : `, ${renderDuration(remainingMs)} left`;
      const what = event.purpose === 'warm-up' ? 'warming up ' : '';
      return `visit ${visitsDone}/${visits} [${renderBar(visitsDone, visits)}]${left}, ${what}${named(event.prunedRatios)} ${formatNumber(event.ms)} ms`;
    }
    case 'sentinel-moved':
      return `the sentinel moved by ${(100 * event.moved).toFixed(1)} %: the visits since are ${event.outcome}`;
    case 'config-excluded':
      return `${named(event.prunedRatios)} is left out: ${event.message}`;
    default:
      return null;
  }
}

/** What came of it, as text. */
export function renderResult({ plan }: ProfileFacts, table: LatencyTable): string {
  const { rows, excluded, unsteady, noise, sentinel } = table;
  const times = rows.map(({ ms }) => ms);
  const named = (prunedRatios: PrunedRatios): string => notationOf({ ...plan.rules, prunedRatios });
  const again = unsteady.filter(({ outcome }) => outcome === 'repeated').length;
  const dropped = unsteady.length - again;
  return renderFacts([
    [
      'measured',
      `${rows.length} configurations, ${formatNumber(Math.min(...times))} to ${formatNumber(Math.max(...times))} ms`,
    ],
    ['sentinel', `${named(sentinel.prunedRatios)}, ${formatNumber(sentinel.ms ?? Number.NaN)} ms`],
    [
      'noise',
      noise === null
        ? 'not known from one round'
        : `${percent(noise.visit)} of a visit, ${percent(noise.row)} of a row`,
    ],
    ...(unsteady.length === 0 ? [] : [['unsteady', `${again} stretches repeated, ${dropped} dropped`] as const]),
    ...excluded
      .slice(0, 5)
      .map(({ prunedRatios, message }) => ['left out', `${named(prunedRatios)}: ${message}`] as const),
    ...(excluded.length > 5 ? [['', `and ${excluded.length - 5} more`] as const] : []),
    ['written', plan.out],
  ]);
}

/** What came of it, for `--json`. */
export function profileJson(
  { plan, fingerprint }: ProfileFacts,
  { table, cost, elapsedMs }: { table: LatencyTable; cost: CostEstimate; elapsedMs: number },
): Record<string, unknown> {
  const { device, model, input } = fingerprint;
  const { rows, excluded, unsteady, noise, sentinel, protocol } = table;
  const times = rows.map(({ ms }) => ms);
  return {
    version: 1,
    command: 'profile',
    key: fingerprintKey(fingerprint),
    device,
    model: { name: model.name, hash: model.hash, origin: plan.model.origin },
    input,
    protocol,
    isHoldOut: plan.isHoldOut,
    rows: rows.length,
    ms: { least: Math.min(...times), most: Math.max(...times) },
    sentinelMs: sentinel.ms,
    noise,
    excluded,
    unsteady,
    estimatedMs: cost.ms,
    elapsedMs,
    out: plan.out,
    journal: plan.journal,
  };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
