/** Stochastic depth: whole branches of blocks are left out for single images. Source: Swin's code (`drop_path_rate`, rising linearly). */

import type { DropPathFactors } from '@sparsevit/backbone';
import type { SwinArchitecture } from '@sparsevit/windows';
import { ConfigError, createRandom } from '@sparsevit/windows';

/**
 * Factors of every block for a batch: 0 with the block's probability, else 1 / (1 - probability); from 0 in the first block to `rate` in the
 * last. Depends on seed and step alone.
 *
 * @returns stage -> block -> factors [batch]; undefined for a rate of 0
 * @throws ConfigError for a rate outside of [0, 1)
 * @example
 * model.forward(images, { dropPath: drawDropPath(model.architecture, { rate: 0.2, batch: 8, seed: 0, step }) });
 */
export function drawDropPath(
  { depths }: Pick<SwinArchitecture, 'depths'>,
  { rate, batch, seed, step }: { rate: number; batch: number; seed: number; step: number },
): readonly (readonly DropPathFactors[])[] | undefined {
  if (!(rate >= 0 && rate < 1)) throw new ConfigError(`drop path: expected a rate from 0 to below 1, got ${rate}.`);
  if (rate === 0) return undefined;
  const random = createRandom(Math.imul(seed ^ 0xd409, 0x85ebca6b) + step);
  const total = depths.reduce((sum, depth) => sum + depth, 0);
  let block = 0;
  const draw = (probability: number): Float32Array =>
    Float32Array.from({ length: batch }, () => (random.uniform() < probability ? 0 : 1 / (1 - probability)));
  return depths.map((depth) =>
    Array.from({ length: depth }, () => {
      const probability = total > 1 ? (rate * block++) / (total - 1) : rate;
      return { attention: draw(probability), mlp: draw(probability) };
    }),
  );
}
