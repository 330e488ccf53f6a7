/** Segmentations of COCO's annotations to masks: polygons of an object, or run lengths of a crowd, as numbers or as a string. */

import { ConfigError } from '@sparsevit/windows';
import { show } from '../broken';
import type { ImageSize } from '../resample';
import type { CocoRle } from './coco-forms';
import { parseRle } from './coco-forms';
import { checkPolygons, rleFromPolygons } from './polygons';
import type { Rle } from './rle';

type Segmentation =
  | { readonly kind: 'polygons'; readonly polygons: readonly (readonly number[])[] }
  | { readonly kind: 'rle'; readonly rle: Rle };

/**
 * Reads the segmentation of an annotation, in any of COCO's three forms. Polygons so small that they hold the middle of no pixel give a mask
 * without one, as they do in pycocotools.
 *
 * @param segmentation as it is in the file: anything
 * @param size of its image
 * @returns a mask of the size of the image
 * @throws ConfigError when it is none of the forms, damaged, or of another size than its image
 * @example
 * areaOf(rleFromSegmentation([[1, 1, 5, 1, 5, 4, 1, 4]], { height: 10, width: 10 })); // 12
 */
export function rleFromSegmentation(segmentation: unknown, size: ImageSize): Rle {
  const read = checkSegmentation(segmentation, size);
  return read.kind === 'rle' ? read.rle : rleFromPolygons(read.polygons, size.height, size.width);
}

/**
 * Finds out whether a mask can be made of a segmentation, without drawing one.
 *
 * @throws ConfigError where `rleFromSegmentation` does
 */
export function checkSegmentation(segmentation: unknown, { height, width }: ImageSize): Segmentation {
  if (Array.isArray(segmentation)) {
    return { kind: 'polygons', polygons: checkPolygons(segmentation, { height, width }) };
  }
  if (typeof segmentation !== 'object' || segmentation === null || !('counts' in segmentation)) {
    throw new ConfigError(
      `rleFromSegmentation: expected polygons or a run-length mask, got ${show(segmentation)}. An annotation has one of them.`,
    );
  }
  const rle = parseRle(segmentation as CocoRle);
  if (rle.size[0] !== height || rle.size[1] !== width) {
    throw new ConfigError(
      `rleFromSegmentation: expected a mask of its image's ${height}x${width} pixels, got ${rle.size.join('x')}.`,
    );
  }
  return { kind: 'rle', rle };
}
