/** Roads and paths: smooth curves across the whole scene, from the left to the right or from the top to the bottom. */

import type { Random } from '@sparsevit/windows';
import { mix } from './colour';
import { noiseCurve, smoothStep } from './noise';

/** A road, by its centre line. */
export interface Road {
  readonly kind: 'road' | 'path';
  readonly isHorizontal: boolean;
  /** The centre line: y per x of a horizontal road, x per y of another, in pixels. */
  readonly centre: Float32Array;
  /** Factor from the distance along the axis to the distance across the road: 1 / sqrt(1 + slope²). */
  readonly across: Float32Array;
  readonly halfWidth: number;
}

/** The most roads in one direction: every pixel looks at each, and a picture may be very long. */
const maxRoads = 8;

/** The roads and paths of a scene; `unit` is the size of things in pixels. */
export function layRoads(random: Random, height: number, width: number, unit: number): Road[] {
  const roads: Road[] = [];
  const lay = (kind: Road['kind'], isHorizontal: boolean, share: number): void => {
    const length = isHorizontal ? width : height;
    const span = isHorizontal ? height : width;
    const halfWidth = (kind === 'road' ? 9 : 3.2) * unit;
    const noise = { seed: random.integer(0, 2 ** 31), cell: (kind === 'road' ? 300 : 150) * unit, octaves: 2 };
    const bend = (kind === 'road' ? 70 : 60) * unit;
    const centre = noiseCurve(length, noise).map((value) => share * span + value * bend);
    const across = new Float32Array(length);
    for (let i = 0; i < length; i++) {
      const slope = ((centre[Math.min(i + 4, length - 1)] ?? 0) - (centre[Math.max(i - 4, 0)] ?? 0)) / 8;
      across[i] = 1 / Math.sqrt(1 + slope * slope);
    }
    roads.push({ kind, isHorizontal, centre, across, halfWidth });
  };
  const repeat = (side: number): number => Math.max(1, Math.min(maxRoads, Math.round(side / (620 * unit))));
  const layAll = (kind: Road['kind'], isHorizontal: boolean, count: number): void => {
    for (let i = 0; i < count; i++) lay(kind, isHorizontal, (i + 0.25 + 0.5 * random.uniform()) / count);
  };
  layAll('path', false, repeat(width));
  layAll('road', true, repeat(height));
  layAll('road', false, repeat(width) - 1);
  return roads;
}

/** Where a road runs at a position along its axis: its centre and its direction, a unit vector. */
export function roadAt(road: Road, along: number): { x: number; y: number; directionX: number; directionY: number } {
  const at = Math.floor(along);
  const centre = road.centre[at] ?? 0;
  const before = road.centre[Math.max(at - 4, 0)] ?? 0;
  const after = road.centre[Math.min(at + 4, road.centre.length - 1)] ?? 0;
  const slope = (after - before) / 8;
  const norm = 1 / Math.sqrt(1 + slope * slope);
  return road.isHorizontal
    ? { x: at, y: centre, directionX: norm, directionY: slope * norm }
    : { x: centre, y: at, directionX: slope * norm, directionY: norm };
}

/** Paints what a road shows at a pixel; true when the pixel lies on it. */
export function paintRoad(
  colour: Float64Array,
  road: Road,
  at: { x: number; y: number; unit: number; grain: number },
): boolean {
  const { x, y, unit, grain } = at;
  const along = road.isHorizontal ? x : y;
  const offset = (road.isHorizontal ? y : x) - (road.centre[along] ?? 0);
  const reach = road.halfWidth + 4 * unit;
  if (offset > 2 * reach || offset < -2 * reach) return false;
  const distance = Math.abs(offset) * (road.across[along] ?? 1);
  if (distance > reach) return false;
  if (road.kind === 'path') {
    const shade = 1 + 0.09 * grain;
    mix(colour, 196 * shade, 176 * shade, 138 * shade, 0.9 * smoothStep((road.halfWidth - distance) / unit + 0.5));
    return distance < road.halfWidth;
  }
  mix(colour, 150, 146, 120, 0.7 * smoothStep((reach - distance) / (2 * unit)));
  const asphalt = 104 * (1 + 0.06 * grain);
  mix(colour, asphalt, asphalt, asphalt + 5, smoothStep(road.halfWidth - distance + 0.5));
  const edge = Math.abs(distance - (road.halfWidth - 1.4 * unit));
  mix(colour, 214, 214, 208, 0.8 * smoothStep(0.45 * unit - edge + 0.5));
  const isDash = along % (22 * unit) < 11 * unit;
  if (isDash) mix(colour, 232, 230, 220, 0.9 * smoothStep(0.5 * unit - distance + 0.5));
  return distance < road.halfWidth;
}
