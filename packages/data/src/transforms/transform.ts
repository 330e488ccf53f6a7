/** What a transform is: a function of a sample and a stream of random numbers, so that transforms chain and repeat. */

import type { Random } from '@sparsevit/windows';
import { ConfigError } from '@sparsevit/windows';
import type { Rle } from '../masks/rle';
import type { LabelledBox, Sample } from '../sample';

/** Makes a new sample of a sample; image, boxes and masks move together, and the given sample is left as it was. */
export type Transform = (sample: Sample, random: Random) => Sample;

/**
 * Transforms one after another, on one stream of random numbers.
 *
 * @example
 * const augment = compose([resizeSide({ shortSide: 256 }), randomCrop({ height: 224, width: 224 }), flipHorizontal()]);
 */
export function compose(transforms: readonly Transform[]): Transform {
  return (sample, random) => transforms.reduce((current, transform) => transform(current, random), sample);
}

/** The boxes with their masks, where they have some, as `move` gives them. */
export function moveMasks(boxes: readonly LabelledBox[], move: (mask: Rle) => Rle): LabelledBox[] {
  return boxes.map((box) => (box.mask === undefined ? box : { ...box, mask: move(box.mask) }));
}

/** Returns the value, or throws a ConfigError when it is not a number from 0 to 1; `name` is the caller and the option, `flip.probability`. */
export function checkShare(value: number, name: string): number {
  const [caller, option] = name.split('.');
  if (!(value >= 0 && value <= 1)) {
    throw new ConfigError(`${caller}: expected ${option} to be from 0 to 1, got ${value}.`);
  }
  return value;
}
