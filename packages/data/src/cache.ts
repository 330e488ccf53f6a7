/** A data set whose items are read once and then kept: for scenes that take longer to draw, or photos to decode, than to train on. */

import { ConfigError } from '@sparsevit/windows';
import type { Dataset, Sample } from './sample';

const defaultMaxBytes = 2 ** 30;

/**
 * The same data set, its samples kept in memory from their first reading on, as long as there is room; the others are read each time.
 *
 * @param dataset what is read once
 * @param options `maxBytes` of pixels and masks; default 1 GiB
 * @throws ConfigError when the bytes are not a number of at least 0
 * @example
 * const scenes = cacheDataset(createScenes({ count: 200, seed: 1, height: 512, width: 512 }));
 */
export function cacheDataset(
  dataset: Dataset,
  { maxBytes = defaultMaxBytes }: { readonly maxBytes?: number } = {},
): Dataset {
  if (!(maxBytes >= 0)) throw new ConfigError(`cacheDataset: expected maxBytes to be at least 0, got ${maxBytes}.`);
  const kept = new Map<number, Sample>();
  let bytes = 0;
  return {
    ...dataset,
    async read(index, signal) {
      signal?.throwIfAborted();
      const known = kept.get(index);
      if (known !== undefined) return known;
      const sample = await dataset.read(index, signal);
      const size = bytesOf(sample);
      if (bytes + size <= maxBytes && !kept.has(index)) {
        kept.set(index, sample);
        bytes += size;
      }
      return sample;
    },
  };
}

function bytesOf({ image, mask, boxes = [] }: Sample): number {
  const ofBoxes = boxes.reduce((sum, box) => sum + (box.mask?.counts.byteLength ?? 0), 0);
  return image.pixels.byteLength + (mask?.byteLength ?? 0) + ofBoxes;
}
