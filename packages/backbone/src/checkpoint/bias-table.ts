/** A bias table for another window: what a checkpoint trained with one window needs to run with another. */

import { ShapeError } from '@sparsevit/windows';
import type { HostTensor } from '../weights';

/** The constant of the cubic kernel that PyTorch's `interpolate(mode='bicubic')` uses. */
const cubicA = -0.75;

/** The side of the window of a table with (2M - 1)² rows; null when no window has that many. */
export function windowOfTable(rows: number): number | null {
  const side = Math.round(Math.sqrt(rows));
  return side * side === rows && side % 2 === 1 ? (side + 1) / 2 : null;
}

/**
 * Resizes a relative position bias table from its window to another by bicubic interpolation over the offsets, head by head
 * (a = -0.75, `align_corners=False`, borders repeated), as Microsoft's and mmdetection's loaders do.
 *
 * @param table [(2M - 1)², heads]
 * @param window the other M
 * @returns [(2 window - 1)², heads]; the same values when the window is the same
 * @throws ShapeError when the table is none, or the window is not an integer of at least 1
 * @example
 * resizeBiasTable({ values: new Float32Array(169 * 3), shape: [169, 3] }, 12).shape; // [529, 3]
 */
export function resizeBiasTable(table: HostTensor, window: number): HostTensor {
  const [rows = 0, heads = 0] = table.shape;
  const from = windowOfTable(rows);
  if (table.shape.length !== 2 || from === null || table.values.length !== rows * heads) {
    throw new ShapeError(`resizeBiasTable: expected a table [(2M - 1)², heads], got [${table.shape.join(', ')}].`);
  }
  if (!Number.isInteger(window) || window < 1) {
    throw new ShapeError(`resizeBiasTable: expected window to be an integer of at least 1, got ${window}.`);
  }
  if (window === from) return { values: table.values.slice(), shape: table.shape };

  const oldSide = 2 * from - 1;
  const side = 2 * window - 1;
  const taps = cubicTaps(oldSide, side);
  const values = new Float32Array(side * side * heads);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      for (let head = 0; head < heads; head++) {
        let sum = 0;
        for (const down of taps[y] ?? []) {
          for (const across of taps[x] ?? []) {
            const value = table.values[(down.from * oldSide + across.from) * heads + head] ?? 0;
            sum += down.weight * across.weight * value;
          }
        }
        values[(y * side + x) * heads + head] = sum;
      }
    }
  }
  return { values, shape: [side * side, heads] };
}

interface Tap {
  readonly from: number;
  readonly weight: number;
}

/** For each place of the new axis the four places of the old one that it is made of. */
function cubicTaps(oldSide: number, side: number): Tap[][] {
  return Array.from({ length: side }, (_, i) => {
    const place = ((i + 0.5) * oldSide) / side - 0.5;
    const first = Math.floor(place) - 1;
    return [0, 1, 2, 3].map((tap) => ({
      from: Math.min(oldSide - 1, Math.max(0, first + tap)),
      weight: cubic(Math.abs(place - (first + tap))),
    }));
  });
}

/** The cubic convolution kernel at a distance of 0 to 2. Source: Keys 1981. */
function cubic(distance: number): number {
  const a = cubicA;
  if (distance <= 1) return ((a + 2) * distance - (a + 3)) * distance * distance + 1;
  return ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a;
}
