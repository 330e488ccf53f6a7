/** From logits of a quarter of the sides to the class of every pixel, on the host. */

import type { Placement } from '@sparsevit/data';
import { ShapeError } from '@sparsevit/windows';
import type { DecodeMap } from './detections';

interface Sides {
  readonly height: number;
  readonly width: number;
}

/** Where an image lies in what the model saw: `letterbox` and `resizePlacement` of `@sparsevit/data` say it. */
export interface SeenPlacement {
  readonly placement: Placement;
  /** Sides of the image that the model saw, borders and all. */
  readonly seen: Sides;
}

/**
 * The class of each pixel: logits are resized bilinearly (half-pixel centres), the largest wins, the first of equal ones.
 *
 * @param logits [B, h, w, classes], at most 256 classes
 * @param size of the masks
 * @param placed where the pixels of the masks lie in the image that the model saw; default: they cover it. Logits are read at the pixels of
 * the original, so that a class is not decided at one size and then stretched to another
 * @returns one mask [height, width] per image
 * @throws ShapeError for another shape
 * @example
 * const { sample, placement } = letterbox({ id: 'photo', image: photo }, { height: 672, width: 672 });
 * const [mask] = decodeClasses(output.logits, photo, { placement, seen: sample.image });
 */
export function decodeClasses(
  logits: DecodeMap,
  { height, width }: Sides,
  placed: SeenPlacement = wholeImage({ height, width }),
): Uint8Array[] {
  const [batch = 0, rows = 0, columns = 0, classes = 0] = logits.shape;
  if (logits.shape.length !== 4 || rows < 1 || columns < 1 || classes < 1 || classes > 256) {
    throw new ShapeError(`decodeClasses: expected logits [B, h, w, 1 to 256], got [${logits.shape.join(', ')}].`);
  }
  const { placement, seen } = placed;
  const tall = shares(height, { scale: placement.scaleY, offset: placement.offsetY, seen: seen.height, cells: rows });
  const wide = shares(width, { scale: placement.scaleX, offset: placement.offsetX, seen: seen.width, cells: columns });
  const { values } = logits;
  const line = new Float64Array(columns * classes);
  return Array.from({ length: batch }, (_, image) => {
    const mask = new Uint8Array(height * width);
    for (let y = 0; y < height; y++) {
      const { low, high, share } = tall[y] as Share;
      const [top, bottom] = [low, high].map((row) => (image * rows + row) * columns * classes) as [number, number];
      for (let i = 0; i < line.length; i++) {
        line[i] = (values[top + i] ?? 0) * (1 - share) + (values[bottom + i] ?? 0) * share;
      }
      for (let x = 0; x < width; x++) {
        const { low: left, high: right, share: across } = wide[x] as Share;
        let best = 0;
        let bestValue = Number.NEGATIVE_INFINITY;
        for (let label = 0; label < classes; label++) {
          const value =
            (line[left * classes + label] ?? 0) * (1 - across) + (line[right * classes + label] ?? 0) * across;
          if (value > bestValue) [best, bestValue] = [label, value];
        }
        mask[y * width + x] = best;
      }
    }
    return mask;
  });
}

interface Share {
  readonly low: number;
  readonly high: number;
  readonly share: number;
}

const wholeImage = (seen: Sides): SeenPlacement => ({
  placement: { scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0 },
  seen,
});

/** The two cells around the middle of each pixel, and how far it is from the lower one. */
function shares(
  pixels: number,
  { scale, offset, seen, cells }: { scale: number; offset: number; seen: number; cells: number },
): Share[] {
  return Array.from({ length: pixels }, (_, i) => {
    const at = Math.min(cells - 1, Math.max(0, (((i + 0.5) * scale + offset) * cells) / seen - 0.5));
    const low = Math.floor(at);
    return { low, high: Math.min(cells - 1, low + 1), share: at - low };
  });
}
