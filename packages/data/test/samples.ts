/** Samples for tests: every pixel differs, and each box is filled in the mask with its label plus 1. */

import type { Random } from '@sparsevit/windows';
import type { LabelledBox, Sample } from '../src/index';

/** A sample of noise with boxes in whole pixels, which do not overlap. */
export function sampleOf(options: { random: Random; height: number; width: number }): Sample {
  const { random, height, width } = options;
  const pixels = Uint8Array.from({ length: height * width * 3 }, () => random.integer(0, 256));
  const mask = new Uint8Array(height * width);
  const boxes: LabelledBox[] = [];
  for (let tries = 0; tries < 6; tries++) {
    const boxWidth = random.integer(2, Math.max(3, width / 2));
    const boxHeight = random.integer(2, Math.max(3, height / 2));
    const box = {
      x: random.integer(0, width - boxWidth + 1),
      y: random.integer(0, height - boxHeight + 1),
      width: boxWidth,
      height: boxHeight,
      label: boxes.length,
    };
    const isFree = boxes.every(
      (other) =>
        box.x >= other.x + other.width ||
        other.x >= box.x + box.width ||
        box.y >= other.y + other.height ||
        other.y >= box.y + box.height,
    );
    if (!isFree) continue;
    boxes.push(box);
    for (let y = box.y; y < box.y + box.height; y++) {
      mask.fill(box.label + 1, y * width + box.x, y * width + box.x + box.width);
    }
  }
  return { id: 'sample', image: { pixels, height, width }, boxes, mask };
}

/** Where a class lies in a mask: the box of its pixels, or null. */
export function extentOf(sample: Sample, maskClass: number): Omit<LabelledBox, 'label'> | null {
  const { mask = new Uint8Array() } = sample;
  const { width } = sample.image;
  const columns: number[] = [];
  const rows: number[] = [];
  mask.forEach((value, i) => {
    if (value !== maskClass) return;
    columns.push(i % width);
    rows.push(Math.floor(i / width));
  });
  if (columns.length === 0) return null;
  const [x, y] = [Math.min(...columns), Math.min(...rows)];
  return { x, y, width: Math.max(...columns) - x + 1, height: Math.max(...rows) - y + 1 };
}
