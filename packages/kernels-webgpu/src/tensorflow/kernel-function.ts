/** The form of a kernel here: inputs and attributes of the contract, on a backend. */

import type { KernelContracts, KernelName, kernelNames } from '@sparsevit/windows';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from './backend';

type Names<Name extends KernelName> = KernelContracts[Name]['inputs'];
type Kernels = typeof kernelNames;

/** Inputs that the contract lets be absent. */
type OptionalInput<Name extends KernelName> = Name extends Kernels['linear']
  ? 'bias' | 'residual' | 'scale'
  : Name extends Kernels['layerNorm'] | Kernels['layerNormGradient']
    ? 'index'
    : Name extends Kernels['windowAttention'] | Kernels['windowAttentionGradient']
      ? 'slots' | 'classes'
      : Name extends Kernels['scatterRows']
        ? 'x' | 'rows'
        : never;

/** The inputs of a kernel. */
export type KernelInputs<Name extends KernelName> = {
  readonly [Input in Exclude<Names<Name>, OptionalInput<Name>>]: TensorInfo;
} & { readonly [Input in Extract<Names<Name>, OptionalInput<Name>>]?: TensorInfo };

/** Computes one kernel. */
export type KernelFunction<Name extends KernelName> = (
  backend: WebGPUBackend,
  inputs: KernelInputs<Name>,
  attributes: KernelContracts[Name]['attributes'],
) => TensorInfo | TensorInfo[];
