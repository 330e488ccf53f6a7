/**
 * Value noise, one row of pixels at a time: random values on a lattice, blended smoothly between. Only + - * / and square roots are
 * used for pictures, because these round the same in every JavaScript engine; sines and powers need not.
 */

/** 32 random bits that belong to a lattice point. */
export function hashPoint(x: number, y: number, seed: number): number {
  let h = Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ seed;
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
  return (h ^ (h >>> 15)) >>> 0;
}

/** 3t² - 2t³: from 0 to 1 without a corner at either end. */
export function smoothStep(t: number): number {
  const clamped = Math.max(0, Math.min(t, 1));
  return clamped * clamped * (3 - 2 * clamped);
}

/** A noise to draw from: lattice spacing in pixels of its coarsest octave, and the number of octaves, each half as coarse and half as strong. */
export interface Noise {
  readonly seed: number;
  readonly cell: number;
  readonly octaves: number;
}

/**
 * One row of a noise, values in [-1, 1]. Cells are rounded to whole pixels; octaves finer than a pixel are left out.
 *
 * @param row receives the values, one per pixel: [width]
 */
export function noiseRow(row: Float32Array, y: number, noise: Noise): Float32Array {
  row.fill(0);
  let cell = Math.max(1, Math.round(noise.cell));
  let strength = 0;
  for (let octave = 0, amplitude = 1; octave < noise.octaves && cell >= 1; octave++, amplitude /= 2) {
    addOctave(row, y, { cell, amplitude, seed: (noise.seed + octave * 0x51ed27) | 0 });
    strength += amplitude;
    cell = Math.floor(cell / 2);
  }
  for (let x = 0; x < row.length; x++) row[x] = (row[x] ?? 0) / strength;
  return row;
}

function addOctave(row: Float32Array, y: number, octave: { cell: number; amplitude: number; seed: number }): void {
  const { cell, amplitude, seed } = octave;
  const latticeY = Math.floor(y / cell);
  const weightY = smoothStep((y - latticeY * cell) / cell);
  const weights = Float64Array.from({ length: cell }, (_, i) => smoothStep(i / cell));
  const scale = amplitude / 0x7fffffff;
  const valueAt = (latticeX: number): number => {
    const top = hashPoint(latticeX, latticeY, seed) - 0x80000000;
    const bottom = hashPoint(latticeX, latticeY + 1, seed) - 0x80000000;
    return (top + (bottom - top) * weightY) * scale;
  };
  let left = valueAt(0);
  for (let x = 0, latticeX = 1; x < row.length; latticeX++) {
    const right = valueAt(latticeX);
    const end = Math.min(row.length, x + cell);
    for (let i = 0; x < end; i++, x++) row[x] = (row[x] ?? 0) + left + (right - left) * (weights[i] ?? 0);
    left = right;
  }
}

/** A smooth curve through random heights, spacing in pixels: for the course of a road. Values in [-1, 1]. */
export function noiseCurve(length: number, noise: Noise): Float32Array {
  return noiseRow(new Float32Array(length), 0, noise);
}
