/** Layer norms and their gradients against plain loops in doubles: of all rows, of rows by index, with pads. */

import { expectAllclose } from '@sparsevit/testing';
import { createRandom, kernelNames } from '@sparsevit/windows';
import { expect, test } from 'vitest';
import { roundingOf } from './products';
import type { Values } from './support';
import { addTo, at, integers, randomValues, runForOne, runKernel, shuffled } from './support';

const epsilon = 1e-5;
const padRows = ['none', 'bias', 'zero'] as const;

/** For each row of the output the row of x, -1 for a pad. */
function sourcesOf(rows: number, index: ArrayLike<number> | undefined, padRow: (typeof padRows)[number]): number[] {
  if (index !== undefined) return Array.from(index);
  const all = Array.from({ length: rows }, (_, row) => row);
  return padRow === 'none' ? all : [...all, -1];
}

/** (x - mean) / sqrt(variance + epsilon) of a row, and the factor. */
function normalised(x: ArrayLike<number>, row: number, channels: number): { hat: number[]; factor: number } {
  const values = Array.from({ length: channels }, (_, c) => at(x, row * channels + c));
  const mean = values.reduce((sum, v) => sum + v, 0) / channels;
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / channels;
  const factor = 1 / Math.sqrt(variance + epsilon);
  return { hat: values.map((v) => (v - mean) * factor), factor };
}

interface NormCase {
  rows: number;
  channels: number;
  index: Values | undefined;
  padRow: (typeof padRows)[number];
}

/** Indices that name no row twice, with pads between them where there may be some. */
function indexOf(rows: number, count: number, hasPads: boolean, seed: number): Values {
  const random = createRandom(seed);
  const named = shuffled(rows, seed).slice(0, count);
  return integers(named.flatMap((row) => (hasPads && random.uniform() < 0.4 ? [-1, row] : [row])));
}

const normCases: NormCase[] = [
  [1, 1],
  [1, 4],
  [3, 7],
  [5, 96],
  [64, 33],
  [70, 12],
  [2, 770],
  [301, 5],
].flatMap(([rows = 1, channels = 1], i) =>
  padRows.flatMap((padRow) => [
    { rows, channels, padRow, index: undefined },
    { rows, channels, padRow, index: indexOf(rows, Math.ceil(rows / 2), padRow !== 'none', i) },
    { rows, channels, padRow, index: indexOf(rows, rows, padRow !== 'none', i + 50) },
  ]),
);
const labelled = normCases.map((norm) => ({
  ...norm,
  label: `${norm.rows} x ${norm.channels}, ${norm.index ? `${norm.index.shape} by index` : 'all'}, ${norm.padRow}`,
}));

/** Layer norms and their gradients on the active backend. */
export function normKernelCases(): void {
  test.each(labelled)('layer norm of $label', async ({ rows, channels, index, padRow }) => {
    const x = randomValues([rows, channels], 20);
    const weight = randomValues([channels], 21);
    const bias = randomValues([channels], 22);
    const expected = sourcesOf(rows, index?.data, padRow).flatMap((row) => {
      if (row < 0) return Array.from({ length: channels }, (_, c) => (padRow === 'bias' ? at(bias.data, c) : 0));
      return normalised(x.data, row, channels).hat.map((hat, c) => hat * at(weight.data, c) + at(bias.data, c));
    });
    const y = (await runForOne(kernelNames.layerNorm, { x, weight, bias, index }, { epsilon, padRow })).data;
    expectAllclose(y, expected, { absolute: 5e-6 });
  });

  test.each(labelled)('gradient of the layer norm of $label', async ({ rows, channels, index, padRow }) => {
    const sources = sourcesOf(rows, index?.data, padRow);
    const x = randomValues([rows, channels], 23);
    const weight = randomValues([channels], 24);
    const dy = randomValues([sources.length, channels], 25);
    const dx = new Float64Array(rows * channels);
    const [dWeight, dBias] = [new Float64Array(channels), new Float64Array(channels)];
    for (const [place, row] of sources.entries()) {
      const g = Array.from({ length: channels }, (_, c) => at(dy.data, place * channels + c));
      if (row >= 0 || padRow === 'bias') for (const [c, v] of g.entries()) addTo(dBias, c, v);
      if (row < 0) continue;
      const { hat, factor } = normalised(x.data, row, channels);
      const scaled = g.map((v, c) => v * at(weight.data, c));
      const mean = scaled.reduce((sum, v) => sum + v, 0) / channels;
      const slope = scaled.reduce((sum, v, c) => sum + v * at(hat, c), 0) / channels;
      for (let c = 0; c < channels; c++) {
        addTo(dWeight, c, at(g, c) * at(hat, c));
        dx[row * channels + c] = factor * (at(scaled, c) - mean - at(hat, c) * slope);
      }
    }
    const results = await runKernel(kernelNames.layerNormGradient, { x, weight, dy, index }, { epsilon, padRow });
    // a single channel has variance 0 and a factor of 1 / sqrt(epsilon)
    expectAllclose(results[0]?.data ?? [], dx, { absolute: 1e-5, relative: 1e-5, scale: 'largest' }, 'dx');
    expectAllclose(results[1]?.data ?? [], dWeight, { absolute: 1e-5 * Math.sqrt(sources.length) }, 'dWeight');
    expectAllclose(results[2]?.data ?? [], dBias, roundingOf(sources.length), 'dBias');
    expect(
      await runKernel(kernelNames.layerNormGradient, { x, weight, dy, index }, { epsilon, padRow }),
      'the same bits again',
    ).toEqual(results);
  });

  test('rows far from 0 keep their digits', async () => {
    const [rows, channels] = [4, 96];
    const x = randomValues([rows, channels], 26);
    for (let i = 0; i < x.data.length; i++) x.data[i] = at(x.data, i) + 1000;
    const weight = { shape: [channels], data: new Float32Array(channels).fill(1) };
    const bias = { shape: [channels], data: new Float32Array(channels) };
    const y = (await runForOne(kernelNames.layerNorm, { x, weight, bias }, { epsilon, padRow: 'none' })).data;
    const expected = Array.from({ length: rows }, (_, row) => normalised(x.data, row, channels).hat).flat();
    expectAllclose(y, expected, { absolute: 5e-4 }); // float32 at 1000 has steps of 6e-5, and the mean is rounded to them
  });
}
