/** From bytes to the numbers that a checkpoint was trained on. */

import { ConfigError } from '@sparsevit/windows';
import type { RgbImage } from './image';
import { checkRgbImage } from './image';

/**
 * Normalises an image: `(p / 255 - mean[channel]) / std[channel]`, through one table of 256 values per channel.
 *
 * @param options mean and std of red, green and blue, on the scale 0 to 1; they belong to the checkpoint
 * @returns [height, width, 3]
 * @throws ImageError when the image is not one; ConfigError when mean or std are not three finite numbers, or a std is not above 0
 * @example
 * const values = normalizeImage(image, { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] });
 */
export function normalizeImage(
  image: RgbImage,
  options: { mean: readonly number[]; std: readonly number[] },
): Float32Array {
  const { pixels } = checkRgbImage(image, 'normalizeImage');
  const { mean, std } = options;
  checkThree('mean', mean, (value) => Number.isFinite(value), 'finite numbers');
  checkThree('std', std, (value) => Number.isFinite(value) && value > 0, 'finite numbers above 0');
  const table = (channel: number): Float32Array =>
    Float32Array.from({ length: 256 }, (_, p) => (p / 255 - (mean[channel] ?? 0)) / (std[channel] ?? 1));
  const [red, green, blue] = [table(0), table(1), table(2)];
  const values = new Float32Array(pixels.length);
  for (let i = 0; i < pixels.length; i += 3) {
    values[i] = red[pixels[i] ?? 0] ?? 0;
    values[i + 1] = green[pixels[i + 1] ?? 0] ?? 0;
    values[i + 2] = blue[pixels[i + 2] ?? 0] ?? 0;
  }
  return values;
}

function checkThree(
  name: string,
  values: readonly number[],
  isValid: (value: number) => boolean,
  expected: string,
): void {
  if (values.length !== 3 || !values.every(isValid)) {
    throw new ConfigError(
      `normalizeImage: expected ${name} to be three ${expected} (red, green, blue), got [${values.join(', ')}].`,
    );
  }
}
