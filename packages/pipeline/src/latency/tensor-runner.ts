/** Times TensorFlow.js, on the backend that is active: the image is on the device already, and a run ends when the device has done it. */

import type { LatencyRunner } from '@sparsevit/latency';
import { createTensorOps, untilDone } from '@sparsevit/ops';
import { BackendError, sparsityModes } from '@sparsevit/windows';
import { backend, dispose, tensor4d } from '@tensorflow/tfjs-core';
import type { LatencyRunnerOptions, LatencySubject } from './subject';
import { noiseImage, sparsityOf, takeSubject } from './subject';

/** What the type of the backend leaves out: on webgpu its device, which says when it is lost. */
interface DeviceBackend {
  readonly device?: { readonly lost?: Promise<{ readonly reason?: string; readonly message?: string }> };
}

/**
 * A backbone or a task on TensorFlow.js as something to measure. Start the backend first, with `initBackend`. The first run of a configuration
 * compiles what it needs, and belongs to its warm-up.
 *
 * @throws BackendError from a run whose device is lost
 * @example
 * await initBackend({ prefer: 'webgpu', packs: [webgpuKernels] });
 * const runner = tensorLatencyRunner(checkpoint, { input: { batch: 1, height: 512, width: 512 } });
 * const table = await measure(runner, configs, { fingerprint, now: () => performance.now() });
 * runner.dispose();
 */
export function tensorLatencyRunner(
  subject: LatencySubject,
  { input, rules = sparsityModes.clean }: LatencyRunnerOptions,
): LatencyRunner & { dispose(): void } {
  const taken = takeSubject(createTensorOps(), subject);
  const image = tensor4d(noiseImage(input), [input.batch, input.height, input.width, 3]);
  let loss: BackendError | null = null;
  let onLoss: (error: BackendError) => void = () => {};
  const { device } = backend() as unknown as DeviceBackend;
  // a lost device may answer nothing more, so that a run would wait for ever
  void device?.lost?.then(({ reason, message }) => {
    loss = new BackendError(
      `tensorLatencyRunner: expected the graphics device to be there, got a lost one (${message || reason || 'no reason'}). Start the backend again.`,
    );
    onLoss(loss);
  });
  return {
    async run(prunedRatios) {
      if (loss !== null) throw loss;
      const values = taken.forward(image, sparsityOf(prunedRatios, rules));
      try {
        const last = values.at(-1);
        if (last === undefined) return;
        await new Promise<void>((resolve, reject) => {
          onLoss = reject;
          untilDone(last).then(resolve, reject);
        });
      } finally {
        onLoss = () => {};
        dispose([...values]);
      }
    },
    dispose() {
      dispose(image);
      taken.dispose();
    },
  };
}
