/**
 * Gradient-boosted regression trees on binned features: trees of one depth, grown level by level from histograms. Source: Friedman, Greedy
 * Function Approximation (2001), with his clipped residuals against outliers and his subsampling of rows (Stochastic Gradient Boosting, 2002).
 */

import { createRandom } from '@sparsevit/windows';
import { quantileOfSorted, sorted } from '../statistics';
import type { Matrix } from './matrix';

/** How trees are grown. */
export interface TreeGrowth {
  readonly trees: number;
  /** Questions from the root to a leaf. */
  readonly depth: number;
  readonly learningRate: number;
  /** Rows that a leaf has at least. */
  readonly leastRows: number;
  /** Rows that each tree sees, as a share. */
  readonly rowShare: number;
  /** A leaf's sum is divided by its rows and this many more. */
  readonly shrinkage: number;
  readonly seed: number;
}

/** Trees one after another, each complete: node i asks at 2^depth - 1 places, then come its leaves. */
export interface Trees {
  readonly depth: number;
  /** Which feature each node asks for, [trees * (2^depth - 1)]; -1 sends everything to the left. */
  readonly features: Int16Array;
  /** A larger value goes to the right, [trees * (2^depth - 1)]. */
  readonly thresholds: Float64Array;
  /** [trees * 2^depth] */
  readonly leaves: Float64Array;
}

const mostBins = 64;
/** Residuals beyond this quantile of their sizes count as lying on it. */
const clippedQuantile = 0.9;

/** A feature's values as the numbers of the bins they fall in. */
interface Binned {
  readonly bins: Uint8Array;
  /** Values that part one bin from the next. */
  readonly edges: Float64Array;
}

/** Bins of some columns: one per value, or quantiles where there are more than 64. */
export function binColumns({ rows, columns, values }: Matrix, chosen: readonly number[]): Binned[] {
  return chosen.map((column) => {
    const own = Float64Array.from({ length: rows }, (_, row) => values[row * columns + column] ?? 0);
    const ascending = sorted(own);
    let distinct = [...new Set(ascending)];
    if (distinct.length > mostBins) {
      distinct = [
        ...new Set(Array.from({ length: mostBins }, (_, i) => quantileOfSorted(ascending, i / (mostBins - 1)))),
      ];
    }
    const edges = Float64Array.from({ length: distinct.length - 1 }, (_, i) => {
      const [low, high] = [distinct[i] ?? 0, distinct[i + 1] ?? 0];
      return low + (high - low) / 2;
    });
    const bins = Uint8Array.from(own, (value) => {
      let [low, high] = [0, edges.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (value > (edges[middle] ?? 0)) low = middle + 1;
        else high = middle;
      }
      return low;
    });
    return { bins, edges };
  });
}

/**
 * Grows trees towards targets.
 *
 * @param trainRows the rows to learn from
 * @param goesOn is told, after each tree, what all rows are predicted to be; false ends the growing
 */
export function growTrees(
  columns: readonly Binned[],
  targets: Float64Array,
  trainRows: readonly number[],
  growth: TreeGrowth,
  goesOn: (predictions: Float64Array, trees: number) => boolean = () => true,
): Trees {
  const { trees, depth, learningRate, rowShare, seed } = growth;
  const rows = targets.length;
  const [inner, leafCount] = [2 ** depth - 1, 2 ** depth];
  const grown: Trees = {
    depth,
    features: new Int16Array(trees * inner).fill(-1),
    thresholds: new Float64Array(trees * inner),
    leaves: new Float64Array(trees * leafCount),
  };
  const random = createRandom(seed);
  const predictions = new Float64Array(rows);
  const residuals = new Float64Array(rows);
  const nodes = new Int32Array(rows);
  let limit = Number.POSITIVE_INFINITY;
  for (let tree = 0; tree < trees; tree++) {
    for (let row = 0; row < rows; row++) residuals[row] = (targets[row] ?? 0) - (predictions[row] ?? 0);
    if (tree % 10 === 0) {
      const sizes = Float64Array.from(trainRows, (row) => Math.abs(residuals[row] ?? 0)).sort();
      limit = quantileOfSorted(sizes, clippedQuantile);
    }
    for (const row of trainRows) residuals[row] = Math.max(-limit, Math.min(limit, residuals[row] ?? 0));
    const sample = Int32Array.from(trainRows.filter(() => random.uniform() < rowShare));
    const asked = growTree(columns, residuals, sample, nodes, growth);
    const from = tree * inner;
    asked.columns.forEach((column, node) => {
      grown.features[from + node] = column;
      grown.thresholds[from + node] = column < 0 ? 0 : (columns[column]?.edges[asked.bins[node] ?? 0] ?? 0);
    });
    asked.leaves.forEach((leaf, i) => {
      grown.leaves[tree * leafCount + i] = leaf * learningRate;
    });
    for (let row = 0; row < rows; row++) {
      let node = 0;
      while (node < inner) {
        const column = asked.columns[node] ?? -1;
        const isRight = column >= 0 && (columns[column]?.bins[row] ?? 0) > (asked.bins[node] ?? 0);
        node = 2 * node + (isRight ? 2 : 1);
      }
      predictions[row] = (predictions[row] ?? 0) + (grown.leaves[tree * leafCount + node - inner] ?? 0);
    }
    if (!goesOn(predictions, tree + 1)) break;
  }
  return grown;
}

