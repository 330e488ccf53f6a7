/** Which windows each block worked on, on the host. */

import type { Selection, WindowGrid } from '@sparsevit/windows';
import { allWindowIds } from '@sparsevit/windows';

/** The windows of one block. */
export interface KeptWindows {
  readonly stage: number;
  readonly block: number;
  readonly grid: WindowGrid;
  /** The ids as the selection has them, in score order; null for a dense block. */
  readonly ids: { readonly values: Int32Array; readonly shape: readonly number[] } | null;
  /** Kept windows of each image, from 0 to `grid.windowsPerImage - 1`. */
  readonly perImage: readonly Int32Array[];
}

/** The windows of a block from the ids of its selection; null for all. */
export function keptWindowsOf(
  { stage, block, grid }: Pick<KeptWindows, 'stage' | 'block' | 'grid'>,
  kind: Selection<never>['kind'],
  values: Int32Array | null,
): KeptWindows {
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
