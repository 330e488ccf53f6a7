/** From what a user has to what a model takes. */

import type { RgbImage } from '@sparsevit/data';
import { normalizeImage, rgbFromRgba } from '@sparsevit/data';
import { ImageError, ShapeError } from '@sparsevit/windows';
import type { ModelImage, ModelInput } from './model';

/**
 * Normalises pixels, or checks values.
 *
 * @throws ImageError for pixels that are no image; ShapeError for values that are none
 */
export function inputOf(
  image: ModelImage,
  normalization: { readonly mean: readonly number[]; readonly std: readonly number[] },
): ModelInput {
  if (typeof image !== 'object' || image === null) {
    throw new ImageError(
      `predict: expected an ImageData, { pixels, height, width } or { values, shape }, got ${image === null ? 'null' : typeof image}.`,
    );
  }
  if ('values' in image) return checkValues(image);
  const rgb: RgbImage = 'data' in image ? rgbFromRgba(image) : image;
  return { values: normalizeImage(rgb, normalization), shape: [1, rgb.height, rgb.width, 3] };
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
