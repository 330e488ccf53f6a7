/** The background of a scene, seen from above: fields with crop rows, woods, a lake, paths and roads, under large soft shadows. */

import { createRandom } from '@sparsevit/windows';
import type { RgbImage } from '../image';
import { mix, scale } from './colour';
import { createFields, paintField } from './fields';
import { noiseRow, smoothStep } from './noise';
import type { Road } from './roads';
import { layRoads, paintRoad } from './roads';

/** What lies at a pixel; objects are placed by it. */
export const groundKinds = { field: 0, wood: 1, water: 2, road: 3 } as const;

/** A painted background. */
export interface Ground {
  readonly image: RgbImage;
  /** One of `groundKinds` per pixel: [height * width]. */
  readonly kinds: Uint8Array;
  readonly roads: readonly Road[];
}

/**
 * Paints a background; `unit` is the size of things in pixels.
 *
 * @returns pixels, what lies where, and the roads
 */
export function paintGround(options: { seed: number; height: number; width: number; unit: number }): Ground {
  const { seed, height, width, unit } = options;
  const random = createRandom(seed);
  const nextSeed = (): number => random.integer(0, 2 ** 31);
  const roads = layRoads(random, height, width, unit);
  const row = (): Float32Array => new Float32Array(width);
  const noises = {
    warpX: { seed: nextSeed(), cell: 90 * unit, octaves: 3 },
    warpY: { seed: nextSeed(), cell: 90 * unit, octaves: 3 },
    lake: { seed: nextSeed(), cell: 300 * unit, octaves: 4 },
    wood: { seed: nextSeed(), cell: 200 * unit, octaves: 4 },
    crowns: { seed: nextSeed(), cell: 9 * unit, octaves: 2 },
    light: { seed: nextSeed(), cell: 380 * unit, octaves: 2 },
    soil: { seed: nextSeed(), cell: 40 * unit, octaves: 6 },
    grain: { seed: nextSeed(), cell: 2, octaves: 2 },
  };
  const rows = {
    warpX: row(),
    warpY: row(),
    lake: row(),
    wood: row(),
    crowns: row(),
    crownsAbove: row(),
    light: row(),
    soil: row(),
    grain: row(),
  };
  const fields = createFields({ seed: nextSeed(), height, width, unit });
  const pixels = new Uint8Array(height * width * 3);
  const kinds = new Uint8Array(height * width);
  const colour = new Float64Array(3);
  const reliefStep = Math.max(1, Math.round(1.5 * unit));
  const shoreWidth = 0.03;
  const waterLevel = 0.3;
  const woodLevel = 0.25;

  for (let y = 0; y < height; y++) {
    for (const name of ['warpX', 'warpY', 'lake', 'wood', 'crowns', 'light', 'soil', 'grain'] as const) {
      noiseRow(rows[name], y, noises[name]);
    }
    noiseRow(rows.crownsAbove, y + reliefStep, noises.crowns);
    for (let x = 0; x < width; x++) {
      const soil = rows.soil[x] ?? 0;
      const grain = rows.grain[x] ?? 0;
      const lake = (rows.lake[x] ?? 0) - waterLevel;
      const wood = (rows.wood[x] ?? 0) - woodLevel;
      let kind: number = groundKinds.field;
      if (lake < shoreWidth) {
        const woodShare = smoothStep(wood * 30 + soil);
        if (woodShare < 1) {
          const warpX = 26 * unit * (rows.warpX[x] ?? 0);
          const warpY = 26 * unit * (rows.warpY[x] ?? 0);
          paintField(colour, fields, { x, y, warpX, warpY });
          scale(colour, 1 + 0.26 * soil + 0.07 * grain);
        }
        if (woodShare > 0) {
          const crowns = rows.crowns[x] ?? 0;
          const relief = crowns - (rows.crownsAbove[Math.max(0, x - reliefStep)] ?? 0);
          const shade = 0.92 + 0.45 * crowns + 0.85 * relief + 0.1 * grain;
          mix(colour, 56 * shade, 86 * shade, 50 * shade, woodShare);
          if (woodShare > 0.3) kind = groundKinds.wood;
        }
      }
      if (lake > -shoreWidth) {
        const shade = 1 + 0.06 * grain + 0.1 * soil;
        mix(colour, 206 * shade, 190 * shade, 148 * shade, smoothStep((lake + shoreWidth) / 0.012));
        const depth = smoothStep(lake / 0.22);
        const ripple = 1 + 0.035 * soil + 0.012 * grain;
        mix(
          colour,
          (92 - 50 * depth) * ripple,
          (146 - 46 * depth) * ripple,
          (160 - 28 * depth) * ripple,
          smoothStep(lake / 0.01),
        );
        kind = groundKinds.water;
      }
      for (const road of roads) {
        if (road.kind === 'path' && kind === groundKinds.water) continue; // a path ends at the shore, a road has a bridge
        if (paintRoad(colour, road, { x, y, unit, grain })) kind = groundKinds.road;
      }
      const light = 1 + 0.16 * (rows.light[x] ?? 0);
      const at = y * width + x;
      for (let channel = 0; channel < 3; channel++) {
        const value = (colour[channel] ?? 0) * light + 0.5;
        pixels[3 * at + channel] = Math.max(0, Math.min(value, 255));
      }
      kinds[at] = kind;
    }
  }
  return { image: { pixels, height, width }, kinds, roads };
}
