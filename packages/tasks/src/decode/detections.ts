/** From heatmaps to boxes, on the host. Source: Objects as Points, section 4; peaks instead of a suppression of all boxes, then that. */

import type { CocoBox, ImageSize } from '@sparsevit/data';
import { boxIou } from '@sparsevit/data';
import { ShapeError } from '@sparsevit/windows';

/** A box that was found; pixels of the image that the model saw, inside of it and with an area. */
export interface Detection {
  readonly label: number;
  /** 0 to 1. */
  readonly score: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A map on the host. */
export interface DecodeMap {
  readonly values: Float32Array;
  readonly shape: readonly number[];
}

/** What is taken for a detection. */
export interface DetectionDecodeOptions {
  /** Default 0.05. */
  readonly minScore?: number;
  /** Default 100. */
  readonly maxDetections?: number;
  /** Boxes of one class that overlap a better one by more than this are dropped; default 0.5. 1 keeps all peaks. */
  readonly maxOverlap?: number;
  /** Pixels per cell; default 4. */
  readonly stride?: number;
  /** Of each image its sides in pixels without the pads at the right and at the bottom, where boxes are cut; default the whole map. */
  readonly sizes?: readonly ImageSize[];
}

const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit));

/**
 * The peaks of a heatmap (largest of their 3 x 3 neighbours) by falling score, with their boxes, of every image. Boxes are cut at the border of
 * the image; one of which nothing is left is dropped, and so is one that is no number.
 *
 * @param output `heatmap`: logits [B, h, w, classes]; `box`: [B, h, w, 4], width and height in cells, offset in x and y
 * @param options what counts as a peak, and the sizes of the images
 * @throws ShapeError when the maps do not go together, or sizes are not one for each image and above 0
 * @example
 * const [detections] = decodeDetections(output, { minScore: 0.3, sizes: [{ height: 480, width: 640 }] });
 */
export function decodeDetections(
  { heatmap, box }: { readonly heatmap: DecodeMap; readonly box: DecodeMap },
  options: DetectionDecodeOptions = {},
): Detection[][] {
  const { minScore = 0.05, maxDetections = 100, maxOverlap = 0.5, stride = 4 } = options;
  const [batch = 0, height = 0, width = 0, classes = 0] = heatmap.shape;
  if (heatmap.shape.length !== 4 || box.shape.join() !== [batch, height, width, 4].join()) {
    throw new ShapeError(
      `decodeDetections: expected heatmap [B, h, w, classes] and box [B, h, w, 4], got [${heatmap.shape.join(', ')}] and [${box.shape.join(', ')}].`,
    );
  }
  const sizes =
    options.sizes ?? Array.from({ length: batch }, () => ({ height: height * stride, width: width * stride }));
  checkSizes(sizes, batch);
  const lowest = minScore <= 0 ? Number.NEGATIVE_INFINITY : -Math.log(1 / minScore - 1);
  const scores = heatmap.values;
  return sizes.map((size, image) => {
    const at = (y: number, x: number, label: number): number =>
      y < 0 || x < 0 || y >= height || x >= width
        ? Number.NEGATIVE_INFINITY
        : (scores[((image * height + y) * width + x) * classes + label] ?? Number.NaN);
    const isPeak = (y: number, x: number, label: number, value: number): boolean => {
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) {
          if (dy === 0 && dx === 0) continue;
          const other = at(y + dy, x + dx, label);
          // of equal neighbours the first is the peak
          if (other > value || (other === value && (dy < 0 || (dy === 0 && dx < 0)))) return false;
        }
      }
      return true;
    };
    const peaks: { y: number; x: number; label: number; logit: number }[] = [];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        for (let label = 0; label < classes; label++) {
          const logit = at(y, x, label);
          if (logit >= lowest && isPeak(y, x, label, logit)) peaks.push({ y, x, label, logit });
        }
      }
    }
    peaks.sort((a, b) => b.logit - a.logit);
    const found: Detection[] = [];
    const boxesOf = Array.from({ length: classes }, (): CocoBox[] => []);
    for (const { y, x, label, logit } of peaks) {
      if (found.length >= maxDetections) break;
      const cell = ((image * height + y) * width + x) * 4;
      const [cells = 0, rows = 0, right = 0, down = 0] = box.values.subarray(cell, cell + 4);
      const own = cutBox([x + right, y + down, cells, rows], stride, size);
      if (own === null) continue;
      const better = boxesOf[label] ?? [];
      const overlaps = boxIou([own], better, new Array<boolean>(better.length).fill(false));
      if (overlaps.some((overlap) => overlap > maxOverlap)) continue;
      found.push({ label, score: sigmoid(logit), x: own[0], y: own[1], width: own[2], height: own[3] });
      better.push(own);
    }
    return found;
  });
}

/** The part of a box, in cells around its centre, that lies in the image, in pixels; null where there is none. */
function cutBox(
  [centreX, centreY, cells, rows]: readonly [number, number, number, number],
  stride: number,
  { height, width }: ImageSize,
): CocoBox | null {
  const [halfWidth, halfHeight] = [(cells * stride) / 2, (rows * stride) / 2];
  const left = Math.max(0, centreX * stride - halfWidth);
  const top = Math.max(0, centreY * stride - halfHeight);
  const across = Math.min(width, centreX * stride + halfWidth) - left;
  const down = Math.min(height, centreY * stride + halfHeight) - top;
  return across > 0 && down > 0 ? [left, top, across, down] : null;
}

function checkSizes(sizes: readonly ImageSize[], batch: number): void {
  if (sizes.length !== batch) {
    throw new ShapeError(`decodeDetections: expected sizes of ${batch} images, got ${sizes.length}.`);
  }
  for (const { height, width } of sizes) {
    if (!(height > 0 && width > 0 && Number.isFinite(height * width))) {
      throw new ShapeError(`decodeDetections: expected the sides of an image to be above 0, got ${height}x${width}.`);
    }
  }
}
