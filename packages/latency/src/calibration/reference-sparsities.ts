/** A few sparsities that tell the most about a device: spread over its latencies, and different from each other. */

import type { PrunedRatios } from '@sparsevit/windows';
import { ConfigError, createRandom, drawUniformly, everySparsity, sparsitySpaceSize } from '@sparsevit/windows';
import type { LatencyPredictor } from '../predictors/predictor';

/** How references are chosen. */
export interface ReferenceOptions {
  /** Default 10. */
  readonly count?: number;
  readonly seed?: number;
}

/** Larger spaces are drawn from. */
const largestListed = 200_000;
const drawnCandidates = 20_000;
/** Candidates that are compared for each place between the fastest and the slowest. */
const compared = 64;

/** How far two sparsities are apart: the sum over pairs of the differences of their ratios. */
function distance(a: PrunedRatios, b: PrunedRatios): number {
  return a.reduce(
    (sum, ratios, stage) =>
      sum +
      ratios.reduce((inStage, ratio, pair) => inStage + Math.abs(ratio - (b[stage]?.[pair] ?? 0)), 0) / ratios.length,
    0,
  );
}

/**
 * Picks candidates whose predicted latencies are spread evenly, the slowest and the fastest among them; of those near a place the one
 * that is farthest from what is picked already.
 *
 * @returns indices of candidates, each once
 */
export function spreadOut(
  candidates: readonly PrunedRatios[],
  predictedMs: ArrayLike<number>,
  { count = 10, seed = 0 }: ReferenceOptions = {},
): number[] {
  if (!Number.isInteger(count) || count < 2 || count > candidates.length) {
    throw new ConfigError(`references: expected from 2 to ${candidates.length} of them, got ${count}.`);
  }
  const random = createRandom(seed);
  const order = candidates.map((_, i) => i).sort((a, b) => (predictedMs[a] ?? 0) - (predictedMs[b] ?? 0));
  const [fastest = 0, slowest = 0] = [order[0], order.at(-1)];
  const [least, most] = [predictedMs[fastest] ?? 0, predictedMs[slowest] ?? 0];
  const picked = [slowest, fastest];
  const taken = new Set(picked);
  for (let place = 1; place < count - 1; place++) {
    const target = least + ((most - least) * place) / (count - 1);
    const reach = (most - least) / (4 * (count - 1));
    const free = order.filter((i) => !taken.has(i));
    const near = free.filter((i) => Math.abs((predictedMs[i] ?? 0) - target) <= reach);
    const nearest = free.reduce(
      (best, i) => (Math.abs((predictedMs[i] ?? 0) - target) < Math.abs((predictedMs[best] ?? 0) - target) ? i : best),
      free[0] ?? 0,
    );
    const drawn =
      near.length <= compared
        ? near
        : Array.from({ length: compared }, () => near[random.integer(0, near.length)] ?? nearest);
    const apart = (i: number): number =>
      Math.min(...picked.map((other) => distance(candidates[i] ?? [], candidates[other] ?? [])));
    const next = drawn.reduce((best, i) => (apart(i) > apart(best) ? i : best), drawn[0] ?? nearest);
    picked.push(next);
    taken.add(next);
  }
  return picked;
}

/**
 * The sparsities to measure on a new device: dense, the most pruned, and others between whose predicted latencies are evenly spaced.
 * Source: HELP (NeurIPS 2021), which knows a device by its latencies on ten fixed references.
 *
 * @throws ConfigError for fewer than two, or more than the space has
 * @example
 * const references = referenceSparsities(predictor); // ten; measure them, then calibratePredictor(predictor, rows)
 */
export function referenceSparsities(
  predictor: Pick<LatencyPredictor, 'space' | 'predictMs'>,
  options: ReferenceOptions = {},
): PrunedRatios[] {
  const { space } = predictor;
  const { seed = 0 } = options;
  const random = createRandom(seed + 1);
  const ends = [space.choices[0] ?? 0, space.choices.at(-1) ?? 0].map((ratio) =>
    space.pairsPerStage.map((pairs) => Array.from({ length: pairs }, () => ratio)),
  );
  const isListed = sparsitySpaceSize(space) <= largestListed;
  const candidates = isListed
    ? [...everySparsity(space)]
    : [...ends, ...Array.from({ length: drawnCandidates }, () => drawUniformly(space, random))];
  const predicted = candidates.map((prunedRatios) => predictor.predictMs(prunedRatios));
  return spreadOut(candidates, predicted, options).map((i) => candidates[i] ?? []);
}
