/**
 * TensorFlow.js's webgpu backend, as kernels see it. Its programs are an internal of a frozen library (4.22): what is used of it is declared
 * here and checked before anything is registered.
 */

import { BackendError } from '@sparsevit/windows';
import type { TensorInfo } from '@tensorflow/tfjs-core';

type DataId = TensorInfo['dataId'];

/** A value of the uniform buffer. */
export interface ProgramUniform {
  readonly type: 'int32' | 'float32';
  readonly data: readonly number[];
}

/** A compute shader in the form that the backend compiles and runs. It completes `shaderKey` itself and keeps the pipeline under it. */
export interface BackendProgram {
  readonly variableNames: readonly string[];
  readonly variableComponents: readonly number[];
  readonly outputComponent: number;
  readonly outputShape: readonly number[];
  readonly uniforms: string;
  readonly workgroupSize: readonly [number, number, number];
  readonly dispatch: readonly [number, number, number];
  readonly dispatchLayout: { readonly x: readonly number[]; readonly y: readonly number[] };
  readonly shaderKey: string;
  getUserCode(): string;
}

/** The part of the backend that is used. */
export interface WebGPUBackend {
  readonly device: { readonly limits: { readonly maxComputeWorkgroupsPerDimension: number } };
  readonly tensorMap: { get(dataId: DataId): { readonly values?: unknown } };
  makeTensorInfo(shape: readonly number[], dtype: 'float32' | 'int32'): TensorInfo;
  runWebGPUProgram(
    program: BackendProgram,
    inputs: readonly TensorInfo[],
    dtype: TensorInfo['dtype'],
    uniforms: readonly ProgramUniform[],
    output: TensorInfo,
  ): TensorInfo;
  disposeData(dataId: DataId, force?: boolean): boolean;
  refCount(dataId: DataId): number;
  incRef(dataId: DataId): void;
}

/**
 * Checks that a backend has everything that is used.
 *
 * @throws BackendError naming what is missing
 */
export function checkBackend(backend: unknown): WebGPUBackend {
  const refuse = (got: string): never => {
    throw new BackendError(
      `kernels-webgpu: expected the internals of TensorFlow.js 4.22's webgpu backend, got ${got}. The plain ops of TensorFlow.js are used instead; install @tensorflow/tfjs-backend-webgpu@4.22.0 for the kernels.`,
    );
  };
  const at = (object: unknown, key: string): unknown =>
    typeof object === 'object' && object !== null ? (object as Record<string, unknown>)[key] : undefined;
  for (const name of ['runWebGPUProgram', 'makeTensorInfo', 'disposeData', 'refCount', 'incRef']) {
    if (typeof at(backend, name) !== 'function') refuse(`a backend without ${name}`);
  }
  if (typeof at(at(backend, 'tensorMap'), 'get') !== 'function') refuse('a backend without tensorMap');
  const limit = at(at(at(backend, 'device'), 'limits'), 'maxComputeWorkgroupsPerDimension');
  if (typeof limit !== 'number') refuse('a backend that does not show the limits of its device');
  return backend as WebGPUBackend;
}
