/**
 * The gradients of layer norm. With h = (x - mean) / deviation and g = dy * weight: dx = (g - mean(g) - h mean(g h)) / deviation,
 * dWeight = sum of dy h and dBias = sum of dy over rows. Mean and deviation are found once and kept for both.
 */

import type { kernelNames } from '@sparsevit/windows';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from '../tensorflow/backend';
import type { KernelFunction } from '../tensorflow/kernel-function';
import { componentsOf, runProgram, view, withScratch } from '../tensorflow/program';
import { valueType } from '../wgsl/activation';
import { laneSource, laneThreads, rowsPerWorkgroup } from '../wgsl/lanes';
import { sourceOfRow, statisticsSource, sumOfComponents } from '../wgsl/norm';
import { fillZeros } from './rows';
import { addSlices, partsOf, sumRowsInParts } from './sums';
import { sidesOf } from './tensors';

/** [dx, dWeight, dBias]. */
export const layerNormGradient: KernelFunction<typeof kernelNames.layerNormGradient> = (
  backend,
  { x, weight, dy, index },
  { epsilon, padRow },
) => {
  const [, channels] = sidesOf(x);
  const [rows] = sidesOf(dy); // with the row of pads, where there is one
  const norm: NormGradient = { x, weight, dy, index, rows, padIsBias: padRow === 'bias' ? 1 : 0 };
  const dx = backend.makeTensorInfo(x.shape, 'float32');
  const dWeight = backend.makeTensorInfo([channels], 'float32');
  const dBias = backend.makeTensorInfo([channels], 'float32');
  withScratch(backend, [rows, 2], (statistics) => {
    findStatistics(backend, norm, epsilon, statistics);
    if (index !== undefined) fillZeros(backend, dx); // rows that no index names
    inputGradient(backend, norm, statistics, dx);
    weightGradients(backend, norm, statistics, [dWeight, dBias]);
  });
  return [dx, dWeight, dBias];
};

interface NormGradient {
  readonly x: TensorInfo;
  readonly weight: TensorInfo;
  readonly dy: TensorInfo;
  readonly index: TensorInfo | undefined;
  readonly rows: number;
  readonly padIsBias: 0 | 1;
}

/** Mean and 1 / deviation of the row of x that each row of dy is of: [rows, 2]. */
function findStatistics(backend: WebGPUBackend, norm: NormGradient, epsilon: number, output: TensorInfo): void {
  const { x, index, rows } = norm;
  const [count, channels] = sidesOf(x);
  const components = componentsOf(channels);
  const isIndexed = index !== undefined;
  runProgram(backend, {
    name: 'norm-statistics',
    variant: [isIndexed],
    threads: laneThreads,
    workgroups: Math.ceil(rows / rowsPerWorkgroup),
    inputs: { x: view(x, components), index: view(index) },
    integers: { rows, count, channels, width: channels / components },
    floats: { epsilon },
    output: view(output),
    source: () => `${statisticsSource(components)}
${sourceOfRow(isIndexed)}
fn main() {
  let row = rowOfThread();
  let statistics = statisticsOf(max(sourceOf(min(row, uniforms.rows - 1)), 0) * uniforms.width);
  if (row < uniforms.rows && laneOfThread() == 0) {
    result[row * 2] = statistics.x;
    result[row * 2 + 1] = statistics.y;
  }
}
`,
  });
}

function inputGradient(backend: WebGPUBackend, norm: NormGradient, statistics: TensorInfo, dx: TensorInfo): void {
  const { x, weight, dy, index, rows } = norm;
  const [count, channels] = sidesOf(x);
  const components = componentsOf(channels);
  const type = valueType(components);
  const isIndexed = index !== undefined;
  runProgram(backend, {
    name: 'norm-input-gradient',
    variant: [isIndexed],
    threads: laneThreads,
    workgroups: Math.ceil(rows / rowsPerWorkgroup),
    inputs: {
      x: view(x, components),
      weight: view(weight, components),
      dy: view(dy, components),
      index: view(index),
      statistics: view(statistics),
    },
    integers: { rows, count, channels, width: channels / components },
    output: view(dx, components),
    source: () => `${laneSource}
${sumOfComponents(components)}
${sourceOfRow(isIndexed)}
fn main() {
  let row = min(rowOfThread(), uniforms.rows - 1);
  let source = sourceOf(row);
  let start = max(source, 0) * uniforms.width;
  let up = row * uniforms.width;
  let mean = statistics[row * 2];
  let factor = statistics[row * 2 + 1];
  var sum = 0.0;
  var product = 0.0;
  for (var at = laneOfThread(); at < uniforms.width; at += 32) {
    let g = dy[up + at] * weight[at];
    sum += sumOf(g);
    product += sumOf(g * ((x[start + at] - mean) * factor));
  }
  let meanOfG = sumOfLanes(sum) / f32(uniforms.channels);
  let meanOfGH = sumOfLanes(product) / f32(uniforms.channels);
  if (source < 0 || rowOfThread() >= uniforms.rows) { return; }
  for (var at = laneOfThread(); at < uniforms.width; at += 32) {
    let h = (x[start + at] - mean) * factor;
    result[start + at] = (dy[up + at] * weight[at] - ${type}(meanOfG) - h * meanOfGH) * factor;
  }
}
`,
  });
}

function weightGradients(
  backend: WebGPUBackend,
  norm: NormGradient,
  statistics: TensorInfo,
  [dWeight, dBias]: [TensorInfo, TensorInfo],
): void {
  const { x, dy, index, rows, padIsBias } = norm;
  const [count, columns] = sidesOf(x);
  const isIndexed = index !== undefined;
  const { parts } = partsOf(rows);
  withScratch(backend, [parts, 2, columns], (scratch) => {
    sumRowsInParts(backend, {
      rows,
      columns,
      rowTerms: {
        name: 'of-norm',
        terms: 2,
        isIndexed,
        inputs: { x, dy, statistics, ...(index && { index }) },
        integers: { count, padIsBias },
        source: `
      let source = ${isIndexed ? 'index[row]' : 'select(-1, row, row < uniforms.count)'};
      let up = dy[row * uniforms.columns + column];
      if (source >= 0) {
        sum0 += up * ((x[source * uniforms.columns + column] - statistics[row * 2]) * statistics[row * 2 + 1]);
      }
      if (source >= 0 || uniforms.padIsBias == 1) { sum1 += up; }`,
      },
      output: scratch,
    });
    const shared = { parts: scratch, slices: parts, stride: 2 * columns, size: columns };
    addSlices(backend, { ...shared, output: dWeight });
    addSlices(backend, { ...shared, first: columns, output: dBias });
  });
}
