/** Scoring windows and ranking them, all on the device. */

import type { kernelNames } from '@sparsevit/windows';
import type { KernelFunction } from '../tensorflow/kernel-function';
import { componentsOf, runProgram, view } from '../tensorflow/program';
import { laneSource, laneThreads, rowsPerWorkgroup } from '../wgsl/lanes';
import { sumOfComponents } from '../wgsl/norm';
import { rankSource, rankThreads } from '../wgsl/rank';
import { windowScoreSource } from '../wgsl/window-scores';
import { sidesOf } from './tensors';

/** Importance of tokens: the mean of |x| over channels, or the norm. */
export const magnitude: KernelFunction<typeof kernelNames.magnitude> = (backend, { x }, { score }) => {
  const [rows, channels] = sidesOf(x);
  const output = backend.makeTensorInfo([rows], 'float32');
  const components = componentsOf(channels);
  const isNorm = score === 'l2';
  runProgram(backend, {
    name: isNorm ? 'magnitude-l2' : 'magnitude-l1',
    variant: [],
    threads: laneThreads,
    workgroups: Math.ceil(rows / rowsPerWorkgroup),
    inputs: { x: view(x, components) },
    integers: { rows, channels, width: channels / components },
    output: view(output),
    source: () => `${laneSource}
${sumOfComponents(components)}
fn main() {
  let row = rowOfThread();
  let start = min(row, uniforms.rows - 1) * uniforms.width;
  var sum = 0.0;
  for (var at = laneOfThread(); at < uniforms.width; at += 32) {
    let value = x[start + at];
    sum += sumOf(${isNorm ? 'value * value' : 'abs(value)'});
  }
  let total = sumOfLanes(sum);
  if (row < uniforms.rows && laneOfThread() == 0) {
    result[row] = ${isNorm ? 'sqrt(total)' : 'total / f32(uniforms.channels)'};
  }
}
`,
  });
  return output;
};

/** Scores of windows: the norm over their tokens. */
export const windowScores: KernelFunction<typeof kernelNames.windowScores> = (backend, inputs, { grid, pads }) => {
  const { batch, windowsPerImage, height, width, window, shiftY, shiftX, rows, columns } = grid;
  const output = backend.makeTensorInfo([batch, windowsPerImage], 'float32');
  const count = batch * windowsPerImage;
  runProgram(backend, {
    name: 'window-scores',
    variant: [],
    threads: laneThreads,
    workgroups: Math.ceil(count / rowsPerWorkgroup),
    inputs: { importance: view(inputs.magnitude) },
    integers: {
      ...{ count, height, width, window, shiftY, shiftX, down: rows, across: columns },
      rollsFirst: grid.shift === 'roll-then-pad' ? 1 : 0,
      leavesOutPads: pads === 'left-out' ? 1 : 0,
    },
    output: view(output),
    source: () => windowScoreSource,
  });
  return output;
};

/** The best windows of each image. */
export const selectWindows: KernelFunction<typeof kernelNames.selectWindows> = (
  backend,
  { scores },
  { keptPerImage },
) => {
  const [batch, windows] = sidesOf(scores);
  const output = backend.makeTensorInfo([batch, keptPerImage], 'int32');
  runProgram(backend, {
    name: 'select-windows',
    variant: [],
    threads: rankThreads,
    workgroups: batch * Math.ceil(windows / rankThreads),
    inputs: { scores: view(scores) },
    integers: { batch, windows, kept: keptPerImage },
    output: view(output),
    source: () => rankSource,
  });
  return output;
};
