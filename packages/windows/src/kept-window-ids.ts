/** Which windows each block worked on, on the host. */

import type { WindowGrid } from './grid';
import { allWindowIds } from './grid';
import type { Selection } from './window-ops';

/** The windows that one block worked on. */
export interface KeptWindowIds {
  readonly stage: number;
  readonly block: number;
  readonly grid: WindowGrid;
  /** The ids as the selection has them, best score first ([B, k], or [n] of the whole batch for a threshold); null for a dense block. */
  readonly ids: { readonly values: Int32Array; readonly shape: readonly number[] } | null;
  /** Kept windows of each image, from 0 to `grid.windowsPerImage - 1`. */
  readonly perImage: readonly Int32Array[];
}

/**
 * The windows of a block, image by image, from the ids of its selection once they are on the host.
 *
 * @param block where, and on which grid
 * @param kind of the selection: `topk` has ids from 0 within each image, `counted` ids over the batch
 * @param values the ids [B * k] or [n]; null for all windows
 * @example
 * const grid = createWindowGrid({ batch: 2, height: 14, width: 14, window: 7, isShifted: false, rules });
 * keptWindowIdsOf({ stage: 0, block: 0, grid }, 'topk', Int32Array.of(3, 1, 0, 2)).perImage; // [[3, 1], [0, 2]]
 */
export function keptWindowIdsOf(
  { stage, block, grid }: Pick<KeptWindowIds, 'stage' | 'block' | 'grid'>,
  kind: Selection<never>['kind'],
  values: Int32Array | null,
): KeptWindowIds {
  const images = Array.from({ length: grid.batch }, (_, image) => image);
  if (kind === 'all' || values === null) {
    const all = allWindowIds({ ...grid, batch: 1 });
    return { stage, block, grid, ids: null, perImage: images.map(() => all) };
  }
  if (kind === 'topk') {
    const count = values.length / grid.batch;
    const perImage = images.map((image) => values.slice(image * count, (image + 1) * count));
    return { stage, block, grid, ids: { values, shape: [grid.batch, count] }, perImage };
  }
  const windows = grid.windowsPerImage;
  const perImage = images.map((image) =>
    values.filter((id) => Math.floor(id / windows) === image).map((id) => id - image * windows),
  );
  return { stage, block, grid, ids: { values, shape: [values.length] }, perImage };
}
