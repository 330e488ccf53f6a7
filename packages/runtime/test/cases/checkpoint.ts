import type { SwinCheckpoint } from '@sparsevit/backbone';
import { randomWeights, saveCheckpoint } from '@sparsevit/backbone';
import type { Sparsity, SwinArchitecture } from '@sparsevit/windows';
import { createRandom } from '@sparsevit/windows';

/** A small Swin with two stages. */
export const architecture: SwinArchitecture = {
  patchSize: 4,
  embedDim: 32,
  depths: [2, 2],
  heads: [1, 2],
  window: 7,
  mlpRatio: 4,
};

export const checkpoint: Pick<SwinCheckpoint, 'architecture' | 'family' | 'weights'> = {
  architecture,
  family: 'mmdet',
  weights: randomWeights(architecture, 5),
};

/** The file of the small Swin. */
export const fileOf = (sparsity: Sparsity | null = null): Uint8Array<ArrayBuffer> =>
  saveCheckpoint({ ...checkpoint, sparsity });

/** Bytes of an image of noise. */
export function noise(height: number, width: number, channels: 3 | 4, seed = 3): Uint8ClampedArray {
  const random = createRandom(seed);
  return Uint8ClampedArray.from({ length: height * width * channels }, (_, i) =>
    channels === 4 && i % 4 === 3 ? 255 : random.integer(0, 256),
  );
}

/** The image without its alpha channel. */
export const withoutAlpha = (rgba: Uint8ClampedArray): Uint8Array =>
  Uint8Array.from(rgba.filter((_, i) => i % 4 !== 3));
