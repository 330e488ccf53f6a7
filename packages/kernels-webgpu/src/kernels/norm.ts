/** Layer norm of rows, of rows by index, or of rows and one more for pads. */

import type { kernelNames } from '@sparsevit/windows';
import type { KernelFunction } from '../tensorflow/kernel-function';
import { componentsOf, runProgram, view } from '../tensorflow/program';
import { valueType } from '../wgsl/activation';
import { laneThreads, rowsPerWorkgroup } from '../wgsl/lanes';
import { sourceOfRow, statisticsSource } from '../wgsl/norm';
import { sidesOf } from './tensors';

/** (x - mean) / sqrt(variance + epsilon) * weight + bias. */
export const layerNorm: KernelFunction<typeof kernelNames.layerNorm> = (backend, inputs, { epsilon, padRow }) => {
  const { x, weight, bias, index } = inputs;
  const [count, channels] = sidesOf(x);
  const rows = index?.shape[0] ?? count + (padRow === 'none' ? 0 : 1);
  const components = componentsOf(channels);
  const output = backend.makeTensorInfo([rows, channels], 'float32');
  const isIndexed = index !== undefined;
  runProgram(backend, {
    name: 'layer-norm',
    variant: [isIndexed],
    threads: laneThreads,
    workgroups: Math.ceil(rows / rowsPerWorkgroup),
    inputs: {
      x: view(x, components),
      weight: view(weight, components),
      bias: view(bias, components),
      index: view(index),
    },
    integers: { rows, count, channels, width: channels / components, padIsBias: padRow === 'bias' ? 1 : 0 },
    floats: { epsilon },
    output: view(output, components),
    source: () => `${statisticsSource(components)}
${sourceOfRow(isIndexed)}
fn main() {
  let row = rowOfThread();
  let source = sourceOf(min(row, uniforms.rows - 1));
  let start = max(source, 0) * uniforms.width;
  let statistics = statisticsOf(start);
  if (row >= uniforms.rows) { return; }
  for (var at = laneOfThread(); at < uniforms.width; at += 32) {
    var value = (x[start + at] - statistics.x) * statistics.y * weight[at] + bias[at];
    if (source < 0) { value = select(${valueType(components)}(0.0), bias[at], uniforms.padIsBias == 1); }
    result[row * uniforms.width + at] = value;
  }
}
`,
  });
  return output;
};
