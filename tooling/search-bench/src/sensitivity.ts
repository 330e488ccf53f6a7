/**
 * What the searches are judged on: made-up models of how accuracy falls and latency shrinks with the sparsity of Swin-T, of which the exact
 * optimum is known. They were written down before a search was run on them, and are not fitted to any search.
 *
 * Accuracy, in points, is 42.6 less
 * - per pair of blocks g: D_g * f_g, with f_g = (r_g / 0.8) ^ p_g, p_g uniform in 1.2 .. 3 (convex: each window lost costs more than the one
 *   before). D_g, the drop at 80 %, is drawn from a range per stage, uniform in its logarithm: 0.3 .. 1.5 points for stage 0, 1 .. 4 for
 *   stages 1 and 3, 0.4 .. 2.5 for each of the three pairs of stage 2. The published configurations prune stage 0 hardest, stage 2 in steps,
 *   stages 1 and 3 not at all.
 * - per two pairs g < h: c_gh * min(D_g, D_h) * f_g * f_h, c uniform in -0.3 .. 0.6 for neighbours, in -0.1 .. 0.1 for others. So that
 *   accuracy falls along every gene, whatever the others are.
 *
 * Latency, in ms, is a table: a base, and per pair its multiply-accumulates at 672 x 672 (windows kept as in clean mode) times a factor per
 * stage, plus what scoring and gathering cost as soon as a pair prunes at all.
 */

import { swinPreset } from '@sparsevit/config/presets';
import { countMacs } from '@sparsevit/latency';
import type { PrunedRatios, Random, SparsitySpace } from '@sparsevit/windows';
import {
  createRandom,
  createSparsitySpace,
  everySparsity,
  placeOfPrunedRatios,
  sparsityModes,
} from '@sparsevit/windows';

/** A made-up model of Swin-T. */
export interface SensitivityModel {
  readonly name: string;
  readonly space: SparsitySpace;
  /** Points. */
  accuracy(prunedRatios: PrunedRatios): number;
  /** Milliseconds. */
  latencyMs(prunedRatios: PrunedRatios): number;
}

const architecture = swinPreset('swin-t');
const dense: PrunedRatios = [[0], [0], [0, 0, 0], [0]];
const side = 672;
/** Ranges of the drop at 80 %, per pair of blocks. */
const dropRanges: readonly (readonly [number, number])[] = [
  [0.3, 1.5],
  [1, 4],
  [0.4, 2.5],
  [0.4, 2.5],
  [0.4, 2.5],
  [1, 4],
];
const denseAccuracy = 42.6;
const baseMs = 4;
const msPerGmac = 1.1;

/** What a model has beside the law above; nothing by default. */
export interface Deviations {
  /**
   * Standard deviation, in points, of what each sparsity has for itself: a metric on a validation set of finite size is like that. It belongs to
   * the sparsity: evaluated again it is the same.
   */
  readonly roughness?: number;
  /** Accuracy loses this share of the largest D_g * f_g once more: the worst pair spoils what the others keep. No sum of curves and products is like that. */
  readonly bottleneck?: number;
}

