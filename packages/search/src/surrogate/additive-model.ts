/**
 * An additive model of a metric: Bayesian linear regression over `createBasis`. It gets one observation after the other and keeps their sums,
 * so that a fit costs the same however many there are.
 *
 * Reference: Bishop, Pattern Recognition and Machine Learning, 2006, section 3.3.
 */

import type { Random } from '@sparsevit/windows';
import type { Levels } from '../genome';
import type { AdditiveEffects, Basis } from './basis';
import { sumEffects } from './basis';
import { cholesky, solveLower, solveUpper } from './cholesky';

/** Observations as sums. */
export interface Observations {
  readonly basis: Basis;
  count(): number;
  add(sparsities: readonly Levels[], values: readonly number[]): void;
  /**
   * The model of what was observed.
   *
   * @param noise what the model is expected to miss, in standard deviations of the metric
   * @returns null when there is no observation
   */
  fit(noise: number): AdditiveModel | null;
}

/** A fitted model. */
export interface AdditiveModel extends AdditiveEffects {
  predict(levels: Levels): number;
  /** How uncertain the prediction is: one standard deviation, what the model is expected to miss left out. */
  uncertainty(levels: Levels): number;
  /** A model drawn from those that the observations leave possible. */
  draw(random: Random): AdditiveEffects;
  /** What `drawDifferences` takes: features, [sparsities, size]. */
  features(sparsities: readonly Levels[]): Float64Array;
  /** The same as what its predictions differ by, for each of the sparsities. */
  drawDifferences(features: Float64Array, random: Random): Float64Array;
  /** Logarithm of how likely the observations are under this noise, standardised. */
  readonly logEvidence: number;
}

/** No observations yet. */
export function createObservations(basis: Basis): Observations {
  const { size } = basis;
  const products = new Float64Array(size * size); // sum of phi * phi^T, the lower triangle
  const withValue = new Float64Array(size); // sum of phi * y
  const alone = new Float64Array(size); // sum of phi
  let count = 0;
  // of y less the first, so that the variance is not lost beside a large mean
  let offset = 0;
  let sum = 0;
  let squares = 0;
  return {
    basis,
    count: () => count,
    add(sparsities, values) {
      const rows = basis.features(sparsities);
      for (const [at, value] of values.entries()) {
        if (count === 0) offset = value;
        const y = value - offset;
        const row = rows.subarray(at * size, (at + 1) * size);
        for (let i = 0; i < size; i++) {
          const feature = row[i] ?? 0;
          withValue[i] = (withValue[i] ?? 0) + feature * y;
          alone[i] = (alone[i] ?? 0) + feature;
          for (let j = 0; j <= i; j++) products[i * size + j] = (products[i * size + j] ?? 0) + feature * (row[j] ?? 0);
        }
        count++;
        sum += y;
        squares += y * y;
      }
    },
    fit(noise) {
      if (count === 0) return null;
      const mean = sum / count;
      const scale = Math.sqrt(Math.max(squares / count - mean * mean, 0)) || 1;
      const precision = Float64Array.from(products);
      const variance = noise * noise;
      for (let i = 0; i < size; i++) precision[i * size + i] = (precision[i * size + i] ?? 0) + variance;
      const lower = cholesky(precision, size);
      if (lower === null) return null;
      const target = Float64Array.from(withValue, (value, i) => (value - mean * (alone[i] ?? 0)) / scale);
      const half = solveLower(lower, target);
      const weights = solveUpper(lower, half);
      const drawStep = (random: Random): Float64Array => {
        const z = new Float64Array(size);
        for (let i = 0; i < size; i++) z[i] = noise * random.normal();
        return solveUpper(lower, z);
      };
      const rescale = ({ intercept, effects, interactions, shares }: AdditiveEffects): AdditiveEffects => ({
        intercept: offset + mean + scale * intercept,
        effects: effects.map((effect) => effect.map((value) => scale * value)),
        interactions: interactions.map((value) => scale * value),
        shares,
      });
      const fitted = rescale(basis.effects(weights));
      return {
        ...fitted,
        predict: (levels) => sumEffects(fitted, levels),
        features: basis.features,
        uncertainty(levels) {
          let total = 0;
          for (const value of solveLower(lower, basis.features([levels]))) total += value * value;
          return scale * noise * Math.sqrt(total);
        },
        draw: (random) => rescale(basis.effects(drawStep(random).map((value, i) => (weights[i] ?? 0) + value))),
        drawDifferences(features, random) {
          const step = drawStep(random);
          const differences = new Float64Array(features.length / size);
          for (let at = 0; at < differences.length; at++) {
            let total = 0;
            for (let i = 0; i < size; i++) total += (features[at * size + i] ?? 0) * (step[i] ?? 0);
            differences[at] = scale * total;
          }
          return differences;
        },
        logEvidence: evidence(lower, half, { size, count, noise }),
      };
    },
  };
}

/** log N(y; 0, Phi Phi^T + noise^2) with y standardised, so that y^T y = count. */
function evidence(
  lower: Float64Array,
  half: Float64Array,
  { size, count, noise }: { readonly size: number; readonly count: number; readonly noise: number },
): number {
  const variance = noise * noise;
  let explained = 0;
  let logDeterminant = 0;
  for (let i = 0; i < size; i++) {
    explained += (half[i] ?? 0) ** 2;
    logDeterminant += 2 * Math.log(lower[i * size + i] ?? 1);
  }
  const residual = (count - explained) / variance;
  return -0.5 * (residual + logDeterminant + (count - size) * Math.log(variance) + count * Math.log(2 * Math.PI));
}
