/** Transforms that mirror a sample or turn it by quarters: pixels, boxes and mask go to new places and keep their values. */

import { ConfigError } from '@sparsevit/windows';
import { moveRle } from '../masks/move';
import type { Sample } from '../sample';
import type { Transform } from './transform';
import { checkShare, moveMasks } from './transform';

interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** How positions move: the source of a pixel of the new image, and where a box goes. */
interface Move {
  readonly height: number;
  readonly width: number;
  /** Index of the pixel in the old image that is seen at (y, x) of the new one. */
  source(y: number, x: number): number;
  box<Box extends Rectangle>(box: Box): Box;
}

/**
 * Mirrors a sample left to right.
 *
 * @example
 * const mirrored = mirrorSample(sample);
 */
export function mirrorSample(sample: Sample): Sample {
  const { height, width } = sample.image;
  return moveSample(sample, {
    height,
    width,
    source: (y, x) => y * width + width - 1 - x,
    box: (box) => ({ ...box, x: width - box.x - box.width }),
  });
}

/**
 * Turns a sample clockwise by `turns` quarters; any whole number.
 *
 * @throws ConfigError when `turns` is not a whole number
 * @example
 * const upsideDown = turnSample(sample, 2);
 */
export function turnSample(sample: Sample, turns: number): Sample {
  if (!Number.isInteger(turns)) {
    throw new ConfigError(`turnSample: expected turns to be a whole number of quarters, got ${turns}.`);
  }
  const { height, width } = sample.image;
  switch (((turns % 4) + 4) % 4) {
    case 1:
      return moveSample(sample, {
        height: width,
        width: height,
        source: (y, x) => (height - 1 - x) * width + y,
        box: (box) => ({ ...box, x: height - box.y - box.height, y: box.x, width: box.height, height: box.width }),
      });
    case 2:
      return moveSample(sample, {
        height,
        width,
        source: (y, x) => (height - 1 - y) * width + width - 1 - x,
        box: (box) => ({ ...box, x: width - box.x - box.width, y: height - box.y - box.height }),
      });
    case 3:
      return moveSample(sample, {
        height: width,
        width: height,
        source: (y, x) => x * width + width - 1 - y,
        box: (box) => ({ ...box, x: box.y, y: width - box.x - box.width, width: box.height, height: box.width }),
      });
    default:
      return sample;
  }
}

/**
 * Mirrors left to right with a probability, default 0.5. Draws one number.
 *
 * @throws ConfigError when the probability is not from 0 to 1
 * @example
 * const transform = flipHorizontal({ probability: 1 });
 */
export function flipHorizontal(options: { readonly probability?: number } = {}): Transform {
  const probability = checkShare(options.probability ?? 0.5, 'flipHorizontal.probability');
  return (sample, random) => (random.uniform() < probability ? mirrorSample(sample) : sample);
}

/**
 * Mirrors top to bottom with a probability, default 0.5. Draws one number.
 *
 * @throws ConfigError when the probability is not from 0 to 1
 * @example
 * const transform = flipVertical();
 */
export function flipVertical(options: { readonly probability?: number } = {}): Transform {
  const probability = checkShare(options.probability ?? 0.5, 'flipVertical.probability');
  return (sample, random) => (random.uniform() < probability ? mirrorSample(turnSample(sample, 2)) : sample);
}

/**
 * Turns by 0 to 3 quarters, each as likely. Draws one number.
 *
 * @example
 * const transform = randomQuarterTurns();
 */
export function randomQuarterTurns(): Transform {
  return (sample, random) => turnSample(sample, random.integer(0, 4));
}

function moveSample(sample: Sample, move: Move): Sample {
  const { image, boxes, mask } = sample;
  const { height, width } = move;
  const pixels = new Uint8Array(height * width * 3);
  const moved = mask && new Uint8Array(height * width);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to++) {
      const from = move.source(y, x);
      pixels[3 * to] = image.pixels[3 * from] ?? 0;
      pixels[3 * to + 1] = image.pixels[3 * from + 1] ?? 0;
      pixels[3 * to + 2] = image.pixels[3 * from + 2] ?? 0;
      if (moved) moved[to] = mask[from] ?? 0;
    }
  }
  return {
    ...sample,
    image: { pixels, height, width },
    ...(boxes && {
      boxes: moveMasks(
        boxes.map((box) => move.box(box)),
        (own) => moveRle(own, { size: { height, width }, source: move.source, extent: move.box }),
      ),
    }),
    ...(moved && { mask: moved }),
  };
}
