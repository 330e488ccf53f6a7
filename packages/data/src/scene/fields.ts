/** Fields: patches of one colour with crop rows in one direction and a hedge around them. */

import { mix } from './colour';
import { hashPoint, smoothStep } from './noise';

const fieldColours: readonly (readonly [number, number, number])[] = [
  [104, 134, 74],
  [122, 150, 84],
  [90, 124, 66],
  [146, 164, 96],
  [194, 178, 116],
  [178, 160, 102],
  [138, 112, 82],
  [152, 126, 94],
  [204, 194, 96],
];

/** Directions of crop rows: whole-number vectors, scaled to length 1 where they are used. */
const rowDirections: readonly (readonly [number, number])[] = [
  [1, 0],
  [0, 1],
  [3, 1],
  [-1, 3],
  [2, 1],
  [-1, 2],
  [1, 1],
  [1, -1],
];

/** Fields: the cells of points scattered on a lattice, each with a colour and a direction of its rows. */
export interface Fields {
  /** The size of things in pixels. */
  readonly unit: number;
  /** Lattice spacing in pixels. */
  readonly cell: number;
  readonly columns: number;
  readonly rows: number;
  readonly pointX: Float64Array;
  readonly pointY: Float64Array;
  readonly colour: Uint8Array;
  readonly directionX: Float64Array;
  readonly directionY: Float64Array;
  readonly period: Float64Array;
}

/** The lattice reaches two cells beyond the picture on every side, so that the warped search never leaves it. */
const fieldMargin = 2;

/** Scatters the fields of a scene. */
export function createFields(options: { seed: number; height: number; width: number; unit: number }): Fields {
  const { seed, height, width, unit } = options;
  const cell = 150 * unit;
  const columns = Math.ceil(width / cell) + 2 * fieldMargin;
  const rows = Math.ceil(height / cell) + 2 * fieldMargin;
  const count = columns * rows;
  const fields: Fields = {
    unit,
    cell,
    columns,
    rows,
    pointX: new Float64Array(count),
    pointY: new Float64Array(count),
    colour: new Uint8Array(count),
    directionX: new Float64Array(count),
    directionY: new Float64Array(count),
    period: new Float64Array(count),
  };
  for (let i = 0; i < count; i++) {
    const bits = hashPoint(i, 1, seed);
    const share = (shift: number): number => ((bits >>> shift) & 255) / 255;
    fields.pointX[i] = ((i % columns) - fieldMargin + 0.15 + 0.7 * share(0)) * cell;
    fields.pointY[i] = (Math.floor(i / columns) - fieldMargin + 0.15 + 0.7 * share(8)) * cell;
    const more = hashPoint(i, 2, seed);
    fields.colour[i] = more % fieldColours.length;
    const [dx, dy] = rowDirections[(more >>> 8) % rowDirections.length] ?? [1, 0];
    const norm = 1 / Math.sqrt(dx * dx + dy * dy);
    fields.directionX[i] = dx * norm;
    fields.directionY[i] = dy * norm;
    fields.period[i] = 5 + ((more >>> 16) & 3) * 1.5;
  }
  return fields;
}

/** Sets `colour` to that of the field at a pixel; the search point is moved by (warpX, warpY) so that borders are not straight. */
export function paintField(
  colour: Float64Array,
  fields: Fields,
  at: { x: number; y: number; warpX: number; warpY: number },
): void {
  const { unit, cell, columns, pointX, pointY } = fields;
  const { x, y, warpX, warpY } = at;
  const px = x + warpX;
  const py = y + warpY;
  const column = Math.floor(px / cell) + fieldMargin;
  const row = Math.floor(py / cell) + fieldMargin;
  let nearest = 0;
  let best = Number.POSITIVE_INFINITY;
  let second = Number.POSITIVE_INFINITY;
  for (let i = row - 1; i <= row + 1; i++) {
    for (let cellAt = i * columns + column - 1; cellAt <= i * columns + column + 1; cellAt++) {
      const dx = (pointX[cellAt] ?? 0) - px;
      const dy = (pointY[cellAt] ?? 0) - py;
      const distance = dx * dx + dy * dy;
      if (distance < best) {
        second = best;
        best = distance;
        nearest = cellAt;
      } else if (distance < second) {
        second = distance;
      }
    }
  }
  const [red, green, blue] = fieldColours[fields.colour[nearest] ?? 0] ?? [0, 0, 0];
  const along = (x * (fields.directionX[nearest] ?? 0) + y * (fields.directionY[nearest] ?? 0)) / unit;
  const phase = along / (fields.period[nearest] ?? 1);
  const wave = Math.abs(phase - Math.floor(phase) - 0.5) * 4 - 1; // a triangle wave in [-1, 1]
  const shade = 1 + 0.055 * wave;
  colour[0] = red * shade;
  colour[1] = green * shade;
  colour[2] = blue * shade;
  const toBorder = Math.sqrt(second) - Math.sqrt(best); // about twice the distance to the border
  mix(colour, 72, 92, 54, 0.85 * smoothStep(1.6 - toBorder / (5 * unit)));
}
