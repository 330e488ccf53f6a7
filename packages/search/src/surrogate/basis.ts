/**
 * What an additive model is made of: for each gene a smooth curve over its ratio and a deviation per choice, and for each pair of genes the
 * product of their ratios. Every feature is scaled by how large its weight is expected to be, so that all weights are expected alike.
 */

import type { Genome, Levels } from '../genome';

/** Expected sizes of the weights, in standard deviations of the metric. */
export interface Expectation {
  /** Straight, bent and twice bent part of a gene's curve. */
  readonly curve: readonly [number, number, number];
  /** Deviation of one choice from the curve. */
  readonly deviation: number;
  /** Of the product of two genes' ratios. */
  readonly interaction: number;
}

/** Features of genes. */
export interface Basis {
  readonly genome: Genome;
  /** Number of features. */
  readonly size: number;
  /** The features of a sparsity, [size]. */
  features(levels: Levels): Float64Array;
  /** Weights as effects, gene -> choice, and as factors of the products of ratios, [genes, genes], the upper triangle. */
  effects(weights: Float64Array): AdditiveEffects;
}

/** A model as what it adds up. */
export interface AdditiveEffects {
  readonly intercept: number;
  /** Gene -> choice. */
  readonly effects: readonly Float64Array[];
  /** [genes, genes], the upper triangle: factor of the product of two genes' shares of the largest choice. */
  readonly interactions: Float64Array;
  /** Choice -> its share of the largest choice. */
  readonly shares: Float64Array;
}

const curveParts = 3;

/** The basis for a genome. */
export function createBasis(genome: Genome, expected: Expectation): Basis {
  const { genes, levels: choices, space } = genome;
  const largest = space.choices.at(-1) || 1;
  const shares = Float64Array.from(space.choices, (choice) => choice / largest);
  // Legendre polynomials over [0, 1] are not alike, so that each part of a curve is told from the others
  const curves = Array.from(shares, (share) => {
    const x = 2 * share - 1;
    const [straight, bent, twiceBent] = expected.curve;
    return [straight * x, (bent * (3 * x * x - 1)) / 2, (twiceBent * (5 * x * x * x - 3 * x)) / 2];
  });
  const perGene = curveParts + choices;
  const firstPair = 1 + genes * perGene;
  const size = firstPair + (genes * (genes - 1)) / 2;
  return {
    genome,
    size,
    features(levels) {
      const row = new Float64Array(size);
      row[0] = interceptScale;
      let pair = firstPair;
      for (let gene = 0; gene < genes; gene++) {
        const level = levels[gene] ?? 0;
        const start = 1 + gene * perGene;
        for (let part = 0; part < curveParts; part++) row[start + part] = curves[level]?.[part] ?? 0;
        row[start + curveParts + level] = expected.deviation;
        const share = expected.interaction * (shares[level] ?? 0);
        for (let other = gene + 1; other < genes; other++) row[pair++] = share * (shares[levels[other] ?? 0] ?? 0);
      }
      return row;
    },
    effects(weights) {
      const effects = Array.from({ length: genes }, (_, gene) => {
        const start = 1 + gene * perGene;
        return Float64Array.from(shares, (_share, level) => {
          let sum = expected.deviation * (weights[start + curveParts + level] ?? 0);
          for (let part = 0; part < curveParts; part++)
            sum += (weights[start + part] ?? 0) * (curves[level]?.[part] ?? 0);
          return sum;
        });
      });
      const interactions = new Float64Array(genes * genes);
      let pair = firstPair;
      for (let gene = 0; gene < genes; gene++) {
        for (let other = gene + 1; other < genes; other++) {
          interactions[gene * genes + other] = expected.interaction * (weights[pair++] ?? 0);
        }
      }
      return { intercept: interceptScale * (weights[0] ?? 0), effects, interactions, shares };
    },
  };
}

/** The intercept is expected anywhere within some standard deviations of the mean. */
const interceptScale = 3;

/** What the effects add up to at a sparsity. */
export function sumEffects({ intercept, effects, interactions, shares }: AdditiveEffects, levels: Levels): number {
  const genes = effects.length;
  let sum = intercept;
  for (let gene = 0; gene < genes; gene++) {
    const level = levels[gene] ?? 0;
    sum += effects[gene]?.[level] ?? 0;
    const share = shares[level] ?? 0;
    for (let other = gene + 1; other < genes; other++) {
      sum += (interactions[gene * genes + other] ?? 0) * share * (shares[levels[other] ?? 0] ?? 0);
    }
  }
  return sum;
}
