/** What a data set gives: images with what is known about them. Transforms carry boxes and masks along with the pixels. */

import { ImageError } from '@sparsevit/windows';
import type { RgbImage } from './image';
import { checkRgbImage } from './image';
import type { Rle } from './masks/rle';
import { checkRle } from './masks/rle';

/** A box in pixels, corner and extent, fractions allowed, and the class of what it holds. */
export interface LabelledBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Index into the classes of the data set. */
  readonly label: number;
  /** True for a box around many objects that were not marked one by one (`iscrowd` of COCO). */
  readonly isCrowd?: boolean;
  /** The pixels of what it holds, a mask of the size of the image; a part of it may lie outside of the box, and it may have no pixel. */
  readonly mask?: Rle;
}

/** One item of a data set; which of label, boxes and mask it has depends on the task. */
export interface Sample {
  /** Unique in its data set. */
  readonly id: string;
  readonly image: RgbImage;
  /** The class of the whole image. */
  readonly label?: number;
  readonly boxes?: readonly LabelledBox[];
  /** [height, width], the class of each pixel; 255 (`ignoredClass`) where none is known. */
  readonly mask?: Uint8Array;
}

/** A list of samples that are read one by one, when they are asked for. */
export interface Dataset {
  readonly length: number;
  /** Names of the classes, by label. */
  readonly classes: readonly string[];
  /** Names an item for messages: its file and its id. */
  describe(index: number): string;
  /** Reads and decodes an item; rejects when it is broken. */
  read(index: number, signal?: AbortSignal): Promise<Sample>;
}

/** The class in a mask that counts as no class. */
export const ignoredClass = 255;

/**
 * Returns the sample if its image is one, its mask has one byte per pixel, its boxes are finite with an area and a class, and their masks are
 * of the size of the image.
 *
 * @param caller the name that opens the error's message
 * @throws ImageError otherwise; ConfigError for the mask of a box whose runs are none
 * @example
 * checkSample({ id: 'a', image: { pixels: new Uint8Array(3), height: 1, width: 1 } }, 'train');
 */
export function checkSample(sample: Sample, caller: string): Sample {
  const { image, boxes, mask, label } = sample;
  const { height, width } = checkRgbImage(image, caller);
  if (mask !== undefined && (!(mask instanceof Uint8Array) || mask.length !== height * width)) {
    throw new ImageError(
      `${caller}: expected a mask of ${height}x${width} = ${height * width} bytes, got ${mask?.length ?? 'none'}. Give each pixel of the image one class.`,
    );
  }
  if (label !== undefined && !isClass(label)) {
    throw new ImageError(`${caller}: expected the label to be a whole number of at least 0, got ${label}.`);
  }
  boxes?.forEach((box, i) => {
    const numbers = [box.x, box.y, box.width, box.height];
    if (!numbers.every(Number.isFinite) || box.width <= 0 || box.height <= 0 || !isClass(box.label)) {
      throw new ImageError(
        `${caller}: expected box ${i} to be finite, wider and higher than 0, and with a class, got [${numbers.join(', ')}] of class ${box.label}.`,
      );
    }
    if (box.mask === undefined) return;
    const { size } = checkRle(box.mask, caller);
    if (size[0] !== height || size[1] !== width) {
      throw new ImageError(
        `${caller}: expected the mask of box ${i} to be of ${height}x${width} pixels as its image, got ${size.join('x')}.`,
      );
    }
  });
  return sample;
}

const isClass = (value: unknown): boolean => Number.isInteger(value) && Number(value) >= 0;
