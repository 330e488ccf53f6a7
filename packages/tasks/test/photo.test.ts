import { saveCheckpoint } from '@sparsevit/backbone';
import type { RgbImage } from '@sparsevit/data';
import { createRandom } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import type { TaskInput, TaskOutput } from '../src/index';
import { decodePhoto, isTaskFile, saveTask, seenPhoto } from '../src/index';
import { configs, randomTask } from './cases/tiny';

const normalization = { mean: [0, 0, 0], std: [1, 1, 1] };

function photoOf(height: number, width: number, seed = 1): RgbImage {
  const random = createRandom(seed);
  return { pixels: Uint8Array.from({ length: height * width * 3 }, () => random.integer(0, 256)), height, width };
}

type Map = { values: Float32Array; shape: readonly number[] };
const task = { classes: ['car', 'disc'] };

describe('a photo as it is seen', () => {
  test('at its own size it is itself', () => {
    const photo = photoOf(9, 7);
    const { seen, placement } = seenPhoto(photo, { size: null, keepRatio: true });
    expect(seen).toBe(photo);
    expect(placement).toEqual({ scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0 });
  });

  test('stretched to a size, each side has its own scale', () => {
    const { seen, placement } = seenPhoto(photoOf(20, 10), { size: { height: 10, width: 30 }, keepRatio: false });
    expect([seen.height, seen.width, seen.pixels.length]).toEqual([10, 30, 900]);
    expect(placement).toEqual({ scaleX: 3, scaleY: 0.5, offsetX: 0, offsetY: 0 });
  });

  test('with its ratio it lies in the upper left corner, and the rest is black', () => {
    const white = { pixels: new Uint8Array(20 * 10 * 3).fill(255), height: 20, width: 10 };
    const { seen, placement } = seenPhoto(white, { size: { height: 10, width: 30 }, keepRatio: true });
    expect(placement).toEqual({ scaleX: 0.5, scaleY: 0.5, offsetX: 0, offsetY: 0 });
    const columns = Array.from({ length: 30 }, (_, x) => seen.pixels[(4 * 30 + x) * 3]);
    expect(columns).toEqual([...Array(5).fill(255), ...Array(25).fill(0)]);
  });
});

