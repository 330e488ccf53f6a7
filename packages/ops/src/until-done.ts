/** Waiting for a device: the one way to know that queued work has been done. */

import type { Tensor } from './tensor';
import { dispose, slice } from './tensor';

/**
 * Waits until a tensor is computed, and with it all that was asked for before. Work on a device is only queued, in order: the last of it is done
 * when one of its values can be read. Where TensorFlow.js computes at once (wasm, cpu) it costs one small copy.
 *
 * @param last what was asked for last; its shape may be any
 * @example
 * const { features } = model.forward(image, { outputs: [3] });
 * await untilDone(features[3]);
 */
export async function untilDone(last: Tensor): Promise<void> {
  const first = slice(
    last,
    last.shape.map(() => 0),
    last.shape.map(() => 1),
  );
  try {
    await first.data();
  } finally {
    dispose(first);
  }
}
