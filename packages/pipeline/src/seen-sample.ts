/** A sample at the size that the model sees. */

import type { Placement, Sample } from '@sparsevit/data';
import { letterbox, resizePlacement, resizeSample } from '@sparsevit/data';

/** How samples are made ready. */
export interface SeenOptions {
  /** Pixels that every image is resized to; default its own sides. */
  readonly size?: { readonly height: number; readonly width: number } | undefined;
  /** Whether the ratio is kept, with borders; default false. */
  readonly keepRatio?: boolean | undefined;
}

/** A sample at the size that the model sees, and where its pixels went. */
export function seenSample(
  sample: Sample,
  { size = sample.image, keepRatio = false }: SeenOptions,
): { seen: Sample; placement: Placement } {
  if (keepRatio) {
    const { sample: seen, placement } = letterbox(sample, { ...size, align: 'corner' });
    return { seen, placement };
  }
  return { seen: resizeSample(sample, size), placement: resizePlacement(sample.image, size) };
}
