import type { SwinCheckpoint } from '@sparsevit/backbone';
import { randomWeights } from '@sparsevit/backbone';
import { createRandom } from '@sparsevit/windows';

/** A small Swin with two stages. */
export function randomCheckpoint(): Pick<SwinCheckpoint, 'architecture' | 'family' | 'weights'> {
  const architecture = { patchSize: 4, embedDim: 32, depths: [2, 2], heads: [1, 2], window: 7, mlpRatio: 4 };
  return { architecture, family: 'microsoft-detection', weights: randomWeights(architecture, 5) };
}

/** Pixels of a shape, always the same. */
export function pixelsOf(shape: readonly number[]): Float32Array {
  const random = createRandom(9);
  const count = shape.reduce((product, side) => product * side, 1);
  return Float32Array.from({ length: count }, () => random.uniform() * 4 - 2);
}
