/** Predicted latencies against measured ones, on a made-up device whose costs are known: a line in multiply-accumulates, and tables. */
import { swinPreset } from '@sparsevit/config/presets';
import { countMacs, createSamplingPlan, fitPredictor, qualityReport } from '@sparsevit/latency';
import { createRandom, createSparsitySpace, keptWindows, type PrunedRatios, sparsityModes } from '@sparsevit/windows';
import { chart, legend } from './chart';
import { colours, element, figure, text } from './svg';

const size = { height: 672, width: 672 };
const msPerGmac = 1.1;
/** A stage that scores its windows pays for it. */
const msPerScoringStage = 1.5;
/** Windows are computed in batches of so many: one more begins another batch. */
const batchOfWindows = 16;
const noise = 0.01;

/** The figure. */
export function latencyFigure(): string {
  const architecture = swinPreset('swin-t');
  const random = createRandom(1);
  const stopwatch = (prunedRatios: PrunedRatios): number => {
    const sparsity = { ...sparsityModes.clean, prunedRatios };
    const { stages } = countMacs(architecture, { ...size, accounting: 'fair', sparsity });
    const ms = stages.reduce((sum, { stage, totalMacs }) => {
      const ratios = prunedRatios[stage] ?? [];
      const windows = (size.height / 28 / 2 ** stage) ** 2;
      const kept = keptWindows(windows, ratios[0] ?? 0, sparsity);
      const filled = (Math.ceil(kept / batchOfWindows) * batchOfWindows) / kept;
      const scores = ratios.some((ratio) => ratio > 0) ? msPerScoringStage : 0;
      return sum + (totalMacs / 1e9) * msPerGmac * Math.min(filled, 1.5) + scores;
    }, 0);
    return ms * Math.exp(noise * random.normal());
  };
  const plan = createSamplingPlan(createSparsitySpace(architecture), { seed: 1, fit: 100, holdOut: 60 });
  const rowsOf = (sparsities: readonly PrunedRatios[]) =>
    sparsities.map((prunedRatios) => ({ prunedRatios, ms: stopwatch(prunedRatios) }));
  const [rows, holdOut] = [rowsOf(plan.fit), rowsOf(plan.holdOut)];
  const ticks = [20, 30, 40, 50, 60];
  const draw = (left: number, kind: 'macs' | 'table', colour: string): string => {
    const predictor = fitPredictor({ architecture, ...size }, rows, { kind, seed: 1 });
    const predictions = holdOut.map(({ prunedRatios }) => predictor.predict(prunedRatios));
    const { rmspePercent } = qualityReport(holdOut, predictions);
    const { frame, x, y } = chart({
      left,
      top: 60,
      width: 280,
      height: 240,
      x: { label: 'ms, measured', ticks },
      y: { label: 'ms, predicted', ticks },
    });
    const points = predictions.map(({ ms, lo, hi }, i) => {
      const at = x(holdOut[i]?.ms ?? 0);
      return (
        element('line', { x1: at, x2: at, y1: y(lo), y2: y(hi), stroke: colour, 'stroke-opacity': 0.4 }) +
        element('circle', { cx: at, cy: y(ms), r: 2.5, fill: colour })
      );
    });
    const exact = element('line', {
      x1: x(20),
      y1: y(20),
      x2: x(60),
      y2: y(60),
      stroke: '#222',
      'stroke-dasharray': '4 3',
    });
    const error = text(left, 30, `${kind}: error ${rmspePercent.toFixed(1)} % (RMSPE)`, { 'font-weight': 600 });
    return [frame, exact, ...points, error].join('\n');
  };
  return figure(
    760,
    372,
    'Predicted and measured latencies of sixty sparsities that the predictors have not seen',
    draw(60, 'macs', colours.orange),
    draw(430, 'table', colours.blue),
    legend(60, 350, [['#222', 'each point is a sparsity that was held out, with the interval that holds nine of ten']]),
  );
}