/** A tree: the column and the last bin on the left of each node, and the mean of each leaf. */
interface Tree {
  readonly columns: Int16Array;
  readonly bins: Uint8Array;
  readonly leaves: Float64Array;
}

function growTree(
  columns: readonly Binned[],
  residuals: Float64Array,
  sample: Int32Array,
  nodes: Int32Array,
  { depth, leastRows, shrinkage }: TreeGrowth,
): Tree {
  const inner = 2 ** depth - 1;
  const tree: Tree = {
    columns: new Int16Array(inner).fill(-1),
    bins: new Uint8Array(inner),
    leaves: new Float64Array(2 ** depth),
  };
  for (const row of sample) nodes[row] = 0;
  const widest = 2 ** Math.max(0, depth - 1);
  const sums = new Float64Array(widest * mostBins);
  const counts = new Int32Array(widest * mostBins);
  for (let level = 0; level < depth; level++) {
    const width = 2 ** level;
    const gains = new Float64Array(width).fill(1e-12);
    columns.forEach(({ bins, edges }, column) => {
      if (edges.length === 0) return;
      sums.fill(0, 0, width * mostBins);
      counts.fill(0, 0, width * mostBins);
      for (let i = 0; i < sample.length; i++) {
        const row = sample[i] ?? 0;
        const at = ((nodes[row] ?? 0) - width + 1) * mostBins + (bins[row] ?? 0);
        sums[at] = (sums[at] ?? 0) + (residuals[row] ?? 0);
        counts[at] = (counts[at] ?? 0) + 1;
      }
      for (let node = 0; node < width; node++) {
        const from = node * mostBins;
        let [total, count] = [0, 0];
        for (let bin = 0; bin <= edges.length; bin++) {
          total += sums[from + bin] ?? 0;
          count += counts[from + bin] ?? 0;
        }
        const before = (total * total) / (count + shrinkage);
        let [left, leftCount] = [0, 0];
        for (let bin = 0; bin < edges.length; bin++) {
          left += sums[from + bin] ?? 0;
          leftCount += counts[from + bin] ?? 0;
          const rightCount = count - leftCount;
          if (leftCount < leastRows || rightCount < leastRows) continue;
          const right = total - left;
          const gain = (left * left) / (leftCount + shrinkage) + (right * right) / (rightCount + shrinkage) - before;
          if (gain <= (gains[node] ?? 0)) continue;
          gains[node] = gain;
          tree.columns[width - 1 + node] = column;
          tree.bins[width - 1 + node] = bin;
        }
      }
    });
    for (let i = 0; i < sample.length; i++) {
      const row = sample[i] ?? 0;
      const node = nodes[row] ?? 0;
      const column = tree.columns[node] ?? -1;
      const isRight = column >= 0 && (columns[column]?.bins[row] ?? 0) > (tree.bins[node] ?? 0);
      nodes[row] = 2 * node + (isRight ? 2 : 1);
    }
  }
  const leafRows = new Int32Array(2 ** depth);
  for (const row of sample) {
    const leaf = (nodes[row] ?? 0) - inner;
    tree.leaves[leaf] = (tree.leaves[leaf] ?? 0) + (residuals[row] ?? 0);
    leafRows[leaf] = (leafRows[leaf] ?? 0) + 1;
  }
  for (let leaf = 0; leaf < leafRows.length; leaf++) {
    tree.leaves[leaf] = (tree.leaves[leaf] ?? 0) / ((leafRows[leaf] ?? 0) + shrinkage);
  }
  return tree;
}

/** The first trees of a sequence. */
export function takeTrees({ depth, features, thresholds, leaves }: Trees, trees: number): Trees {
  const inner = 2 ** depth - 1;
  return {
    depth,
    features: features.slice(0, trees * inner),
    thresholds: thresholds.slice(0, trees * inner),
    leaves: leaves.slice(0, trees * 2 ** depth),
  };
}

/** The sum of the leaves that features lead to. */
export function createTreeSum({ depth, features, thresholds, leaves }: Trees): (row: ArrayLike<number>) => number {
  const [inner, leafCount] = [2 ** depth - 1, 2 ** depth];
  const trees = leaves.length / leafCount;
  // a node that asks nothing compares feature 0 with infinity
  const asked = features.map((feature) => Math.max(0, feature));
  const limits = thresholds.map((threshold, i) => ((features[i] ?? 0) < 0 ? Number.POSITIVE_INFINITY : threshold));
  return (row) => {
    let sum = 0;
    for (let tree = 0; tree < trees; tree++) {
      const from = tree * inner;
      let node = 0;
      while (node < inner) node = 2 * node + ((row[asked[from + node] ?? 0] ?? 0) > (limits[from + node] ?? 0) ? 2 : 1);
      sum += leaves[tree * leafCount + node - inner] ?? 0;
    }
    return sum;
  };
}
