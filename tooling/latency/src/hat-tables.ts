/**
 * The latency tables of Hardware-Aware Transformers (Wang et al., ACL 2020; MIT licence): 2,000 transformers per file, measured one after
 * another, ten features each. They are not in the repository; here they are read and judged.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DriftReport, RegressorOptions } from '@sparsevit/latency';
import { errorReport, fitRegressor, fitTimeEffect, timeFactorAt } from '@sparsevit/latency';
import { createRandom } from '@sparsevit/windows';

/** One file: rows in the order in which they were measured. */
export interface HatTable {
  readonly name: string;
  /** Ten features of each row, as they stand in the file. */
  readonly features: readonly (readonly number[])[];
  /** Mean of the encoder plus mean of the decoder. */
  readonly ms: readonly number[];
}

/** How a table is judged. */
export interface HatOptions {
  readonly model: RegressorOptions;
  /** Whether the effect of time is found from the training rows, and the test rows corrected by their places. */
  readonly usesTime: boolean;
  /** Folds of the interval's cross-validation; default 5. */
  readonly folds?: number;
  readonly seeds?: readonly number[];
}

/** Errors on test rows, means over seeds. */
export interface HatResult {
  readonly rmspePercent: number;
  readonly within10Percent: number;
  readonly coveragePercent: number;
  /** RMSPE of each seed. */
  readonly bySeed: readonly number[];
}

/** RMSPE in percent of a linear model fitted to relative errors of 1,600 rows (numpy, five splits): what others have to beat. */
export const linearBaselines: Readonly<Record<string, number>> = {
  iwslt14deen_gpu_titanxp_all: 8.8,
  wmt14ende_cpu_raspberrypi_all: 8.3,
  wmt14ende_gpu_titanxp_all: 7.4,
  wmt14enfr_cpu_xeon_all: 5.4,
};

/** Where the tables lie: beside the repository. */
export const hatFolder: string = fileURLToPath(new URL('../../../../shared/data/hat-latency/', import.meta.url));

const featureCount = 10;

/** Reads a table. */
function readHatTable(file: string): HatTable {
  const [head = '', ...lines] = readFileSync(file, 'utf8').trim().split('\n');
  const columns = head.split(',');
  const [encoder, decoder] = ['latency_mean_encoder', 'latency_mean_decoder'].map((name) => columns.indexOf(name));
  const rows = lines.map((line) => line.split(',').map(Number));
  return {
    name: basename(file, '.csv'),
    features: rows.map((row) => row.slice(0, featureCount)),
    ms: rows.map((row) => (row[encoder ?? -1] ?? Number.NaN) + (row[decoder ?? -1] ?? Number.NaN)),
  };
}

/** The tables of a folder; none when there is no such folder. */
export function readHatTables(folder: string = hatFolder): HatTable[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((name) => name.endsWith('.csv'));
  return files.sort().map((name) => readHatTable(join(folder, name)));
}

/** A seeded random fifth of the rows to test on, the others to train on; both in the order of measuring. */
function splitOf(rows: number, seed: number): { train: number[]; test: number[] } {
  const random = createRandom(seed);
  const keys = Array.from({ length: rows }, () => random.uniform());
  const order = [...keys.keys()].sort((a, b) => (keys[a] ?? 0) - (keys[b] ?? 0));
  const byPlace = (of: readonly number[]): number[] => [...of].sort((a, b) => a - b);
  const tests = Math.round(rows / 5);
  return { test: byPlace(order.slice(0, tests)), train: byPlace(order.slice(tests)) };
}

/** Errors of a model on a random fifth of a table, for each of five seeds. Nothing of a test row but its features and its place is used. */
export function judgeTable(
  { features, ms }: HatTable,
  { model, usesTime, folds = 5, seeds = [0, 1, 2, 3, 4] }: HatOptions,
): HatResult {
  const reports = seeds.map((seed) => {
    const { train, test } = splitOf(ms.length, seed);
    const of = (rows: readonly number[]): number[][] => rows.map((row) => [...(features[row] ?? [])]);
    const times = (rows: readonly number[]): number[] => rows.map((row) => ms[row] ?? 0);
    const time = usesTime ? fitTimeEffect(of(train), times(train), train, { model: { kind: 'linear' }, seed }) : null;
    const regressor = fitRegressor(of(train), time?.ms ?? times(train), { ...model, seed, folds });
    const predictions = test.map((row) => {
      const factor = time === null ? 1 : timeFactorAt(time.effect, row);
      const { ms, lo, hi } = regressor.predict(features[row] ?? []);
      return { ms: factor * ms, lo: factor * lo, hi: factor * hi };
    });
    const inside = predictions.filter(({ lo, hi }, i) => {
      const measured = ms[test[i] ?? 0] ?? 0;
      return lo <= measured && measured <= hi;
    });
    const errors = errorReport(
      times(test),
      predictions.map((prediction) => prediction.ms),
    );
    return { ...errors, coveragePercent: (100 * inside.length) / test.length };
  });
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    rmspePercent: mean(reports.map(({ rmspePercent }) => rmspePercent)),
    within10Percent: mean(reports.map(({ within10Percent }) => within10Percent)),
    coveragePercent: mean(reports.map(({ coveragePercent }) => coveragePercent)),
    bySeed: reports.map(({ rmspePercent }) => rmspePercent),
  };
}

/** What a linear model's residuals over a whole table show. */
export function driftOfTable({ features, ms }: HatTable): DriftReport {
  const places = ms.map((_, row) => row);
  return fitTimeEffect(features, ms, places, { model: { kind: 'linear' }, rounds: 1 }).drift;
}
