/** From logits of a quarter of the sides to the class of every pixel, on the host. */

import { ShapeError } from '@sparsevit/windows';
import type { DecodeMap } from './detections';

/**
 * The class of each pixel: logits are resized bilinearly (half-pixel centres), the largest wins, the first of equal ones.
 *
 * @param logits [B, h, w, classes], at most 256 classes
 * @param size of the image that the model saw
 * @returns one mask [height, width] per image
 * @throws ShapeError for another shape
 * @example
 * const [mask] = decodeClasses(output.logits, { height: 480, width: 360 });
 */
export function decodeClasses(
  logits: DecodeMap,
  { height, width }: { readonly height: number; readonly width: number },
): Uint8Array[] {
  const [batch = 0, rows = 0, columns = 0, classes = 0] = logits.shape;
  if (logits.shape.length !== 4 || rows < 1 || columns < 1 || classes < 1 || classes > 256) {
    throw new ShapeError(`decodeClasses: expected logits [B, h, w, 1 to 256], got [${logits.shape.join(', ')}].`);
  }
  const tall = shares(rows, height);
  const wide = shares(columns, width);
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

function shares(from: number, to: number): Share[] {
  return Array.from({ length: to }, (_, i) => {
    const at = Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const low = Math.min(from - 1, Math.floor(at));
    return { low, high: Math.min(from - 1, low + 1), share: at - low };
  });
}
