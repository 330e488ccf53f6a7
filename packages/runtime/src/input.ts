/** From what a user has to what a model takes. */

import type { RgbImage } from '@sparsevit/data/pixels';
import { checkRgbImage, normalizeImage, rgbFromRgba } from '@sparsevit/data/pixels';
import { ImageError, ShapeError } from '@sparsevit/windows';
import type { ModelImage, ModelImageSize, ModelInput } from './model';

/** How the values of pixels are scaled. */
interface Normalization {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/**
 * Normalises pixels, or checks values.
 *
 * @throws ImageError for pixels that are no image; ShapeError for values that are none
 */
export function inputOf(image: ModelImage, normalization: Normalization): ModelInput {
  const given = pixelsOrValues(image);
  return 'values' in given ? given : normalizedInput(given, normalization);
}

/** Pixels as a model takes them. */
export function normalizedInput(image: RgbImage, normalization: Normalization): ModelInput {
  return { values: normalizeImage(image, normalization), shape: [1, image.height, image.width, 3] };
}

/**
 * An image without its alpha channel, or values that are checked.
 *
 * @throws ImageError for pixels that are no image; ShapeError for values that are none
 */
export function pixelsOrValues(image: ModelImage): RgbImage | ModelInput {
  if (typeof image !== 'object' || image === null) {
    throw new ImageError(
      `predict: expected an ImageData, { pixels, height, width } or { values, shape }, got ${image === null ? 'null' : typeof image}.`,
    );
  }
  if ('values' in image) return checkValues(image);
  return 'data' in image ? rgbFromRgba(image) : checkRgbImage(image, 'predict');
}

/** Values of 0 for a size; a size that is none gives values that are refused. */
export function blankInput({ height, width, batch = 1 }: ModelImageSize): ModelInput {
  const shape = [batch, height, width, 3] as const;
  const count = shape.reduce((product, side) => product * side, 1);
  return { values: new Float32Array(Number.isInteger(count) && count > 0 ? count : 0), shape };
}

function checkValues({ values, shape }: ModelInput): ModelInput {
  const isShape = Array.isArray(shape) && shape.length === 4 && shape[3] === 3;
  if (!isShape || shape.some((side) => !Number.isInteger(side) || side < 1)) {
    throw new ShapeError(
      `predict: expected the shape [B, H, W, 3], got [${Array.isArray(shape) ? shape.join(', ') : typeof shape}].`,
    );
  }
  const count = shape.reduce((product, side) => product * side, 1);
  if (!(values instanceof Float32Array) || values.length !== count) {
    const got = values instanceof Float32Array ? `${values.length} values` : Object.prototype.toString.call(values);
    throw new ShapeError(`predict: expected a Float32Array of ${count} values for [${shape.join(', ')}], got ${got}.`);
  }
  if (!values.every(Number.isFinite)) {
    throw new ShapeError('predict: expected finite values, got NaN or infinite ones. Normalise the pixels first.');
  }
  return { values, shape };
}
