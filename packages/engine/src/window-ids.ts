/** Which windows a block kept, from what a plan returned. */

import type { KeptWindowIds } from '@sparsevit/windows';
import { keptWindowIdsOf } from '@sparsevit/windows';
import type { HostValues } from './plan';

/** A block's windows on the host, as a plan of a forward returns them. */
export interface HostBlockWindows extends Pick<KeptWindowIds, 'stage' | 'block' | 'grid'> {
  /** `ids` is null where a block is skipped: nothing is kept. */
  readonly selection: { readonly kind: 'all' } | { readonly kind: 'topk' | 'counted'; readonly ids: HostValues | null };
}

/**
 * The windows that a block kept, image by image.
 *
 * @example
 * const plan = engine.compile((image) => model.forward(image, { sparsity, wantsWindows: true }).windows, { shape });
 * const kept = (await plan.run(pixels)).map(hostWindowIds);
 */
export function hostWindowIds({ stage, block, grid, selection }: HostBlockWindows): KeptWindowIds {
  const where = { stage, block, grid };
  if (selection.kind === 'all') return keptWindowIdsOf(where, 'all', null);
  return keptWindowIdsOf(where, selection.kind, (selection.ids?.values ?? new Int32Array(0)) as Int32Array);
}
