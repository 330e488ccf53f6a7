/** Boosted trees on what a simpler model leaves over: ms = base(features) * exp(sum of trees). */

import { ConfigError, createRandom, randomOrder } from '@sparsevit/windows';
import { median } from '../statistics';
import type { AdditiveDocument, AdditiveOptions } from './additive';
import { additiveModel, fitAdditive } from './additive';
import type { LinearDocument, LinearOptions } from './linear';
import { fitLinear, linearModel } from './linear';
import type { Samples } from './matrix';
import { chosenColumns, rowOf } from './matrix';
import type { PointModel } from './point-model';
import { leastShare } from './point-model';
import type { TreeGrowth, Trees } from './trees';
import { binColumns, createTreeSum, growTrees, takeTrees } from './trees';

/** How trees are boosted. */
export interface BoostedOptions {
  readonly kind: 'boosted';
  /** What the trees correct; `null` for the median. Default: lookup tables of the same columns. */
  readonly base?: LinearOptions | AdditiveOptions | null;
  /** Which features the trees ask for; default all. */
  readonly columns?: readonly number[];
  /** Trees at most; how many are kept is decided on rows that they have not seen. Default 200. */
  readonly trees?: number;
  /** Questions from the root to a leaf, 1 to 8; default 3. */
  readonly depth?: number;
  /** Default 0.1. */
  readonly learningRate?: number;
  /** Rows that a leaf has at least; default 5. */
  readonly leastRows?: number;
}

/** Fitted trees. Each tree is complete: 2^depth - 1 nodes in order of levels, then 2^depth leaves. */
export interface BoostedDocument {
  readonly kind: 'boosted';
  readonly base: LinearDocument | AdditiveDocument;
  readonly depth: number;
  /** Which feature each node asks for; -1: none, go left. */
  readonly features: readonly number[];
  /** A larger value goes right. */
  readonly thresholds: readonly number[];
  /** Added logarithms. */
  readonly leaves: readonly number[];
}

/** Trees correct a base by a factor of e^10 at most. */
const mostLog = 10;

/** Fits the base, then trees to the logarithms of what it misses. */
export function fitBoosted(samples: Samples, options: BoostedOptions, seed: number): PointModel {
  const { features, ms } = samples;
  const columns = chosenColumns(features.columns, options.columns);
  const { trees = 200, depth = 3, learningRate = 0.1, leastRows = 5 } = options;
  const whole: [string, number, number, number][] = [
    ['trees', trees, 1, 2000],
    ['depth', depth, 1, 8],
    ['leastRows', leastRows, 1, 1e6],
  ];
  for (const [name, value, least, most] of whole) {
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new ConfigError(`boosted: expected ${name} to be a whole number from ${least} to ${most}, got ${value}.`);
    }
  }
  if (!(learningRate > 0 && learningRate <= 1)) {
    throw new ConfigError(`boosted: expected a learning rate above 0 and at most 1, got ${learningRate}.`);
  }
  const base = fitBase(samples, options, seed);
  const targets = Float64Array.from(ms, (time, row) => Math.log(time / base.predictMs(rowOf(features, row))));
  const binned = binColumns(features, columns);
  const growth: TreeGrowth = { trees, depth, learningRate, leastRows, rowShare: 0.8, shrinkage: 1, seed };
  const count = chooseTreeCount(binned, targets, growth);
  const all = Array.from(ms.keys());
  const grown = takeTrees(growTrees(binned, targets, all, { ...growth, trees: count }), count);
  return boostedModel({
    kind: 'boosted',
    base: base.toJSON() as LinearDocument | AdditiveDocument,
    depth,
    features: Array.from(grown.features, (feature) => (feature < 0 ? -1 : (columns[feature] ?? -1))),
    thresholds: Array.from(grown.thresholds),
    leaves: Array.from(grown.leaves),
  });
}

function fitBase(samples: Samples, options: BoostedOptions, seed: number): PointModel {
  const { base = { kind: 'additive', columns: options.columns } as AdditiveOptions } = options;
  if (base === null) {
    const intercept = median(samples.ms);
    const leastMs = leastShare * Math.min(...samples.ms);
    return linearModel({ kind: 'linear', columns: [], coefficients: [], intercept, leastMs });
  }
  return base.kind === 'linear' ? fitLinear(samples, base, seed) : fitAdditive(samples, base, seed);
}

/** So many trees without a gain on rows that they have not seen end the search. */
const patience = 40;

/** How many trees do best on rows that they have not seen; 0 when none helps. */
function chooseTreeCount(binned: ReturnType<typeof binColumns>, targets: Float64Array, growth: TreeGrowth): number {
  const rows = targets.length;
  const parts = rows <= 500 ? 4 : 5;
  // many rows: one part held out is enough; few: each part in turn
  const turns = rows <= 500 ? parts : 1;
  const order = Array.from(randomOrder(rows, createRandom(growth.seed + 1)));
  const errors = new Float64Array(growth.trees + 1);
  let reached = growth.trees;
  for (let turn = 0; turn < turns; turn++) {
    const held = order.filter((_, i) => i % parts === turn);
    const errorOf = (predictions: Float64Array): number =>
      held.reduce((sum, row) => sum + Math.abs((targets[row] ?? 0) - (predictions[row] ?? 0)), 0);
    const train = order.filter((_, i) => i % parts !== turn);
    let [least, best] = [errorOf(new Float64Array(rows)), 0];
    errors[0] = (errors[0] ?? 0) + least;
    growTrees(binned, targets, train, growth, (predictions, trees) => {
      const error = errorOf(predictions);
      errors[trees] = (errors[trees] ?? 0) + error;
      if (error < least) [least, best] = [error, trees];
      const goesOn = trees < best + patience;
      if (!goesOn) reached = Math.min(reached, trees);
      return goesOn;
    });
  }
  // only counts that every turn has tried can be compared
  const compared = errors.subarray(0, reached + 1);
  return compared.indexOf(Math.min(...compared));
}

/** The model of a document. */
export function boostedModel(document: BoostedDocument): PointModel {
  const base = document.base.kind === 'linear' ? linearModel(document.base) : additiveModel(document.base);
  const trees: Trees = {
    depth: document.depth,
    features: Int16Array.from(document.features),
    thresholds: Float64Array.from(document.thresholds),
    leaves: Float64Array.from(document.leaves),
  };
  const sumOf = createTreeSum(trees);
  return {
    predictMs: (features) =>
      base.predictMs(features) * Math.exp(Math.max(-mostLog, Math.min(mostLog, sumOf(features)))),
    toJSON: () => document,
  };
}
