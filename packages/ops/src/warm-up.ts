/** Running a model once before it counts, so that the first real image does not wait for what happens only once. */

import type { Sparsity, SwinArchitecture } from '@sparsevit/windows';
import { uniformSparsity } from '@sparsevit/windows';
import type { Tensor } from './tensor';
import { dispose, zeros } from './tensor';
import { untilDone } from './until-done';

/** What of a model is used; `createSwin` of `@sparsevit/backbone` makes one. */
export interface WarmupModel {
  readonly architecture: SwinArchitecture;
  forward(
    image: Tensor,
    options: { sparsity: Sparsity | null; wantsLogits: boolean },
  ): { readonly features: readonly (Tensor | null)[]; readonly logits: Tensor | null };
}

/** For which images to warm up. */
export interface WarmupOptions {
  readonly height: number;
  readonly width: number;
  /** Images at once; default 1. */
  readonly batch?: number;
  /** The sparsity that will be run; default 0.5 everywhere. Another one later compiles nothing new where a kernel pack is installed. */
  readonly sparsity?: Sparsity | null;
  /** A clock in milliseconds; default `performance.now`. */
  readonly now?: () => number;
}

/**
 * Runs a model on zeros of this size, dense and sparse, so that the backend compiles its programs and packs the weights; waits until the
 * device is done, frees everything, and returns the milliseconds it took.
 *
 * @throws ShapeError for an image smaller than a patch
 * @throws ConfigError for a sparsity that the architecture cannot run
 * @example
 * await warmup(model, { height: 672, width: 672 });
 */
export async function warmup(model: WarmupModel, options: WarmupOptions): Promise<number> {
  const { height, width, batch = 1, sparsity, now = () => performance.now() } = options;
  const start = now();
  const sparse = sparsity === undefined ? uniformSparsity(model.architecture, 0.5) : sparsity;
  const image = zeros([batch, height, width, 3]);
  try {
    for (const way of sparse === null ? [null] : [null, sparse]) {
      const { features, logits } = model.forward(image, { sparsity: way, wantsLogits: true });
      const results = [...features, logits].filter((result) => result !== null);
      try {
        const last = results.at(-1);
        if (last !== undefined) await untilDone(last);
      } finally {
        dispose(results);
      }
    }
  } finally {
    dispose(image);
  }
  return now() - start;
}
