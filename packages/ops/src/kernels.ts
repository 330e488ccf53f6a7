/**
 * The seam for fused kernels. An op here is a shape check, then the fused kernel of the active backend if a pack registered one, else the
 * reference path of plain TensorFlow.js ops. What each kernel is given and gives stands in `@sparsevit/windows` (`KernelContracts`).
 *
 * A pack registers with `tf.registerKernel({ kernelName: kernelNames.linear, backendName: 'wasm', kernelFunc })`, as TensorFlow.js's own
 * backends do. Gradients are kernels too: while a gradient is recorded, an op takes its kernel only where the pack has the gradient's as well.
 * A pack that keeps something per weight (a packed copy, keyed by `dataId`) drops it when the backend's `disposeData` is called for that id.
 */

import type { KernelContracts, KernelName } from '@sparsevit/windows';
import type { NamedAttrMap, NamedTensorMap, Tensor } from './tensor';
import { engine, getBackend, getKernel } from './tensor';

let isSwitchedOff = false;

/** True when the active backend has all of these kernels. */
export function hasKernels(...names: KernelName[]): boolean {
  return !isSwitchedOff && names.every((name) => getKernel(name, getBackend()) !== undefined);
}

/** True while operations are recorded for a gradient: what is computed now must be differentiable, and intermediates are kept. */
export function isRecording(): boolean {
  return engine().isTapeOn();
}

/** Runs on the reference path of plain TensorFlow.js ops, whatever packs are installed: what kernels are compared with. */
export function withoutKernels<R>(run: () => R): R {
  const before = isSwitchedOff;
  isSwitchedOff = true;
  try {
    return run();
  } finally {
    isSwitchedOff = before;
  }
}

/** The inputs of a kernel; one that is not there is left out. */
type Inputs<Name extends KernelName> = Partial<Record<KernelContracts[Name]['inputs'], Tensor | null | undefined>>;

/** Runs a registered kernel that gives one tensor; call after `hasKernels`. */
export function runKernel<Name extends KernelName>(
  name: Name,
  inputs: Inputs<Name>,
  attributes: KernelContracts[Name]['attributes'],
): Tensor {
  const present = Object.fromEntries(Object.entries(inputs).filter(([, tensor]) => tensor));
  // TensorFlow.js types attributes as numbers, strings and arrays; a grid is a plain record of those.
  return engine().runKernel(name, present as NamedTensorMap, attributes as unknown as NamedAttrMap) as Tensor;
}

/** Runs a registered kernel that gives several tensors. */
export function runKernelOfSeveral<Name extends KernelName>(
  name: Name,
  inputs: Inputs<Name>,
  attributes: KernelContracts[Name]['attributes'],
): Tensor[] {
  return runKernel(name, inputs, attributes) as unknown as Tensor[];
}
