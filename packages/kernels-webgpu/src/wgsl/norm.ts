/** Mean and deviation of a row in WGSL. Two passes: the difference of two large sums would lose a row whose mean is large. */

import type { Components } from '../tensorflow/program';
import { valueType } from './activation';
import { laneSource } from './lanes';

/**
 * `sourceOf(row)`: the row of x that a row of the output stands for; -1 for a pad. Uniforms: count, the rows of x.
 */
export const sourceOfRow = (isIndexed: boolean): string =>
  `fn sourceOf(row : i32) -> i32 { return ${isIndexed ? 'index[row]' : 'select(-1, row, row < uniforms.count)'}; }`;

/** `sumOf(value)`: the sum of the components. */
export const sumOfComponents = (components: Components): string =>
  `fn sumOf(value : ${valueType(components)}) -> f32 { return ${components === 4 ? 'dot(value, vec4<f32>(1.0))' : 'value'}; }`;

/**
 * `statisticsOf(start)`: mean and 1 / sqrt(variance + epsilon) of the row of x that begins at `start`, by all lanes of the row together.
 * Uniforms: width, the values (or vectors) of a row; channels; epsilon.
 */
export const statisticsSource = (components: Components): string => `${laneSource}
${sumOfComponents(components)}
fn statisticsOf(start : i32) -> vec2<f32> {
  var sum = 0.0;
  for (var at = laneOfThread(); at < uniforms.width; at += 32) { sum += sumOf(x[start + at]); }
  let mean = sumOfLanes(sum) / f32(uniforms.channels);
  sum = 0.0;
  for (var at = laneOfThread(); at < uniforms.width; at += 32) {
    let difference = x[start + at] - mean;
    sum += sumOf(difference * difference);
  }
  return vec2<f32>(mean, 1.0 / sqrt(sumOfLanes(sum) / f32(uniforms.channels) + uniforms.epsilon));
}
`;
