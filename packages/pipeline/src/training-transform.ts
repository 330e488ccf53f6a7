/** Images of any size to those that training sees. */

import type { TrainingInput } from '@sparsevit/config';
import type { Transform } from '@sparsevit/data';
import {
  compose,
  flipHorizontal,
  flipVertical,
  jitterColour,
  padTo,
  randomCrop,
  randomQuarterTurns,
  randomScale,
  resizeTo,
} from '@sparsevit/data';

/** The transform of an input: resized, scaled, cut out, filled up, mirrored, turned, recoloured. All images come out in one size. */
export function trainingTransform({ height, width, keepRatio, augment }: TrainingInput): Transform {
  const { crop, scale, colour } = augment;
  const seen = { height: crop?.height ?? height, width: crop?.width ?? width };
  return compose([
    resizeTo({ height, width, keepRatio }),
    ...(scale === undefined ? [] : [randomScale(scale)]),
    // a factor above 1 leaves more than is wanted, one below 1 less
    ...(crop === undefined && scale === undefined ? [] : [randomCrop({ ...seen, aroundBox: crop?.aroundBox ?? 0 })]),
    padTo(seen),
    ...(augment.flip ? [flipHorizontal()] : []),
    ...(augment.verticalFlip ? [flipVertical()] : []),
    ...(augment.quarterTurns ? [randomQuarterTurns()] : []),
    ...(colour === undefined ? [] : [jitterColour(colour)]),
  ]);
}