describe('what is said, in pixels of the photo', () => {
  /** A detector that is sure of one box: given in pixels of the photo, placed as the task sees it. */
  function outputOf(
    box: { x: number; y: number; width: number; height: number; label: number; logit: number },
    { seen, placement }: ReturnType<typeof seenPhoto>,
  ): TaskOutput<Map> {
    const [rows, columns] = [Math.ceil(seen.height / 4), Math.ceil(seen.width / 4)];
    const heatmap = new Float32Array(rows * columns * 2).fill(-20);
    const boxes = new Float32Array(rows * columns * 4);
    const centreX = ((box.x + box.width / 2) * placement.scaleX) / 4;
    const centreY = ((box.y + box.height / 2) * placement.scaleY) / 4;
    const cell = Math.floor(centreY) * columns + Math.floor(centreX);
    heatmap[cell * 2 + box.label] = box.logit;
    const sides = [(box.width * placement.scaleX) / 4, (box.height * placement.scaleY) / 4];
    boxes.set([...sides, centreX - Math.floor(centreX), centreY - Math.floor(centreY)], cell * 4);
    return {
      kind: 'detection',
      heatmap: { values: heatmap, shape: [1, rows, columns, 2] },
      box: { values: boxes, shape: [1, rows, columns, 4] },
    };
  }

  test('a box is found where it is in the photo, whatever the task saw of it', () => {
    const random = createRandom(7);
    for (let i = 0; i < 60; i++) {
      const photo = photoOf(random.integer(30, 120), random.integer(30, 120));
      const size = { height: 4 * random.integer(8, 30), width: 4 * random.integer(8, 30) };
      const input: Pick<TaskInput, 'size' | 'keepRatio'> = { size: i % 3 === 0 ? null : size, keepRatio: i % 2 === 0 };
      const placed = seenPhoto(photo, input);
      const [x, y] = [random.uniform() * photo.width * 0.6, random.uniform() * photo.height * 0.6];
      const box = { x, y, width: photo.width * 0.3, height: photo.height * 0.3, label: i % 2, logit: 2 };
      const found = decodePhoto(outputOf(box, placed), photo, { task, ...placed });
      if (found.kind !== 'boxes') throw new Error(`expected boxes, got ${found.kind}`);
      expect(found.detections).toHaveLength(1);
      expect(found.detections[0]).toMatchObject({ label: box.label, className: task.classes[box.label] });
      for (const side of ['x', 'y', 'width', 'height'] as const) {
        expect(found.detections[0]?.[side]).toBeCloseTo(box[side], 3);
      }
    }
  });

  test('a box that reaches over the border is cut there, and not at the pads', () => {
    const photo = photoOf(40, 40);
    const placed = seenPhoto(photo, { size: { height: 40, width: 80 }, keepRatio: true });
    const output = outputOf({ x: 20, y: 10, width: 30, height: 8, label: 0, logit: 4 }, placed);
    const found = decodePhoto(output, photo, { task, ...placed });
    expect(found).toMatchObject({ kind: 'boxes', detections: [{ x: 20, y: 10, width: 20, height: 8 }] });
  });

  test('boxes below the least score are left out', () => {
    const photo = photoOf(40, 40);
    const placed = seenPhoto(photo, { size: null, keepRatio: false });
    const score = (logit: number): number => 1 / (1 + Math.exp(-logit));
    for (const logit of [-2, -1, 0, 1]) {
      const output = outputOf({ x: 8, y: 8, width: 16, height: 16, label: 1, logit }, placed);
      const counts = [undefined, 0.2, 0.6].map((minScore) => {
        const found = decodePhoto(output, photo, { task, ...placed, minScore });
        return found.kind === 'boxes' ? found.detections.length : -1;
      });
      expect(counts).toEqual([0.3, 0.2, 0.6].map((least) => (score(logit) >= least ? 1 : 0)));
    }
  });

  test('a mask has the sides of the photo, without what lies in the pads', () => {
    const photo = photoOf(24, 12);
    const placed = seenPhoto(photo, { size: { height: 48, width: 48 }, keepRatio: true });
    // class 1 right of column 24 of what was seen: all of it is pads, as the photo is 24 columns wide there
    const logits = Float32Array.from({ length: 12 * 12 * 2 }, (_, i) => {
      const column = Math.floor(i / 2) % 12;
      return (i % 2 === 1) === column >= 7 ? 1 : 0;
    });
    const output: TaskOutput<Map> = {
      kind: 'semantic',
      logits: { values: logits, shape: [1, 12, 12, 2] },
      auxiliaryLogits: null,
    };
    const found = decodePhoto(output, photo, { task, ...placed });
    expect(found).toEqual({ kind: 'mask', mask: new Uint8Array(24 * 12) });
  });

  test('classes by probability, the lower of equal ones first', () => {
    const output: TaskOutput<Map> = {
      kind: 'classification',
      logits: { values: Float32Array.of(1000, 1001, 1000), shape: [1, 3] },
    };
    const photo = photoOf(4, 4);
    const found = decodePhoto(output, photo, {
      task: { classes: ['a', 'b', 'c'] },
      ...seenPhoto(photo, { size: null, keepRatio: false }),
    });
    if (found.kind !== 'label') throw new Error(`expected a label, got ${found.kind}`);
    expect(found.classes.map(({ className, label }) => [className, label])).toEqual([
      ['b', 1],
      ['a', 0],
      ['c', 2],
    ]);
    const share = 1 / (Math.E + 2);
    const probabilities = found.classes.map(({ probability }) => probability);
    for (const [i, expected] of [Math.E * share, share, share].entries()) {
      expect(probabilities[i]).toBeCloseTo(expected, 12);
    }
  });
});

test('a task file is told from a bare Swin, and from what is neither', () => {
  const checkpoint = {
    ...randomTask(configs.detection as never),
    input: { size: null, keepRatio: false, normalization },
  };
  expect(isTaskFile(saveTask(checkpoint))).toBe(true);
  expect(isTaskFile(saveCheckpoint({ ...checkpoint.backbone, sparsity: null }))).toBe(false);
  for (const bytes of [new Uint8Array(0), new Uint8Array(64), new TextEncoder().encode('<!doctype html>')]) {
    expect(isTaskFile(bytes)).toBe(false);
  }
});
