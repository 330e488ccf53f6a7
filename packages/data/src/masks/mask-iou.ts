/** Overlaps of run-length masks, counted run against run. */

import { ConfigError } from '@sparsevit/windows';
import { boxIou, boxOf, checkCrowds } from './boxes';
import type { Rle } from './rle';
import { areaOf, checkRle } from './rle';

/**
 * Overlaps of masks: `intersection / union`, and `intersection / area of the detection` where the truth is a crowd; 0 where both are empty.
 *
 * @param isCrowd one per truth
 * @returns [detections, truths], row-major
 * @throws ConfigError when a mask is not one, sizes differ, or isCrowd is of another length
 * @example
 * maskIou([detection], [truth], [false])[0];
 */
export function maskIou(detections: readonly Rle[], truths: readonly Rle[], isCrowd: readonly boolean[]): Float64Array {
  checkCrowds(truths.length, isCrowd, 'maskIou');
  checkSameSize([...detections, ...truths]);
  const overlaps = new Float64Array(detections.length * truths.length);
  const areas = { detections: detections.map(areaOf), truths: truths.map(areaOf) };
  // Most pairs of an image are far apart: their boxes say so at once.
  const boxes = boxIou(detections.map(boxOf), truths.map(boxOf), isCrowd);
  for (const [d, detection] of detections.entries()) {
    for (const [t, truth] of truths.entries()) {
      const at = d * truths.length + t;
      if (boxes[at] === 0) continue;
      const shared = sharedPixels(detection.counts, truth.counts);
      const area = areas.detections[d] ?? 0;
      overlaps[at] = shared / (isCrowd[t] ? area : area + (areas.truths[t] ?? 0) - shared);
    }
  }
  return overlaps;
}

function checkSameSize(rles: readonly Rle[]): void {
  const [first] = rles;
  for (const rle of rles) {
    const { size } = checkRle(rle, 'maskIou');
    if (first !== undefined && (size[0] !== first.size[0] || size[1] !== first.size[1])) {
      throw new ConfigError(
        `maskIou: expected masks of one size, got ${first.size.join('x')} and ${size.join('x')}. Compare masks of one image.`,
      );
    }
  }
}

/** Counts the pixels that both masks have: walks both lists of runs at once, always past the run that ends first. */
function sharedPixels(a: Uint32Array, b: Uint32Array): number {
  let [runA, runB, at, shared] = [0, 0, 0, 0];
  let [endA, endB] = [a[0] ?? 0, b[0] ?? 0];
  while (runA < a.length && runB < b.length) {
    const end = Math.min(endA, endB);
    // Odd runs are of ones.
    if (runA % 2 === 1 && runB % 2 === 1) shared += end - at;
    at = end;
    if (endA === end) endA += a[++runA] ?? 0;
    if (endB === end) endB += b[++runB] ?? 0;
  }
  return shared;
}
