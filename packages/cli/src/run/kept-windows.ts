/** Which windows each block worked on, read back to the host. */

import type { BlockWindows } from '@sparsevit/backbone';
import type { WindowGrid } from '@sparsevit/windows';
import { allWindowIds } from '@sparsevit/windows';
import type { Tensor } from '../tensor';

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

/** Reads the windows of all blocks back; the tensors stay the caller's. */
export async function readKeptWindows(blocks: readonly BlockWindows<Tensor>[]): Promise<KeptWindows[]> {
  const kept: KeptWindows[] = [];
  for (const { stage, block, grid, selection } of blocks) {
    const images = Array.from({ length: grid.batch }, (_, image) => image);
    if (selection.kind === 'all') {
      const all = allWindowIds({ ...grid, batch: 1 });
      kept.push({ stage, block, grid, ids: null, perImage: images.map(() => all) });
      continue;
    }
    const values = selection.ids === null ? new Int32Array(0) : (await selection.ids.data<'int32'>()).slice();
    if (selection.kind === 'topk') {
      const count = selection.keptPerImage;
      const perImage = images.map((image) => values.slice(image * count, (image + 1) * count));
      kept.push({ stage, block, grid, ids: { values, shape: [grid.batch, count] }, perImage });
    } else {
      const windows = grid.windowsPerImage;
      const perImage = images.map((image) =>
        values.filter((id) => Math.floor(id / windows) === image).map((id) => id - image * windows),
      );
      kept.push({ stage, block, grid, ids: { values, shape: [values.length] }, perImage });
    }
  }
  return kept;
}
