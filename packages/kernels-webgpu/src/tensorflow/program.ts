/**
 * Running a compute shader of this package through TensorFlow.js's webgpu backend.
 *
 * The backend keeps compiled pipelines under a key, to which it adds ranks of shapes, which shapes are equal and which sides are 1: things
 * that change with the number of kept windows. A shader here knows sizes from its uniforms only, so every tensor is shown to the backend
 * with the same shape, and a key changes with the source and nothing else.
 */

import { BackendError } from '@sparsevit/windows';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendProgram, ProgramUniform, WebGPUBackend } from './backend';

/** Values that are read or written at once: one, or four as a `vec4`. */
export type Components = 1 | 4;

/** A tensor as a shader sees it: `array<f32>` (or `array<i32>`), or of `vec4`. */
export interface View<Tensor extends TensorInfo | undefined> {
  readonly tensor: Tensor;
  readonly components: Components;
}

/** A tensor as a shader sees it; one that is absent may stand among the inputs. */
export const view = <Tensor extends TensorInfo | undefined>(
  tensor: Tensor,
  components: Components = 1,
): View<Tensor> => ({ tensor, components });

/** One run of a shader. */
export interface Run {
  /** What it computes; with `variant` it names the shader. */
  readonly name: string;
  /** Everything that the source depends on. */
  readonly variant: readonly (string | number | boolean)[];
  /** The WGSL with `fn main()`; called when the shader is compiled. It has `uniforms`, `result`, `localIndex` and `workgroupIndex()`. */
  readonly source: () => string;
  /** Invocations of a workgroup. */
  readonly threads: number;
  /** Workgroups needed; a few more may run, and must write nothing. */
  readonly workgroups: number;
  /** Inputs by their name in the shader; absent ones are left out. */
  readonly inputs: Readonly<Record<string, View<TensorInfo | undefined>>>;
  /** `uniforms.name : i32` */
  readonly integers: Readonly<Record<string, number>>;
  /** `uniforms.name : f32` */
  readonly floats?: Readonly<Record<string, number>>;
  /** Where `result` is written. */
  readonly output: View<TensorInfo>;
}

/** Workgroups are numbered over both dimensions of the dispatch. */
const prelude = `
fn workgroupIndex() -> i32 { return i32(workgroupId.y * numWorkgroups.x + workgroupId.x); }
`;

/**
 * Compiles a shader, unless it was before, and puts its run into the queue of the device. Nothing is read back.
 *
 * @throws BackendError when it needs more workgroups than the device can start
 */
export function runProgram(backend: WebGPUBackend, run: Run): void {
  const { name, threads, output } = run;
  const inputs = Object.entries(run.inputs).flatMap(([key, { tensor, components }]) =>
    tensor === undefined ? [] : [{ key, tensor, components }],
  );
  const integers = Object.entries(run.integers);
  const floats = Object.entries(run.floats ?? {});
  const components = [...inputs.map((input) => input.components), output.components];
  const program: BackendProgram = {
    variableNames: inputs.map(({ key }) => key),
    variableComponents: inputs.map((input) => input.components),
    outputComponent: output.components,
    outputShape: resultShape,
    uniforms: [...integers.map(([key]) => `${key} : i32,`), ...floats.map(([key]) => `${key} : f32,`)].join(' '),
    workgroupSize: [threads, 1, 1],
    dispatch: dispatchOf(backend, run),
    dispatchLayout: { x: [0], y: [1] },
    shaderKey: ['sparsevit', name, ...run.variant, components.join('')].join(' '),
    getUserCode: () => prelude + run.source(),
  };
  const uniforms: ProgramUniform[] = [
    ...integers.map(([, value]) => ({ type: 'int32', data: [value] }) as const),
    ...floats.map(([, value]) => ({ type: 'float32', data: [value] }) as const),
  ];
  backend.runWebGPUProgram(
    program,
    inputs.map(({ tensor }) => ({ dataId: tensor.dataId, dtype: tensor.dtype, shape: [] })),
    output.tensor.dtype,
    uniforms,
    { dataId: output.tensor.dataId, dtype: output.tensor.dtype, shape: resultShape },
  );
}

/** What the backend takes for the shape of a result: not that of an input, so that no two are ever equal. */
const resultShape: number[] = [1];

/** At least two rows of workgroups: the backend compiles another shader for a single one. */
function dispatchOf(backend: WebGPUBackend, { name, workgroups }: Run): [number, number, number] {
  const limit = backend.device.limits.maxComputeWorkgroupsPerDimension;
  const rows = Math.max(2, Math.ceil(workgroups / limit));
  if (rows > limit) {
    throw new BackendError(
      `kernels-webgpu: expected at most ${limit * limit} workgroups for ${name}, got ${workgroups}. Use a smaller image or batch.`,
    );
  }
  return [Math.ceil(workgroups / rows), rows, 1];
}

/** Four at once where rows of `width` values start at a multiple of four. */
export const componentsOf = (width: number): Components => (width % 4 === 0 ? 4 : 1);

/** Runs with a tensor that is freed afterwards; the device is done with it before its memory is used again. */
export function withScratch<Result>(
  backend: WebGPUBackend,
  shape: readonly number[],
  run: (scratch: TensorInfo) => Result,
): Result {
  const scratch = backend.makeTensorInfo(shape, 'float32');
  try {
    return run(scratch);
  } finally {
    backend.disposeData(scratch.dataId);
  }
}
