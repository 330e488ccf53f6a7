/** GELU and its gradient, value by value. */

import type { kernelNames } from '@sparsevit/windows';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from '../tensorflow/backend';
import type { KernelFunction } from '../tensorflow/kernel-function';
import { componentsOf, runProgram, view } from '../tensorflow/program';
import { geluSlopeSource, geluSource } from '../wgsl/activation';
import { sizeOf } from './tensors';

const threads = 256;

/** GELU of every value. */
export const gelu: KernelFunction<typeof kernelNames.gelu> = (backend, { x }) => ofValues(backend, x, undefined);

/** dy * gelu'(x). */
export const geluGradient: KernelFunction<typeof kernelNames.geluGradient> = (backend, { x, dy }) =>
  ofValues(backend, x, dy);

function ofValues(backend: WebGPUBackend, x: TensorInfo, dy: TensorInfo | undefined): TensorInfo {
  const output = backend.makeTensorInfo(x.shape, 'float32');
  const size = sizeOf(x);
  const components = componentsOf(size);
  const count = size / components;
  runProgram(backend, {
    name: dy === undefined ? 'gelu' : 'gelu-gradient',
    variant: [],
    threads,
    workgroups: Math.ceil(count / threads),
    inputs: { x: view(x, components), dy: view(dy, components) },
    integers: { count },
    output: view(output, components),
    source: () => `${dy === undefined ? geluSource(components) : geluSlopeSource(components)}
fn main() {
  let at = workgroupIndex() * ${threads} + i32(localIndex);
  if (at < uniforms.count) { result[at] = ${dy === undefined ? 'gelu(x[at])' : 'dy[at] * geluSlope(x[at])'}; }
}
`,
  });
  return output;
}
