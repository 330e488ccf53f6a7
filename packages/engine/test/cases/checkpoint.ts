import { createHash } from 'node:crypto';
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

/** All values of a result as their bits: -0 and NaN count. */
export function bitsOf(result: unknown): string {
  const hash = createHash('sha256');
  const visit = (item: unknown): void => {
    if (ArrayBuffer.isView(item)) hash.update(new Uint8Array(item.buffer, item.byteOffset, item.byteLength));
    else if (typeof item === 'object' && item !== null) {
      for (const [key, inner] of Object.entries(item)) {
        hash.update(`${key}:`);
        visit(inner);
      }
    } else hash.update(`${String(item)};`);
  };
  visit(result);
  return hash.digest('hex');
}
