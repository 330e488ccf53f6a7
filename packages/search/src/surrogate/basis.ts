/**
 * What an additive model is made of: for each gene a smooth curve over its ratio, and for each pair of genes the product of their ratios. Every
 * feature is scaled by how large its weight is expected to be, so that all weights are expected alike.
 */

import type { Genome, Levels } from '../genome';

/** Expected sizes of the weights, in standard deviations of the metric. */
export interface Expectation {
  /** Of a gene's curve: the straight part, the bent one, and those that are bent more often. */
  readonly curve: readonly number[];
  /** Of the product of two genes' ratios. */
  readonly interaction: number;
}

/** Features of genes. */
export interface Basis {
  readonly genome: Genome;
  /** Number of features. */
  readonly size: number;
  /** The features of sparsities, [sparsities, size]. */
  features(sparsities: readonly Levels[]): Float64Array;
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

/** The basis for a genome. */
export function createBasis(genome: Genome, expected: Expectation): Basis {
  const { genes, space } = genome;
  const largest = space.choices.at(-1) || 1;
  const shares = Float64Array.from(space.choices, (choice) => choice / largest);
  const curves = Array.from(shares, (share) =>
    legendre(2 * share - 1, expected.curve.length).map((value, part) => value * (expected.curve[part] ?? 0)),
  );
  const perGene = expected.curve.length;
  const firstPair = 1 + genes * perGene;
  const size = firstPair + (genes * (genes - 1)) / 2;
  return {
    genome,
    size,
    features(sparsities) {
      const rows = new Float64Array(sparsities.length * size);
      for (let i = 0; i < sparsities.length; i++) {
        const levels = sparsities[i] ?? [];
        const row = i * size;
        rows[row] = interceptScale;
        let pair = row + firstPair;
        for (let gene = 0; gene < genes; gene++) {
          const level = levels[gene] ?? 0;
          const start = row + 1 + gene * perGene;
          for (let part = 0; part < perGene; part++) rows[start + part] = curves[level]?.[part] ?? 0;
          const share = expected.interaction * (shares[level] ?? 0);
          for (let other = gene + 1; other < genes; other++) rows[pair++] = share * (shares[levels[other] ?? 0] ?? 0);
        }
      }
      return rows;
    },
    effects(weights) {
      const effects = Array.from({ length: genes }, (_, gene) => {
        const start = 1 + gene * perGene;
        return Float64Array.from(shares, (_share, level) => {
          let sum = 0;
          for (let part = 0; part < perGene; part++) sum += (weights[start + part] ?? 0) * (curves[level]?.[part] ?? 0);
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

/** Legendre's polynomials from the first on: over [-1, 1] they are unlike each other, so that the parts of a curve are told apart. */
function legendre(x: number, count: number): number[] {
  const values = [1, x];
  for (let n = 1; n < count; n++) {
    values.push(((2 * n + 1) * x * (values[n] ?? 0) - n * (values[n - 1] ?? 0)) / (n + 1));
  }
  return values.slice(1, count + 1);
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

/** The effects of the quantity times -1. */
export function negate({ intercept, effects, interactions, shares }: AdditiveEffects): AdditiveEffects {
  return {
    intercept: -intercept,
    effects: effects.map((effect) => effect.map((value) => -value)),
    interactions: interactions.map((value) => -value),
    shares,
  };
}
