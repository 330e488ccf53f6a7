/** The schema of what happens to an image before the model: resizing and normalisation. */

import * as z from 'zod';
import type { ImageNormalization } from '../image-normalization';
import { imagenetNormalization } from '../image-normalization';

/** How an image becomes the input of a model. Channels are in the order red, green, blue. */
export interface Preprocessing extends ImageNormalization {
  /** Sides in pixels to which the image is resized, whatever its aspect; null keeps its own. */
  readonly size: { readonly height: number; readonly width: number } | null;
}

/** Preprocessing as it is written in a document: everything has a default. */
export type PreprocessingInput = { readonly [Field in keyof Preprocessing]?: Preprocessing[Field] | undefined };

const [meanRed, meanGreen, meanBlue] = imagenetNormalization.mean;
const [stdRed, stdGreen, stdBlue] = imagenetNormalization.std;

const mean = z.number();
const std = z.number().positive();
const side = z.int().min(1);

/**
 * A `Preprocessing` with the normalisation of ImageNet and the image's own size as defaults.
 *
 * @example
 * preprocessingSchema.parse({ size: { height: 672, width: 672 } }).mean; // [0.485, 0.456, 0.406]
 */
export const preprocessingSchema: z.ZodType<Preprocessing, PreprocessingInput> = z
  .strictObject({
    mean: z.tuple([mean, mean, mean]).default([meanRed, meanGreen, meanBlue]).meta({
      description: 'Mean of red, green and blue on the scale 0 to 1: the model takes (byte / 255 - mean) / std.',
    }),
    std: z
      .tuple([std, std, std])
      .default([stdRed, stdGreen, stdBlue])
      .meta({ description: 'Standard deviation of red, green and blue on the scale 0 to 1.' }),
    size: z
      .strictObject({
        height: side.meta({ description: 'Height, in pixels.' }),
        width: side.meta({ description: 'Width, in pixels.' }),
      })
      .nullable()
      .default(null)
      .meta({
        description: "Sides in pixels to which the image is resized, whatever its aspect; null keeps the image's own.",
      }),
  } satisfies Record<keyof Preprocessing, z.ZodType>)
  .meta({ description: 'What happens to an image before the model. Channels are in the order red, green, blue.' });
