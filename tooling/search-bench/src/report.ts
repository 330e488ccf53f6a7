/** What was found, as Markdown. */

import type { Spread } from '../../bench/src/statistics';
import { median, spreadOf } from '../../bench/src/statistics';
import type { Overhead } from './overhead';
import { goals } from './protocol';

/** What a search reached: one number for each of the evaluations that are read. */
export interface Reached {
  readonly model: number;
  readonly preset: string;
  readonly seed: number;
  readonly values: readonly number[];
}

const digits = (value: number, count: number): string => value.toFixed(count);

const print = ({ median: middle, firstQuartile, thirdQuartile }: Spread, count: number): string =>
  `${digits(middle, count)} (${digits(firstQuartile, count)} to ${digits(thirdQuartile, count)})`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = line(head.map((_, i) => (i === 0 ? '---' : '---:')));
  return [line(head), rule, ...rows.map(line)].join('\n');
}

const distinct = <Value>(values: readonly Value[]): Value[] => [...new Set(values)];

/** All models and seeds together: a row per preset, the median and the quartiles. */
export function overallTable(reached: readonly Reached[], evaluations: readonly number[], count: number): string {
  const rows = distinct(reached.map(({ preset }) => preset)).map((preset) => {
    const own = reached.filter((one) => one.preset === preset);
    return [
      preset,
      ...evaluations.map((_, i) => print(spreadOf(own.map(({ values }) => values[i] ?? Number.NaN)), count)),
    ];
  });
  return table(['', ...evaluations.map((count_) => `${count_} evaluations`)], rows);
}

/** One number of evaluations: a row per preset, a column per model, the median and the worst of the seeds. */
export function perModelTable(
  reached: readonly Reached[],
  at: number,
  { worst, count }: { readonly worst: 'most' | 'least'; readonly count: number },
): string {
  const models = distinct(reached.map(({ model }) => model));
  const rows = distinct(reached.map(({ preset }) => preset)).map((preset) => [
    preset,
    ...models.map((model) => {
      const own = reached.filter((one) => one.preset === preset && one.model === model);
      const values = own.map((one) => one.values[at] ?? Number.NaN);
      const extreme = worst === 'most' ? Math.max(...values) : Math.min(...values);
      return `${digits(median(values), count)} (${digits(extreme, count)})`;
    }),
  ]);
  return table(['', ...models.map((model) => `model ${model}`)], rows);
}

/** The worst over models of the median over seeds, of one preset at one number of evaluations. */
export function worstMedian(reached: readonly Reached[], preset: string, at: number, worst: 'most' | 'least'): number {
  const medians = distinct(reached.map(({ model }) => model)).map((model) =>
    median(
      reached
        .filter((one) => one.preset === preset && one.model === model)
        .map(({ values }) => values[at] ?? Number.NaN),
    ),
  );
  return worst === 'most' ? Math.max(...medians) : Math.min(...medians);
}

/** Goals and what came out. */
export function goalTable(
  rows: readonly { readonly goal: string; readonly found: string; readonly isMet: boolean }[],
): string {
  return table(
    ['goal', 'found', ''],
    rows.map(({ goal, found, isMet }) => [goal, found, isMet ? 'met' : 'not met']),
  );
}

/** Overheads, the goal beside each. */
export function overheadTable(overheads: readonly Overhead[]): string {
  return table(
    ['', 'ms, median (quartiles)', 'goal', ''],
    overheads.map(({ what, ms, goalMs }) => [
      what,
      print(ms, ms.median < 100 ? 2 : 0),
      goalMs === null ? '-' : `below ${goalMs}`,
      goalMs === null ? '' : ms.median < goalMs ? 'met' : 'not met',
    ]),
  );
}

/** The goal of the default for one budget. */
export function regretGoal(
  reached: readonly Reached[],
  budget: number,
  at: number,
): Parameters<typeof goalTable>[0][number] {
  const worst = worstMedian(reached, 'assisted', at, 'most');
  return {
    goal: `default within ${goals.regretPoints} points of the optimum in ${goals.regretAt} evaluations, budget ${100 * budget} %`,
    found: `${digits(worst, 3)} points, the worst model's median`,
    isMet: worst <= goals.regretPoints,
  };
}