/** The model of a seed. */
export function createSensitivityModel(
  seed: number,
  { roughness = 0, bottleneck = 0 }: Deviations = {},
): SensitivityModel {
  const space = createSparsitySpace(architecture);
  const random = createRandom(0x5e45 + seed);
  const between = (low: number, high: number): number => low + (high - low) * random.uniform();
  const drops = dropRanges.map(([low, high]) => Math.exp(between(Math.log(low), Math.log(high))));
  const powers = drops.map(() => between(1.2, 3));
  const interactions = drops.map((drop, g) =>
    drops.map((other, h) => {
      if (h <= g) return 0;
      return Math.min(drop, other) * (h === g + 1 ? between(-0.3, 0.6) : between(-0.1, 0.1));
    }),
  );
  const curves = powers.map((power) => space.choices.map((choice) => (choice / 0.8) ** power));
  const table = latencyTable(space, random);
  const levelOf = (ratio: number): number => Math.round(10 * ratio);
  const shares = new Float64Array(drops.length);
  return {
    name: `model ${seed}`,
    space,
    accuracy(prunedRatios) {
      let gene = 0;
      for (const ratios of prunedRatios) {
        for (const ratio of ratios) {
          shares[gene] = curves[gene]?.[levelOf(ratio)] ?? Number.NaN;
          gene++;
        }
      }
      let lost = 0;
      let largest = 0;
      for (let g = 0; g < shares.length; g++) {
        const share = shares[g] ?? 0;
        largest = Math.max(largest, (drops[g] ?? 0) * share);
        lost += (drops[g] ?? 0) * share;
        for (let h = g + 1; h < shares.length; h++) lost += (interactions[g]?.[h] ?? 0) * share * (shares[h] ?? 0);
      }
      if (roughness > 0)
        lost += roughness * createRandom(placeOfPrunedRatios(space, prunedRatios) ^ (seed << 20)).normal();
      return denseAccuracy - lost - bottleneck * largest;
    },
    latencyMs(prunedRatios) {
      let ms = baseMs;
      for (let stage = 0; stage < prunedRatios.length; stage++) {
        const ratios = prunedRatios[stage] ?? [];
        for (let pair = 0; pair < ratios.length; pair++)
          ms += table[stage]?.[pair]?.[levelOf(ratios[pair] ?? 0)] ?? Number.NaN;
      }
      return ms;
    },
  };
}

/** Milliseconds of each pair at each choice: stage -> pair -> choice. */
function latencyTable(space: SparsitySpace, random: Random): number[][][] {
  const gmacs = (prunedRatios: PrunedRatios): number =>
    countMacs(architecture, {
      height: side,
      width: side,
      accounting: 'published',
      sparsity: { prunedRatios, ...sparsityModes.clean },
    }).totalMacs / 1e9;
  const whole = gmacs(dense);
  return space.pairsPerStage.map((pairs, stage) => {
    const factor = msPerGmac * (0.7 + 0.7 * random.uniform());
    const overhead = 0.005 + 0.025 * random.uniform();
    return Array.from({ length: pairs }, (_, pair) => {
      // the stage pruned from this pair on, less the stage pruned from the next pair on, is what this pair saves
      const from = (first: number, ratio: number): PrunedRatios =>
        dense.map((ratios, at) => ratios.map((_zero, place) => (at === stage && place >= first ? ratio : 0)));
      const saved = space.choices.map((choice) => gmacs(from(pair + 1, choice)) - gmacs(from(pair, choice)));
      // what nothing can save is in the base
      const most = (whole - gmacs(from(0, 0.8))) / pairs / 0.8;
      return saved.map((save, level) => factor * (most - save + (level > 0 ? overhead * most : 0)));
    });
  });
}

/** What is exactly true of a model. */
export interface Truth {
  readonly denseMs: number;
  readonly leastMs: number;
  readonly leastAccuracy: number;
  /** The best accuracy within a budget. */
  best(budgetMs: number): number;
  /** The exact front: latency rising, accuracy rising. */
  readonly front: readonly (readonly [latencyMs: number, accuracy: number])[];
}

/** Looks at every sparsity of a model. */
export function truthOf(model: SensitivityModel): Truth {
  const points: (readonly [number, number])[] = [];
  for (const prunedRatios of everySparsity(model.space))
    points.push([model.latencyMs(prunedRatios), model.accuracy(prunedRatios)]);
  const sorted = [...points].sort((a, b) => a[0] - b[0] || b[1] - a[1]);
  const front: (readonly [number, number])[] = [];
  for (const point of sorted) if (point[1] > (front.at(-1)?.[1] ?? Number.NEGATIVE_INFINITY)) front.push(point);
  return {
    denseMs: model.latencyMs(dense),
    leastMs: sorted[0]?.[0] ?? Number.NaN,
    leastAccuracy: points.reduce((least, [, accuracy]) => Math.min(least, accuracy), Number.POSITIVE_INFINITY),
    best(budgetMs) {
      let best = Number.NaN;
      for (const [ms, accuracy] of front) if (ms <= budgetMs) best = accuracy;
      return best;
    },
    front,
  };
}
