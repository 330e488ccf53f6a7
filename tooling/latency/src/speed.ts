/** Prints what fitting and predicting take on rows of a simulated device: part of `pnpm bench:predictors`. */

import { cpus } from 'node:os';
import { swinPreset } from '@sparsevit/config/presets';
import type { LatencyPredictor, LatencyRow } from '@sparsevit/latency';
import {
  calibratePredictor,
  choosePredictor,
  createSamplingPlan,
  fitPredictor,
  predictorKinds,
  referenceSparsities,
} from '@sparsevit/latency';
import { createRandom, createSparsitySpace } from '@sparsevit/windows';
import { createSimulatedDevice } from '../../../packages/latency/test/simulated-device';

const subject = { architecture: swinPreset('swin-t'), height: 672, width: 672 };
const space = createSparsitySpace(subject.architecture);
const device = createSimulatedDevice({ ...subject, interaction: 0.1 });
const random = createRandom(1);
const rows: LatencyRow[] = createSamplingPlan(space, { seed: 1, fit: 2000, holdOut: 0 }).fit.map((prunedRatios) => ({
  prunedRatios,
  ms: device(prunedRatios) * Math.exp(0.01 * random.normal()),
}));

/** Milliseconds of processor time, other programs' share left out: the median of five runs, the least and the most. */
function timed(run: () => unknown, per = 1): string {
  const times = Array.from({ length: 5 }, () => {
    const start = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000 / per;
  }).sort((a, b) => a - b);
  const [least = 0, , middle = 0, , most = 0] = times;
  return `${middle.toPrecision(3)} (${least.toPrecision(3)} to ${most.toPrecision(3)})`;
}

const passes = 20;
const predictAll = (predict: (row: LatencyRow) => unknown): void => {
  for (let pass = 0; pass < passes; pass++) for (const row of rows) predict(row);
};
const perCall = (passes * rows.length) / 1000; // milliseconds of a run to microseconds of a call

/** Prints the time of fitting, predicting, calibrating and choosing. */
export function printSpeed(): void {
  console.log(
    `node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}; Swin-T, 2,000 rows, processor time, median (least to most) of five\n`,
  );
  let fitted: LatencyPredictor | undefined;
  for (const kind of predictorKinds) {
    const fit = timed(() => {
      fitted = fitPredictor(subject, rows, { kind });
    });
    const predictor = fitted;
    if (predictor === undefined) continue;
    const only = timed(() => predictAll(({ prunedRatios }) => predictor.predictMs(prunedRatios)), perCall);
    const whole = timed(() => predictAll(({ prunedRatios }) => predictor.predict(prunedRatios)), perCall);
    const place = timed(() => {
      for (let i = 0; i < 40_000; i++) predictor.predictPlace((i * 7919) % 120_285);
    }, 40);
    const every = timed(() => predictor.predictEvery());
    const size = JSON.stringify(predictor).length / 1000;
    console.log(
      `${kind}: fit ${fit} ms; predictMs ${only} us; predict ${whole} us; predictPlace ${place} us; all 120,285 ${every} ms; JSON ${size.toFixed(1)} kB`,
    );
  }
  const table = fitPredictor(subject, rows, { kind: 'table' });
  const references = referenceSparsities(table).map((prunedRatios) => ({ prunedRatios, ms: 3 * device(prunedRatios) }));
  const moved = calibratePredictor(table, references);
  const ofMoved = timed(() => predictAll(({ prunedRatios }) => moved.predictMs(prunedRatios)), perCall);
  console.log(
    `calibrated table: fit ${timed(() => calibratePredictor(table, references))} ms; predictMs ${ofMoved} us`,
  );
  let kind = '';
  const choice = timed(() => {
    kind = choosePredictor(subject, rows).predictor.kind;
  });
  console.log(`choosePredictor: ${choice} ms, chose ${kind}`);
}
