/** What the model is run on: a photo, a scene that is drawn here, or a tensor that is used as it is. */

import { readSafetensors, toFloat32 } from '@sparsevit/backbone';
import { imagenetNormalization } from '@sparsevit/config/presets';
import type { RgbImage } from '@sparsevit/data';
import { drawScene, normalizeImage } from '@sparsevit/data';
import { decodeImage } from '@sparsevit/data/node';
import { readInputFile } from '@sparsevit/pipeline/files';
import { SparseViTError } from '@sparsevit/windows';
import { inputError, quote } from '../errors';
import type { Size } from '../values';
import { maxPixels } from '../values';

/** Where an input comes from. */
export type InputSource = { readonly file: string } | { readonly sceneSeed: number };

/** An input, ready for the model. */
export interface ModelInput {
  /** [B, H, W, 3], normalised. */
  readonly values: Float32Array;
  readonly shape: readonly [number, number, number, number];
  /** The picture that the values come from; of a tensor, its first image with ImageNet's normalisation undone. */
  photo(): RgbImage;
  /** `its own size`, `resized`, `drawn`, `a tensor` */
  readonly origin: string;
}

/** What an input is called in output. */
export function inputName(source: InputSource): string {
  return 'file' in source ? source.file : `scene ${source.sceneSeed}`;
}

/** True for an input that holds normalised values instead of pixels. */
export function isTensorFile(source: InputSource): source is { readonly file: string } {
  return 'file' in source && /\.safetensors$/i.test(source.file);
}

const largestValue = 1e6;
const sceneSize: Size = { height: 672, width: 672 };

/**
 * Reads or draws an input.
 *
 * @param options `size`: sides to resize a photo to, or of the scene; `patchSize`: the least side of an image
 * @throws SparseViTError for a file that is no whole image, an image smaller than a patch, or a tensor that is not float32 [B, 3, H, W]
 */
export async function openInput(
  source: InputSource,
  options: { size: Size | undefined; patchSize: number },
): Promise<ModelInput> {
  const { size, patchSize } = options;
  const input = isTensorFile(source) ? await openTensor(source.file) : await openPhoto(source, size);
  const [, height, width] = input.shape;
  if (height < patchSize || width < patchSize) {
    throw inputError(
      `run: expected an image of at least one patch (${patchSize}x${patchSize} pixels), got ${quote(inputName(source))} of ${height}x${width}. ${remedyOf(source, size)}`,
    );
  }
  return input;
}

function remedyOf(source: InputSource, size: Size | undefined): string {
  if (isTensorFile(source)) return 'A tensor is used as it is: give a larger one.';
  return size === undefined ? 'Enlarge it with --size.' : 'Choose a larger --size.';
}

async function openPhoto(source: InputSource, size: Size | undefined): Promise<ModelInput> {
  const photo =
    'file' in source
      ? await decodeImage(source.file, size === undefined ? {} : { size })
      : drawScene({ seed: source.sceneSeed, ...(size ?? sceneSize) }).image;
  return {
    values: normalizeImage(photo, imagenetNormalization),
    shape: [1, photo.height, photo.width, 3],
    photo: () => photo,
    origin: 'file' in source ? (size === undefined ? 'its own size' : 'resized') : 'drawn',
  };
}

async function openTensor(path: string): Promise<ModelInput> {
  const bytes = await readInputFile(path, 'run');
  const refuse = (got: string): SparseViTError =>
    inputError(`run: expected a float32 tensor "input" [B, 3, H, W] in ${quote(path)}, got ${got}.`);
  const read = (): { values: Float32Array; shape: readonly number[] } => {
    const { tensors } = readSafetensors(bytes);
    const tensor = tensors.get('input');
    if (tensor === undefined) {
      const names = [...tensors.keys()];
      throw refuse(
        names.length === 0
          ? 'no tensor'
          : names.some((name) => name.includes('relative_position_bias_table'))
            ? 'a checkpoint: name it with --weights'
            : `only ${names.slice(0, 4).map(quote).join(', ')}${names.length > 4 ? ', ...' : ''}`,
      );
    }
    if (tensor.dtype !== 'F32') throw refuse(tensor.dtype);
    return { values: toFloat32(tensor, 'input'), shape: tensor.shape };
  };
  let tensor: ReturnType<typeof read>;
  try {
    tensor = read();
  } catch (error) {
    if (!SparseViTError.isInstance(error) || error.code === 'input') throw error;
    throw new SparseViTError(error.code, `${quote(path)}: ${error.message}`, { cause: error });
  }
  const [batch = 0, channels, height = 0, width = 0] = tensor.shape;
  if (tensor.shape.length !== 4 || channels !== 3 || batch < 1 || height < 1 || width < 1) {
    throw refuse(`[${tensor.shape.join(', ')}]`);
  }
  if (batch * height * width > maxPixels) throw refuse(`${batch * height * width} pixels, more than ${maxPixels}`);
  const values = toChannelsLast(tensor.values, { batch, channels, height, width });
  if (!values.every(Number.isFinite)) throw refuse('values that are NaN or infinite');
  // far beyond any normalised image; squared in a norm such values overflow, and the features become zeros
  if (values.some((value) => Math.abs(value) > largestValue)) throw refuse(`values beyond ${largestValue}`);
  return {
    values,
    shape: [batch, height, width, 3],
    photo: () => undoNormalization(values, height, width),
    origin: batch === 1 ? 'a tensor' : `a tensor of ${batch} images`,
  };
}

/** [B, C, H, W] -> [B, H, W, C] */
function toChannelsLast(
  values: Float32Array,
  { batch, channels, height, width }: { batch: number; channels: number; height: number; width: number },
): Float32Array {
  const moved = new Float32Array(values.length);
  const plane = height * width;
  for (let image = 0; image < batch; image++) {
    for (let channel = 0; channel < channels; channel++) {
      const from = (image * channels + channel) * plane;
      const to = image * channels * plane + channel;
      for (let i = 0; i < plane; i++) moved[to + i * channels] = values[from + i] ?? 0;
    }
  }
  return moved;
}

/** The first image of [B, H, W, 3] as bytes. */
function undoNormalization(values: Float32Array, height: number, width: number): RgbImage {
  const { mean, std } = imagenetNormalization;
  const pixels = new Uint8ClampedArray(height * width * 3);
  for (let i = 0; i < pixels.length; i++) {
    const channel = i % 3;
    pixels[i] = 255 * ((values[i] ?? 0) * (std[channel] ?? 1) + (mean[channel] ?? 0));
  }
  return { pixels, height, width };
}
