/**
 * Polygons to masks, pixel for pixel as pycocotools does it, because the areas and overlaps of COCO are defined by that: the outline
 * is drawn on a grid of 5 x 5 points per pixel, the points where it crosses the middle of a pixel column are kept, and each
 * crossing is where the column turns from outside to inside or back.
 */

import { ConfigError } from '@sparsevit/windows';
import type { ImageSize } from '../resample';
import { mergeRles } from './merge';
import type { Rle } from './rle';
import { checkSize } from './rle';

/** Points of the fine grid per pixel, along either axis. */
const scale = 5;
/** The outline is walked point by point; this bounds the time that one edge can ask for. */
const maxCoordinate = 100_000;

/**
 * Draws polygons as one mask, their union; equal to pycocotools to the bit, also where a polygon leaves the image or crosses itself.
 *
 * @param polygons each x, y, x, y, ... in pixels, three points or more, closed by itself
 * @throws ConfigError when there is no polygon, one has less than 6 or an odd count of numbers, or a number is not finite or beyond 100 000
 * @example
 * areaOf(rleFromPolygons([[1, 1, 5, 1, 5, 4, 1, 4]], 10, 10)); // 12
 */
export function rleFromPolygons(polygons: readonly (readonly number[])[], height: number, width: number): Rle {
  checkPolygons(polygons, { height, width });
  return mergeRles(polygons.map((polygon) => rleFromPolygon(polygon, height, width)));
}

/** Returns the polygons if a mask of this size can be drawn of them. */
export function checkPolygons(
  polygons: readonly (readonly number[])[],
  { height, width }: ImageSize,
): readonly (readonly number[])[] {
  checkSize([height, width], 'rleFromPolygons', (message) => new ConfigError(message));
  if (!Array.isArray(polygons) || polygons.length === 0) {
    throw new ConfigError('rleFromPolygons: expected a list of one or more polygons, got none.');
  }
  for (const [index, polygon] of polygons.entries()) checkPolygon(polygon, index);
  return polygons;
}

function checkPolygon(polygon: readonly number[], index: number): void {
  if (!Array.isArray(polygon) || polygon.length < 6 || polygon.length % 2 !== 0) {
    const got = Array.isArray(polygon) ? `${polygon.length} numbers` : typeof polygon;
    throw new ConfigError(
      `rleFromPolygons: expected polygon ${index} to be x, y pairs of three or more points, got ${got}.`,
    );
  }
  const at = polygon.findIndex((value) => typeof value !== 'number' || !(Math.abs(value) <= maxCoordinate));
  if (at >= 0) {
    throw new ConfigError(
      `rleFromPolygons: expected coordinates of polygon ${index} between -${maxCoordinate} and ${maxCoordinate}, got ${polygon[at]}.`,
    );
  }
}

function rleFromPolygon(polygon: readonly number[], height: number, width: number): Rle {
  // The end of the image closes the last run, whatever the crossings are.
  const turns = Float64Array.from([...crossingsOf(polygon, height, width), height * width]).sort();
  const counts: number[] = [];
  let last = 0;
  let isJoining = false;
  for (const turn of turns) {
    const length = turn - last;
    last = turn;
    if (isJoining) {
      counts[counts.length - 1] = (counts.at(-1) ?? 0) + length;
      isJoining = false;
    } else if (length > 0 || counts.length === 0) counts.push(length);
    // Two turns at one place cancel: the run before goes on.
    else isJoining = true;
  }
  return { size: [height, width], counts: Uint32Array.from(counts) };
}

/** Lists where the outline crosses the middle of a pixel column, as column-major pixels of the first row below the crossing. */
function crossingsOf(polygon: readonly number[], height: number, width: number): number[] {
  const crossings: number[] = [];
  let [lastX, lastY] = [Number.NaN, Number.NaN];
  walkOutline(polygon, (x, y) => {
    if (x !== lastX && !Number.isNaN(lastX)) {
      // The step from x to x + 1 of the fine grid is the middle of a pixel where x is 2 above a multiple of 5.
      const column = (Math.min(x, lastX) + 0.5) / scale - 0.5;
      if (Number.isInteger(column) && column >= 0 && column <= width - 1) {
        const row = (Math.min(y, lastY) + 0.5) / scale - 0.5;
        crossings.push(column * height + Math.ceil(Math.min(Math.max(row, 0), height)));
      }
    }
    lastX = x;
    lastY = y;
  });
  return crossings;
}

/** Walks the closed outline on the fine grid: each edge has a point per step along its longer axis, both ends included. */
function walkOutline(polygon: readonly number[], visit: (x: number, y: number) => void): void {
  const fine = polygon.map((value) => Math.trunc(scale * value + 0.5));
  for (let at = 0; at < fine.length; at += 2) {
    const next = (at + 2) % fine.length;
    const [fromX, fromY, toX, toY] = [fine[at] ?? 0, fine[at + 1] ?? 0, fine[next] ?? 0, fine[next + 1] ?? 0];
    if (Math.abs(toX - fromX) >= Math.abs(toY - fromY)) walkEdge([fromX, fromY], [toX, toY], visit);
    else walkEdge([fromY, fromX], [toY, toX], (y, x) => visit(x, y));
  }
}

/** Walks one edge in steps of 1 along its longer axis, which is the first of each point. */
function walkEdge(
  from: readonly [along: number, across: number],
  to: readonly [along: number, across: number],
  visit: (along: number, across: number) => void,
): void {
  const steps = Math.abs(to[0] - from[0]);
  const isFlipped = from[0] > to[0];
  // Rounding depends on the direction, so an edge is computed from its lower end: two shapes agree on the edge they share.
  const [low, high] = isFlipped ? [to, from] : [from, to];
  const slope = steps === 0 ? 0 : (high[1] - low[1]) / steps;
  for (let step = 0; step <= steps; step++) {
    const along = isFlipped ? steps - step : step;
    visit(low[0] + along, Math.trunc(low[1] + slope * along + 0.5));
  }
}
