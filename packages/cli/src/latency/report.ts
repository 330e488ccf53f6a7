/** What the commands say about predictors: what they are, how good they are. */

import type { LatencyTable } from '@sparsevit/config';
import { presetOf } from '@sparsevit/config/presets';
import type { ErrorReport, LatencyPredictor, NoiseFloor, Prediction, QualityReport } from '@sparsevit/latency';
import type { PredictionSource } from '@sparsevit/pipeline/node';
import { formatNumber, renderTable } from '../table';

/** A prediction and what it is of. */
export interface NamedPrediction extends Prediction {
  /** In the notation of `--sparsity`. */
  readonly sparsity: string;
}

/** A predictor on a hold-out. */
export interface JudgedHoldOut extends QualityReport {
  /** The sentinel's time over its time in the table that was fitted to; null where that is not known. */
  readonly slowdown: number | null;
  /** The same at the speed that the machine had then. */
  readonly atSpeed: QualityReport | null;
}

/** What a predictor is, as titles and texts. */
export function sourceFacts(source: PredictionSource): (readonly [title: string, text: string])[] {
  const { predictor, table, noiseFloor, file } = source;
  const { batch, height, width, architecture } = predictor.subject;
  const images = `${batch === 1 ? '1 image' : `${batch} images`} of ${height}x${width}`;
  const model = table?.model.name ?? presetOf(architecture) ?? 'a Swin';
  return [
    ['predictor', `${predictor.kind}, ${table === null ? file : `from ${table.rows.length} rows of ${file}`}`],
    ['model', predictor.kind === 'calibrated' ? `${model}, calibrated from ${images}` : `${model}, ${images}`],
    ...(table === null ? [] : [['device', describeDevice(table)] as const]),
    ...(table === null ? [] : [['noise', describeNoise(noiseFloor)] as const]),
  ];
}

/** `AMD EPYC, engine, relaxed SIMD, 1 thread` */
export function describeDevice({ device }: Pick<LatencyTable, 'device'>): string {
  const { name, backend, kernels, threads } = device;
  const count = threads === null ? null : `${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  return [name, backend, kernels, count].filter((part) => part !== null).join(', ');
}

/** What no predictor can beat. */
function describeNoise(noise: NoiseFloor | null): string {
  if (noise === null) return 'not known from one visit a row';
  return `${percent(noise.visitPercent)} of a visit, ${percent(noise.rowPercent)} of a row: no predictor can be better`;
}

/** A line of errors for each name. */
export function renderErrors(title: string, rows: readonly (readonly [name: string, report: ErrorReport])[]): string {
  const head = [title, 'RMSPE', 'MAPE', 'within 5 %', 'within 10 %', 'bias', 'largest', 'Spearman'];
  return renderTable([
    head,
    ...rows.map(([name, report]) => [
      name,
      percent(report.rmspePercent),
      percent(report.mapePercent),
      percent(report.within5Percent),
      percent(report.within10Percent),
      percent(report.biasPercent),
      percent(report.largestErrorPercent),
      report.spearman.toFixed(3),
    ]),
  ]);
}

/** The lines of errors of a hold-out. */
export function holdOutRows(report: JudgedHoldOut): (readonly [name: string, report: ErrorReport])[] {
  const { rows, atSpeed } = report;
  return [[`${rows} rows`, report], ...(atSpeed === null ? [] : [['at the speed of --table', atSpeed] as const])];
}

/** How good a predictor is on rows that it has not seen, as titles and texts. */
export function holdOutFacts(report: JudgedHoldOut): (readonly [title: string, text: string])[] {
  const { coveragePercent, extrapolating, noiseFloor, rmspePerNoise, kendall, rmseMs, slowdown } = report;
  return [
    ...(slowdown === null
      ? []
      : [['machine', `the dense model took ${slowdown.toFixed(3)} times as long as for --table`] as const]),
    ['noise of it', describeNoise(noiseFloor)],
    [
      'error',
      `${rmspePerNoise === null ? 'not known' : `${rmspePerNoise.toFixed(1)} times`} the noise of a row; ${formatNumber(rmseMs)} ms`,
    ],
    ['in interval', coveragePercent === null ? 'not known' : percent(coveragePercent)],
    ['Kendall', kendall.toFixed(3)],
    ...(extrapolating === 0 ? [] : [['beyond', `${extrapolating} rows lie beyond what was measured`] as const]),
  ];
}

/** A line for each prediction. */
export function renderPredictions(predictions: readonly NamedPrediction[]): string {
  return renderTable([
    ['sparsity', 'ms', 'least', 'most', ''],
    ...predictions.map(({ sparsity, ms, lo, hi, extrapolating }) => [
      sparsity,
      formatNumber(ms),
      formatNumber(lo),
      formatNumber(hi),
      extrapolating ? 'beyond what was measured: how far off nobody knows' : '',
    ]),
  ]);
}

/** A predictor as the bytes of a file. */
export function predictorBytes(predictor: LatencyPredictor): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(predictor)}\n`);
}

const percent = (value: number): string => `${value.toFixed(1)} %`;
