/** Moving rows of a matrix by index. */

import type { kernelNames } from '@sparsevit/windows';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from '../tensorflow/backend';
import type { KernelFunction } from '../tensorflow/kernel-function';
import { componentsOf, runProgram, view } from '../tensorflow/program';
import { valueType } from '../wgsl/activation';
import { sidesOf, sizeOf } from './tensors';

const threads = 256;

/** x[index]; zeros for -1. */
export const gatherRows: KernelFunction<typeof kernelNames.gatherRows> = (backend, { x, index }) => {
  const [, channels] = sidesOf(x);
  const [rows] = sidesOf(index);
  const output = backend.makeTensorInfo([rows, channels], 'float32');
  const components = componentsOf(channels);
  const width = channels / components;
  runProgram(backend, {
    name: 'gather-rows',
    variant: [],
    threads,
    workgroups: Math.ceil((rows * width) / threads),
    inputs: { x: view(x, components), index: view(index) },
    integers: { count: rows * width, width },
    output: view(output, components),
    source: () => `
fn main() {
  let at = workgroupIndex() * ${threads} + i32(localIndex);
  if (at >= uniforms.count) { return; }
  let row = index[at / uniforms.width];
  var value = ${valueType(components)}(0.0);
  if (row >= 0) { value = x[row * uniforms.width + at % uniforms.width]; }
  result[at] = value;
}
`,
  });
  return output;
};

/** The 3 x 3 neighbours of some tokens of a map. */
export const neighbourhoodRows: KernelFunction<typeof kernelNames.neighbourhoodRows> = (
  backend,
  { x },
  { begin, end },
) => {
  const [, height = 1, width = 1, channels = 1] = x.shape;
  const output = backend.makeTensorInfo([end - begin, 9 * channels], 'float32');
  const components = componentsOf(channels);
  const parts = channels / components;
  const count = (end - begin) * 9 * parts;
  runProgram(backend, {
    name: 'neighbourhood-rows',
    variant: [],
    threads,
    workgroups: Math.ceil(count / threads),
    inputs: { x: view(x, components) },
    integers: { count, begin, height, width, parts },
    output: view(output, components),
    source: () => `
fn main() {
  let at = workgroupIndex() * ${threads} + i32(localIndex);
  if (at >= uniforms.count) { return; }
  let part = at % uniforms.parts;
  let neighbour = (at / uniforms.parts) % 9;
  let token = uniforms.begin + at / (uniforms.parts * 9);
  let line = token / uniforms.width; // of all images
  let y = line % uniforms.height + neighbour / 3 - 1;
  let column = token % uniforms.width + neighbour % 3 - 1;
  var value = ${valueType(components)}(0.0);
  if (y >= 0 && y < uniforms.height && column >= 0 && column < uniforms.width) {
    value = x[((line + neighbour / 3 - 1) * uniforms.width + column) * uniforms.parts + part];
  }
  result[at] = value;
}
`,
  });
  return output;
};

/** Rows written at an index into x, or into zeros. */
export const scatterRows: KernelFunction<typeof kernelNames.scatterRows> = (backend, inputs, { count, inPlace }) => {
  const { x, rows, index } = inputs;
  const [, channels] = sidesOf(x ?? rows ?? index);
  const output = (inPlace && x && takeOver(backend, x)) || backend.makeTensorInfo([count, channels], 'float32');
  if (x === undefined) fillZeros(backend, output);
  else if (output.dataId !== x.dataId) copy(backend, x, output);
  writeRows(backend, { rows, index, limit: count, output });
  return output;
};

/**
 * The same memory under a tensor of its own; null where another tensor holds it too, or where the host has a copy of its values, which
 * writing on the device would leave behind.
 */
function takeOver(backend: WebGPUBackend, x: TensorInfo): TensorInfo | null {
  if (backend.refCount(x.dataId) !== 1 || (backend.tensorMap.get(x.dataId).values ?? null) !== null) return null;
  backend.incRef(x.dataId);
  return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
}

/** Row `index[i]` of the output becomes row i (zeros without rows), where the index is from 0 to `limit` - 1; other rows stay. */
export function writeRows(
  backend: WebGPUBackend,
  options: { rows: TensorInfo | undefined; index: TensorInfo; limit: number; output: TensorInfo },
): void {
  const { rows, index, limit, output } = options;
  const [, channels] = sidesOf(output);
  const [written] = sidesOf(index);
  const components = componentsOf(channels);
  const width = channels / components;
  runProgram(backend, {
    name: rows === undefined ? 'write-zeros' : 'write-rows',
    variant: [],
    threads,
    workgroups: Math.ceil((written * width) / threads),
    inputs: { index: view(index), rows: view(rows, components) },
    integers: { count: written * width, width, limit },
    output: view(output, components),
    source: () => `
fn main() {
  let at = workgroupIndex() * ${threads} + i32(localIndex);
  if (at >= uniforms.count) { return; }
  let row = index[at / uniforms.width];
  if (row < 0 || row >= uniforms.limit) { return; }
  result[row * uniforms.width + at % uniforms.width] = ${rows === undefined ? `${valueType(components)}(0.0)` : 'rows[at]'};
}
`,
  });
}

function copy(backend: WebGPUBackend, x: TensorInfo, output: TensorInfo): void {
  everyValue(backend, output, x);
}

/** Zeros everywhere: the backend's memory holds what was there before. */
export function fillZeros(backend: WebGPUBackend, output: TensorInfo): void {
  everyValue(backend, output, undefined);
}

function everyValue(backend: WebGPUBackend, output: TensorInfo, x: TensorInfo | undefined): void {
  const size = sizeOf(output);
  const components = componentsOf(size);
  const count = size / components;
  runProgram(backend, {
    name: x === undefined ? 'fill-zeros' : 'copy',
    variant: [],
    threads,
    workgroups: Math.ceil(count / threads),
    inputs: { x: view(x, components) },
    integers: { count },
    output: view(output, components),
    source: () => `
fn main() {
  let at = workgroupIndex() * ${threads} + i32(localIndex);
  if (at < uniforms.count) { result[at] = ${x === undefined ? `${valueType(components)}(0.0)` : 'x[at]'}; }
}
`,
  });
}
