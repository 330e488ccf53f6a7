// From measured latencies to a predictor of all 120,285 sparsities of Swin-T: what to measure, which kind of predictor, how good it is,
// what fits a budget, and the same on another device after ten measurements.
//
//   npm install @sparsevit/config @sparsevit/latency @sparsevit/windows
//   node predict-latency.mjs
//
// `stopwatch` stands for a device here: put a measurement in its place (`measure` of @sparsevit/latency).
import { formatSparsity, swinPreset } from '@sparsevit/config/presets';
import {
  calibratePredictor,
  choosePredictor,
  countMacs,
  createSamplingPlan,
  predictorFromJSON,
  qualityReport,
  referenceSparsities,
} from '@sparsevit/latency';
import { createRandom, createSparsitySpace, prunedRatiosAt, sparsityModes } from '@sparsevit/windows';

const architecture = swinPreset('swin-t');
const subject = { architecture, height: 672, width: 672 };
const random = createRandom(1);
const stopwatch = (prunedRatios, msPerGmac) => {
  const sparsity = { prunedRatios, ...sparsityModes.clean };
  const { totalMacs } = countMacs(architecture, { ...subject, accounting: 'fair', sparsity });
  const scoring = prunedRatios.filter((ratios) => ratios.some((ratio) => ratio > 0)).length;
  return ((msPerGmac * totalMacs) / 1e9 + 0.3 * scoring) * Math.exp(0.02 * random.normal());
};
const rowsOf = (sparsities, msPerGmac) =>
  sparsities.map((prunedRatios) => ({ prunedRatios, ms: stopwatch(prunedRatios, msPerGmac) }));

const plan = createSamplingPlan(createSparsitySpace(architecture), { seed: 1 });
const { predictor, scores } = choosePredictor(subject, rowsOf(plan.fit, 0.3), { seed: 1 });
for (const { kind, rmspePercent } of scores) console.log(`${kind}: ${rmspePercent.toFixed(2)} % by cross-validation`);

const holdOut = rowsOf(plan.holdOut, 0.3);
const report = qualityReport(
  holdOut,
  holdOut.map(({ prunedRatios }) => predictor.predict(prunedRatios)),
);
const [error, inside] = [report.rmspePercent.toFixed(2), report.coveragePercent.toFixed(0)];
console.log(`chose ${predictor.kind}: ${error} % on the hold-out, ${inside} % of it inside the intervals`);

const every = [...predictor.predictEvery().entries()].filter(([, ms]) => ms <= 8).sort(([, a], [, b]) => b - a);
const nearest = prunedRatiosAt(predictor.space, every[0][0]);
const notation = formatSparsity({ prunedRatios: nearest, ...sparsityModes.clean });
console.log(`${every.length} of 120285 sparsities fit 8 ms; the nearest to it is ${notation}`);

const shipped = predictorFromJSON(JSON.parse(JSON.stringify(predictor)));
const onAnother = calibratePredictor(shipped, rowsOf(referenceSparsities(shipped), 0.9));
const { ms, lo, hi } = onAnother.predict(nearest);
console.log(`on a device three times slower: ${ms.toFixed(1)} ms (${lo.toFixed(1)} to ${hi.toFixed(1)})`);
