import { gelu } from '@sparsevit/ops';
import type { InstalledPack, KernelName, KernelPack } from '@sparsevit/windows';
import { BackendError, kernelNames } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';

/** A pack (for wasm, unless it says another) whose linear kernel is made of plain ops, its result changed by `spoil`. */
export function linearPack(
  name: string,
  options: {
    spoil?: (y: tf.Tensor) => tf.Tensor;
    detail?: string;
    kernelName?: KernelName;
    backend?: KernelPack['backend'];
  } = {},
): KernelPack & { readonly calls: () => number; readonly isInstalled: () => boolean } {
  const { spoil = (y) => y, detail = 'plain', kernelName = kernelNames.linear, backend = 'wasm' } = options;
  let calls = 0;
  let installed: InstalledPack | null = null;
  const kernelFunc: tf.KernelFunc = ({ inputs, attrs }) => {
    calls++;
    return tf.tidy(() => {
      const { x, weight, bias, residual, scale } = inputs as Record<string, tf.Tensor | undefined>;
      let y = tf.matMul(x as tf.Tensor, weight as tf.Tensor);
      if (bias) y = tf.add(y, bias);
      if ((attrs as { gelu?: boolean } | undefined)?.gelu) y = gelu(y);
      if (scale) y = tf.mul(y, scale);
      if (residual) y = tf.add(y, residual);
      return spoil(y);
    });
  };
  return {
    name,
    backend,
    calls: () => calls,
    isInstalled: () => installed !== null,
    async install() {
      if (installed !== null) return installed;
      if (tf.getBackend() !== backend) throw new BackendError(`${name}: expected ${backend} to be active.`);
      tf.registerKernel({ kernelName, backendName: backend, kernelFunc });
      installed = {
        detail,
        kernels: [kernelName],
        uninstall() {
          tf.unregisterKernel(kernelName, backend);
          installed = null;
        },
      };
      return installed;
    },
  };
}

/** A pack that does not go with this machine. */
export function refusingPack(error: Error): KernelPack {
  return { name: 'refusing', backend: 'wasm', install: () => Promise.reject(error) };
}
