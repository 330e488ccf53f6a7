/** What a search has found, as a document. */

import type { Evaluation } from './candidate';
import type { Genome } from './genome';
import { frontOf, hypervolume } from './hypervolume';
import type { GeneImportance } from './importance';
import { importanceOf } from './importance';
import type { Objectives } from './pareto';
import type { Problem } from './problem';
import type { Region } from './region';
import type { SearchSettings } from './settings';

/** Why a search has ended. */
export type SearchEnding = 'evaluations-spent' | 'space-exhausted' | 'stalled';

/** The name of a result's format. */
export const resultFormat = 'sparsevit-search-result';
/** Its version. */
export const resultVersion = 1;

/** What a search has found. Plain JSON. */
export interface SearchResult {
  readonly format: typeof resultFormat;
  readonly version: typeof resultVersion;
  readonly settings: SearchSettings;
  /** Null while the search goes on. */
  readonly ending: SearchEnding | null;
  /** The feasible evaluation that is best in the first objective; null when there is none. */
  readonly best: Evaluation | null;
  /** When nothing is feasible: the complete evaluation that is nearest to the bounds. */
  readonly leastInfeasible: Evaluation | null;
  /**
   * The feasible evaluations that no other is better than, by the first objective's value from the best on. With one objective the first
   * constraint's quantity counts as a second one, to be made small if it has an upper bound, else large.
   */
  readonly front: readonly Evaluation[];
  /** What the front covers, after each number of evaluations at which it grew; empty when the front has one dimension. */
  readonly hypervolume: readonly { readonly evaluations: number; readonly hypervolume: number }[];
  /** The corner that hypervolume is measured from; null when the front has one dimension, or no member. */
  readonly reference: Readonly<Record<string, number>> | null;
  /** How much each gene matters for the first objective. */
  readonly importance: readonly GeneImportance[];
  /** Sparsities of the space. */
  readonly spaceSize: number;
  /** Share of the space that the computed constraints allow. */
  readonly feasibleShare: { readonly value: number; readonly isExact: boolean };
  readonly generations: number;
  /** Evaluations by how they ended. */
  readonly counts: { readonly complete: number; readonly dropped: number; readonly failed: number };
  /** Everything that was evaluated, in order of ids. */
  readonly history: readonly Evaluation[];
}

/** What a summary is made of. */
export interface Summarized {
  readonly settings: SearchSettings;
  readonly genome: Genome;
  readonly problem: Problem;
  readonly region: Region;
  readonly evaluations: readonly Evaluation[];
  readonly generations: number;
  readonly ending: SearchEnding | null;
}

/** The result of the evaluations so far. */
export function summarize({
  settings,
  genome,
  problem,
  region,
  evaluations,
  generations,
  ending,
}: Summarized): SearchResult {
  const complete = evaluations.filter(({ state }) => state === 'complete');
  const feasible = complete.filter(({ isFeasible }) => isFeasible);
  const best = leastBy(feasible, ({ values }) => problem.minimized(values)[0] ?? 0);
  const axes = axesOf(problem);
  const points = feasible.map(({ values }) => axes.map(({ name, sign }) => sign * (values[name] ?? Number.NaN)));
  const front = frontOf(points).sort((a, b) => (points[a]?.[0] ?? 0) - (points[b]?.[0] ?? 0));
  const reference = axes.length < 2 || points.length === 0 ? null : referenceOf(axes, settings, points);
  const countOf = (state: Evaluation['state']): number => evaluations.filter((one) => one.state === state).length;
  return {
    format: resultFormat,
    version: resultVersion,
    settings,
    ending,
    best,
    leastInfeasible: best === null ? leastBy(complete, ({ violation }) => violation ?? Number.POSITIVE_INFINITY) : null,
    front: front.flatMap((place) => feasible[place] ?? []),
    hypervolume: reference === null ? [] : hypervolumeOver(feasible, points, reference),
    reference:
      reference === null
        ? null
        : Object.fromEntries(axes.map(({ name, sign }, i) => [name, sign * (reference[i] ?? 0) + 0])),
    importance: importanceOf(genome, evaluations, problem.objectives[0]?.name ?? ''),
    spaceSize: genome.size,
    feasibleShare: region.share(),
    generations,
    counts: { complete: countOf('complete'), dropped: countOf('dropped'), failed: countOf('failed') },
    history: [...evaluations],
  };
}

function leastBy(evaluations: readonly Evaluation[], of: (evaluation: Evaluation) => number): Evaluation | null {
  let least: Evaluation | null = null;
  let smallest = Number.POSITIVE_INFINITY;
  for (const evaluation of evaluations) {
    const value = of(evaluation);
    if (value < smallest) [least, smallest] = [evaluation, value];
  }
  return least;
}

/** The dimensions of the front: quantities, with the sign that makes them something to make small. */
function axesOf({ objectives, constraints }: Problem): { readonly name: string; readonly sign: number }[] {
  const axes = objectives.map(({ name, direction }) => ({ name, sign: direction === 'maximize' ? -1 : 1 }));
  const first = constraints.find(({ name }) => name !== objectives[0]?.name);
  if (axes.length === 1 && first !== undefined)
    axes.push({ name: first.name, sign: first.atMost === undefined ? -1 : 1 });
  return axes;
}

function referenceOf(
  axes: readonly { readonly name: string; readonly sign: number }[],
  { reference }: SearchSettings,
  points: readonly Objectives[],
): Objectives {
  return axes.map(({ name, sign }, axis) => {
    const given = reference?.[name];
    if (given !== undefined) return sign * given;
    return points.reduce((worst, point) => Math.max(worst, point[axis] ?? worst), points[0]?.[axis] ?? 0);
  });
}

/** The hypervolume at each evaluation that made it larger. */
function hypervolumeOver(
  feasible: readonly Evaluation[],
  points: readonly Objectives[],
  reference: Objectives,
): { readonly evaluations: number; readonly hypervolume: number }[] {
  const steps: { readonly evaluations: number; readonly hypervolume: number }[] = [];
  let front: Objectives[] = [];
  for (const [place, point] of points.entries()) {
    if (front.some((other) => other.every((value, axis) => value <= (point[axis] ?? 0)))) continue;
    front = [...front, point];
    front = frontOf(front).map((at) => front[at] ?? []);
    const volume = hypervolume(front, reference);
    if (volume > (steps.at(-1)?.hypervolume ?? 0)) {
      steps.push({ evaluations: (feasible[place]?.id ?? 0) + 1, hypervolume: volume });
    }
  }
  return steps;
}
