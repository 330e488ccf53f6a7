/** Transforms that cut a part out of a sample, at a given place, anywhere, or around an object. */

import { ConfigError } from '@sparsevit/windows';
import { cropRle } from '../masks/move';
import type { ImageSize } from '../resample';
import { checkImageSize } from '../resample';
import type { LabelledBox, Sample } from '../sample';
import type { Transform } from './transform';
import { checkShare, moveMasks } from './transform';

/** A part of an image in whole pixels. */
export interface CropRegion extends ImageSize {
  readonly x: number;
  readonly y: number;
}

const defaultMinVisible = 0.25;

/**
 * Cuts boxes at the borders of a region and moves them to its corner; those of which less than `minVisible` of the area is left, or
 * nothing, are dropped. Masks of boxes stay as they are: `cropSample` cuts them.
 *
 * @example
 * clipBoxes([{ x: 0, y: 0, width: 4, height: 4, label: 0 }], { x: 2, y: 0, width: 9, height: 9 }); // half of it, at (0, 0)
 */
export function clipBoxes(
  boxes: readonly LabelledBox[],
  region: CropRegion,
  minVisible: number = defaultMinVisible,
): LabelledBox[] {
  return boxes.flatMap((box) => {
    const left = Math.max(box.x, region.x);
    const top = Math.max(box.y, region.y);
    const width = Math.min(box.x + box.width, region.x + region.width) - left;
    const height = Math.min(box.y + box.height, region.y + region.height) - top;
    if (!(width > 0 && height > 0)) return [];
    // A hair of tolerance: a box that lies inside may come out of the subtraction a rounding error smaller.
    if (width * height < minVisible * box.width * box.height * (1 - 1e-9)) return [];
    return [{ ...box, x: left - region.x, y: top - region.y, width, height }];
  });
}

/**
 * Cuts a region out of a sample, the masks of its boxes too. Draws nothing.
 *
 * @param region x, y, width and height in whole pixels, inside the image
 * @param minVisible the share of a box's area that has to be left for the box to stay; default 0.25
 * @throws ConfigError when the region is not inside the image
 * @example
 * const corner = cropSample(sample, { x: 0, y: 0, width: 224, height: 224 });
 */
export function cropSample(sample: Sample, region: CropRegion, minVisible: number = defaultMinVisible): Sample {
  const { image, boxes, mask } = sample;
  const { x, y, width, height } = region;
  checkImageSize({ height, width }, 'cropSample');
  const isInside = [x, y].every((value) => Number.isInteger(value) && value >= 0);
  if (!isInside || x + width > image.width || y + height > image.height) {
    throw new ConfigError(
      `cropSample: expected a region inside of ${image.height}x${image.width} pixels, got ${height}x${width} at row ${y}, column ${x}. Resize or pad first.`,
    );
  }
  if (width === image.width && height === image.height && boxes === undefined) return sample;
  return {
    ...sample,
    image: { pixels: cutRows(image.pixels, { region, rowLength: image.width, channels: 3 }), height, width },
    ...(boxes && { boxes: moveMasks(clipBoxes(boxes, region, minVisible), (own) => cropRle(own, region)) }),
    ...(mask && { mask: cutRows(mask, { region, rowLength: image.width, channels: 1 }) }),
  };
}

/**
 * Cuts a fixed region out of every sample. Draws nothing.
 *
 * @throws ConfigError when `minVisible` is not from 0 to 1; on a sample that does not hold the region, too
 * @example
 * const transform = crop({ x: 16, y: 16, width: 224, height: 224 });
 */
export function crop(options: CropRegion & { readonly minVisible?: number }): Transform {
  const { minVisible = defaultMinVisible, ...region } = options;
  checkShare(minVisible, 'crop.minVisible');
  return (sample) => cropSample(sample, region, minVisible);
}

/**
 * Cuts a random region of the given size out of a sample: anywhere, or with probability `aroundBox`, where there are boxes, so that it
 * holds the centre of one of them. A side that is longer than the image's is cut to it (`padTo` fills up). Draws four numbers.
 *
 * @param options `height`, `width` in pixels; `aroundBox`: default 0; `minVisible`: default 0.25
 * @throws ConfigError when a side or a share is not one
 * @example
 * const transform = compose([randomCrop({ height: 224, width: 224, aroundBox: 0.75 }), padTo({ height: 224, width: 224 })]);
 */
export function randomCrop(
  options: ImageSize & { readonly aroundBox?: number; readonly minVisible?: number },
): Transform {
  const { aroundBox = 0, minVisible = defaultMinVisible } = options;
  checkImageSize(options, 'randomCrop');
  checkShare(aroundBox, 'randomCrop.aroundBox');
  checkShare(minVisible, 'randomCrop.minVisible');
  return (sample, random) => {
    // All draws first: the stream after this transform does not depend on the sample.
    const [choice, which, down, across] = [random.uniform(), random.uniform(), random.uniform(), random.uniform()];
    const { image, boxes = [] } = sample;
    const height = Math.min(options.height, image.height);
    const width = Math.min(options.width, image.width);
    const box = choice < aroundBox ? boxes[Math.floor(which * boxes.length)] : undefined;
    const y = offsetOf(down, { side: height, whole: image.height, centre: box && box.y + box.height / 2 });
    const x = offsetOf(across, { side: width, whole: image.width, centre: box && box.x + box.width / 2 });
    return cropSample(sample, { x, y, height, width }, minVisible);
  };
}

/** Where a crop begins along one axis: anywhere it fits, or where it also holds the pixel of a centre. */
function offsetOf(share: number, options: { side: number; whole: number; centre: number | undefined }): number {
  const { side, whole, centre } = options;
  let first = 0;
  let last = whole - side;
  if (centre !== undefined) {
    const pixel = Math.min(whole - 1, Math.max(0, Math.floor(centre)));
    first = Math.max(first, pixel - side + 1);
    last = Math.min(last, pixel);
  }
  return first + Math.floor(share * (last - first + 1));
}

function cutRows(
  from: Uint8Array | Uint8ClampedArray,
  options: { region: CropRegion; rowLength: number; channels: number },
): Uint8Array {
  const { region, rowLength, channels } = options;
  const cut = new Uint8Array(region.height * region.width * channels);
  for (let y = 0; y < region.height; y++) {
    const start = ((region.y + y) * rowLength + region.x) * channels;
    cut.set(from.subarray(start, start + region.width * channels), y * region.width * channels);
  }
  return cut;
}
