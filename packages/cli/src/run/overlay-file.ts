/** The file of `--overlay`: the kept windows of each stage over the photo. */

import type { RgbImage } from '@sparsevit/data';
import { encodePng } from '@sparsevit/data/node';
import type { KeptWindowIds } from '@sparsevit/windows';
import type { OverlayStage } from '../overlay/overlay';
import { drawOverlay } from '../overlay/overlay';

/**
 * Draws, for each stage, the windows of its last block with a regular grid: those that every earlier block of that grid kept too.
 *
 * @returns the bytes of a PNG file
 */
export async function createOverlayFile(
  photo: RgbImage,
  options: { kept: readonly KeptWindowIds[]; patchSize: number; caption: readonly string[]; maxWidth?: number },
): Promise<Uint8Array> {
  const lastRegular = new Map<number, KeptWindowIds>();
  for (const windows of options.kept) if (windows.block % 2 === 0) lastRegular.set(windows.stage, windows);
  const stages = [...lastRegular.values()].map(
    ({ stage, block, grid, perImage }): OverlayStage => ({
      name: `stage ${stage}, block ${block}`,
      grid,
      keptWindows: perImage[0] ?? [],
      pixelsPerToken: options.patchSize * 2 ** stage,
    }),
  );
  const { caption, maxWidth } = options;
  return encodePng(drawOverlay({ image: photo, stages, caption, ...(maxWidth === undefined ? {} : { maxWidth }) }));
}
