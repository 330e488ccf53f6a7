/** What a detector is to learn from boxes: heatmaps, sizes, offsets. Source: Objects as Points, section 3, with the radius of CornerNet. */

import { ConfigError } from '@sparsevit/windows';

/** A box with its class, in pixels. */
export interface TargetBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly label: number;
}

/** Targets of a batch on the host. */
export interface DetectionTargets {
  /** `[B, h, w, classes]`: 1 at centres, falling around them. */
  readonly heatmap: Float32Array;
  /** [B, h, w, 4] at centres: width and height in cells, offset in x and y; 0 elsewhere. */
  readonly box: Float32Array;
  /** `[B, h, w, 1]`: 1 at centres. */
  readonly mask: Float32Array;
  readonly shape: readonly [number, number, number];
  /** Cells that are centres of any class, and centres of any class in any cell. */
  readonly centres: number;
  readonly heatmapCentres: number;
}

/**
 * The largest radius at which a box that is moved by it in the worst way still overlaps its own by `overlap`: the least of three roots. Source:
 * CornerNet, section 3.2, with the roots taken right, and the overlap of 0.3 that goes with them in mmdetection.
 */
export function centreRadius(width: number, height: number, overlap = 0.3): number {
  // one corner out and one in; both in; both out: intersection over union as quadratics in the radius
  const root = (a: number, b: number, c: number): number => (-b + Math.sqrt(Math.max(0, b * b - 4 * a * c))) / (2 * a);
  const sum = width + height;
  const area = width * height;
  const mixed = (sum - Math.sqrt(Math.max(0, sum * sum - (4 * area * (1 - overlap)) / (1 + overlap)))) / 2;
  const inside = (2 * sum - Math.sqrt(Math.max(0, 4 * sum * sum - 16 * (1 - overlap) * area))) / 8;
  const outside = root(4 * overlap, 2 * overlap * sum, (overlap - 1) * area);
  return Math.max(0, Math.min(mixed, inside, outside));
}

/**
 * Heatmap, size and offset of the boxes of a batch. Where two centres fall into one cell the smaller box has it; a box whose centre is outside of
 * the image is left out.
 *
 * @param boxes per image
 * @param size of the map: height and width in cells
 * @param options `stride`: pixels per cell; default 4
 * @throws ConfigError for a label that is no class, or a box without area
 * @example
 * const targets = detectionTargets([boxes], { height: 128, width: 128 }, { classes: 5 });
 */
export function detectionTargets(
  boxes: readonly (readonly TargetBox[])[],
  { height, width }: { readonly height: number; readonly width: number },
  { classes, stride = 4 }: { readonly classes: number; readonly stride?: number },
): DetectionTargets {
  const batch = boxes.length;
  const cells = height * width;
  const heatmap = new Float32Array(batch * cells * classes);
  const box = new Float32Array(batch * cells * 4);
  const mask = new Float32Array(batch * cells);
  let centres = 0;
  let heatmapCentres = 0;
  for (const [image, ofImage] of boxes.entries()) {
    // large boxes first, so that small ones have the last word
    for (const target of [...ofImage].sort((a, b) => b.width * b.height - a.width * a.height)) {
      if (!(target.width > 0 && target.height > 0)) {
        throw new ConfigError(`detectionTargets: expected boxes with an area, got ${target.width}x${target.height}.`);
      }
      if (!Number.isInteger(target.label) || target.label < 0 || target.label >= classes) {
        throw new ConfigError(`detectionTargets: expected labels from 0 to ${classes - 1}, got ${target.label}.`);
      }
      const centreX = (target.x + target.width / 2) / stride;
      const centreY = (target.y + target.height / 2) / stride;
      const [x, y] = [Math.floor(centreX), Math.floor(centreY)];
      if (!(x >= 0 && y >= 0 && x < width && y < height)) continue;
      const radius = Math.max(0, Math.floor(centreRadius(target.width / stride, target.height / stride)));
      splat(heatmap, { image, y, x, label: target.label, radius, height, width, classes });
      const cell = image * cells + y * width + x;
      if (mask[cell] === 0) centres++;
      mask[cell] = 1;
      box.set([target.width / stride, target.height / stride, centreX - x, centreY - y], cell * 4);
    }
  }
  for (const value of heatmap) if (value === 1) heatmapCentres++;
  return { heatmap, box, mask, shape: [batch, height, width], centres, heatmapCentres };
}

interface Splat {
  readonly image: number;
  readonly y: number;
  readonly x: number;
  readonly label: number;
  readonly radius: number;
  readonly height: number;
  readonly width: number;
  readonly classes: number;
}

/** A Gaussian of deviation (2 radius + 1) / 6 around a centre; the larger of it and what is there. */
function splat(heatmap: Float32Array, { image, y, x, label, radius, height, width, classes }: Splat): void {
  const deviation = (2 * radius + 1) / 6;
  for (let dy = -radius; dy <= radius; dy++) {
    for (let dx = -radius; dx <= radius; dx++) {
      const [row, column] = [y + dy, x + dx];
      if (row < 0 || column < 0 || row >= height || column >= width) continue;
      const at = ((image * height + row) * width + column) * classes + label;
      const value = dx === 0 && dy === 0 ? 1 : Math.exp(-(dx * dx + dy * dy) / (2 * deviation * deviation));
      heatmap[at] = Math.max(heatmap[at] ?? 0, value);
    }
  }
}
