/** Prints how predictors do on a simulated device, by the number of rows: part of `pnpm bench:predictors`. */

import { swinPreset } from '@sparsevit/config/presets';
import type { PredictorKind } from '@sparsevit/latency';
import { createSamplingPlan, errorReport, fitPredictor, predictorKinds, qualityReport } from '@sparsevit/latency';
import type { PrunedRatios } from '@sparsevit/windows';
import { createRandom, createSparsitySpace, drawUniformly } from '@sparsevit/windows';
import { createSimulatedDevice } from '../../../packages/latency/test/simulated-device';

const subject = { architecture: swinPreset('swin-t'), height: 672, width: 672 };
const space = createSparsitySpace(subject.architecture);
const noise = 0.015;
const seeds = [1, 2, 3, 4, 5];
const drawn = createRandom(99);
const unseen = Array.from({ length: 500 }, () => drawUniformly(space, drawn));

/** RMSPE against the device without noise, and the share of noisy measurements inside the interval. */
function judge(device: (of: PrunedRatios) => number, kind: PredictorKind, fit: number, seed: number) {
  const random = createRandom(1000 + seed);
  const rowsOf = (sparsities: readonly PrunedRatios[]) =>
    sparsities.map((prunedRatios) => ({ prunedRatios, ms: device(prunedRatios) * Math.exp(noise * random.normal()) }));
  const predictor = fitPredictor(subject, rowsOf(createSamplingPlan(space, { seed, fit }).fit), { kind, seed });
  const predictions = unseen.map((prunedRatios) => predictor.predict(prunedRatios));
  return {
    rmspe: errorReport(
      unseen.map(device),
      predictions.map(({ ms }) => ms),
    ).rmspePercent,
    coverage: qualityReport(rowsOf(unseen), predictions).coveragePercent ?? 0,
  };
}

/** Prints RMSPE and coverage by device, number of rows and kind. */
export function printAccuracy(): void {
  console.log(
    'Simulated device, Swin-T at 672, 1.5 % noise: RMSPE % of the true latency (least to most of five seeds)',
  );
  console.log('and the share of new measurements inside the 90 % interval\n');
  for (const [name, options] of [
    ['steps of 96 rows', {}],
    ['steps of 96 rows, stages slow each other down by up to 10 %', { interaction: 0.1 }],
  ] as const) {
    const device = createSimulatedDevice({ ...subject, ...options });
    console.log(name);
    for (const fit of [30, 100, 300]) {
      const cells = predictorKinds.map((kind) => {
        const judged = seeds.map((seed) => judge(device, kind, fit, seed));
        const errors = judged.map(({ rmspe }) => rmspe).sort((a, b) => a - b);
        const mean = (values: readonly number[]): number =>
          values.reduce((sum, value) => sum + value, 0) / values.length;
        const coverage = mean(judged.map((one) => one.coverage)).toFixed(0);
        return `${kind} ${mean(errors).toFixed(1)} (${errors[0]?.toFixed(1)} to ${errors.at(-1)?.toFixed(1)}), ${coverage} %`;
      });
      console.log(`  ${`${fit} rows`.padEnd(8)} ${cells.join('; ')}`);
    }
  }
}
