/** What an evaluation on COCO takes, an image at a time, and the checks of it. */

import type { CocoBox, Rle } from '@sparsevit/data';
import { checkBox, checkRle } from '@sparsevit/data';
import { ConfigError } from '@sparsevit/windows';

/** What is compared: boxes (`bbox` in pycocotools) or masks (`segm`). */
export type CocoKind = 'box' | 'mask';

/** An object in an image; has a box or a mask, or both, so that evaluators of both kinds take it. */
export interface CocoTruth {
  readonly categoryId: number;
  /** Pixels of the object, which is its size also where boxes are compared. */
  readonly area: number;
  /** A group that is not told apart: what lies in it is neither right nor wrong. */
  readonly isCrowd?: boolean;
  readonly box?: CocoBox;
  readonly mask?: Rle;
}

/** What a model found in an image. */
export interface CocoDetection {
  readonly categoryId: number;
  readonly score: number;
  readonly box?: CocoBox;
  readonly mask?: Rle;
}

interface CheckOptions {
  readonly kind: CocoKind;
  readonly isKnown: (categoryId: number) => boolean;
  /** What the error calls the item. */
  readonly name: string;
}

/** Checks an object: a known category, an area of at least 0, and the box or the mask that is compared. */
export function checkTruth(truth: CocoTruth, options: CheckOptions): void {
  checkItem(truth, options);
  if (!Number.isFinite(truth.area) || truth.area < 0) {
    throw new ConfigError(`${options.name}: expected an area of at least 0 pixels, got ${truth.area}.`);
  }
}

/** Checks a detection: a known category, a finite score, and the box or the mask that is compared. */
export function checkDetection(detection: CocoDetection, options: CheckOptions): void {
  checkItem(detection, options);
  if (!Number.isFinite(detection.score)) {
    throw new ConfigError(`${options.name}: expected a finite score, got ${detection.score}.`);
  }
}

/** Checks an id; `expected` opens the error's message. */
export function checkId(id: number, expected: string): void {
  if (!Number.isSafeInteger(id)) throw new ConfigError(`${expected} as a whole number, got ${String(id)}.`);
}

function checkItem(item: CocoTruth | CocoDetection, { kind, isKnown, name }: CheckOptions): void {
  if (typeof item !== 'object' || item === null) {
    throw new ConfigError(`${name}: expected an object, got ${item === null ? 'null' : typeof item}.`);
  }
  if (!isKnown(item.categoryId)) {
    throw new ConfigError(`${name}: expected a category that is evaluated, got ${String(item.categoryId)}.`);
  }
  if (item[kind] === undefined) {
    throw new ConfigError(`${name}: expected a ${kind}, got none. Give one, or evaluate another kind.`);
  }
  if (kind === 'box') checkBox(item.box ?? [], name);
  else if (item.mask !== undefined) checkRle(item.mask, name);
}
