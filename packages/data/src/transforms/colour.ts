/** Random changes of colour: brightness, contrast and saturation. Boxes and masks stay as they are. */

import { ConfigError } from '@sparsevit/windows';
import { checkRgbImage } from '../image';
import type { Transform } from './transform';

/** Luma of sRGB values, the weights of BT.601. */
const lumaOf = (red: number, green: number, blue: number): number => 0.299 * red + 0.587 * green + 0.114 * blue;

/**
 * Changes brightness, contrast and saturation by factors from [1 - v, 1 + v] for the given v, each uniform: values times the brightness,
 * then away from the mean luma of the image by the contrast, then away from the luma of the pixel by the saturation, at the end rounded
 * and cut to 0 to 255. Draws three numbers.
 *
 * @param options each from 0 (the default, no change) to 1
 * @throws ConfigError when one is not
 * @example
 * const transform = jitterColour({ brightness: 0.3, contrast: 0.3, saturation: 0.3 });
 */
export function jitterColour(options: {
  readonly brightness?: number;
  readonly contrast?: number;
  readonly saturation?: number;
}): Transform {
  const { brightness = 0, contrast = 0, saturation = 0 } = options;
  for (const [name, value] of Object.entries({ brightness, contrast, saturation })) {
    if (!(value >= 0 && value <= 1)) {
      throw new ConfigError(`jitterColour: expected ${name} to be from 0 to 1, got ${value}.`);
    }
  }
  return (sample, random) => {
    const factor = (range: number): number => 1 + range * (2 * random.uniform() - 1);
    const [bright, apart, vivid] = [factor(brightness), factor(contrast), factor(saturation)];
    if (brightness === 0 && contrast === 0 && saturation === 0) return sample;
    const { pixels, height, width } = checkRgbImage(sample.image, 'jitterColour');
    let sum = 0;
    for (let i = 0; i < pixels.length; i += 3) sum += lumaOf(pixels[i] ?? 0, pixels[i + 1] ?? 0, pixels[i + 2] ?? 0);
    const middle = (bright * sum) / (height * width);
    // Clamped bytes round and cut at once.
    const changed = new Uint8ClampedArray(pixels.length);
    for (let i = 0; i < pixels.length; i += 3) {
      const red = middle + (bright * (pixels[i] ?? 0) - middle) * apart;
      const green = middle + (bright * (pixels[i + 1] ?? 0) - middle) * apart;
      const blue = middle + (bright * (pixels[i + 2] ?? 0) - middle) * apart;
      const luma = lumaOf(red, green, blue);
      changed[i] = luma + (red - luma) * vivid;
      changed[i + 1] = luma + (green - luma) * vivid;
      changed[i + 2] = luma + (blue - luma) * vivid;
    }
    return { ...sample, image: { pixels: new Uint8Array(changed.buffer), height, width } };
  };
}
