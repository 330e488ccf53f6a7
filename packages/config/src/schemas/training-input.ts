/** The schema of what happens to an image before a model that is trained. */

import * as z from 'zod';
import type { ImageNormalization } from '../image-normalization';
import { imagenetNormalization } from '../image-normalization';
import type { WithDefaults } from './written';

/** Changes by chance; those that are left out do not happen. */
export interface Augmentation {
  readonly crop?: { readonly height: number; readonly width: number; readonly aroundBox: number };
  readonly scale?: { readonly low: number; readonly high: number };
  readonly flip: boolean;
  readonly verticalFlip: boolean;
  readonly quarterTurns: boolean;
  readonly colour?: { readonly brightness: number; readonly contrast: number; readonly saturation: number };
}

/** What the model sees of an image. */
export interface TrainingInput {
  readonly height: number;
  readonly width: number;
  readonly keepRatio: boolean;
  readonly augment: Augmentation;
  readonly normalization: ImageNormalization;
}

/** Augmentation as it is written. */
export type AugmentationInput = Omit<
  WithDefaults<Augmentation, 'flip' | 'verticalFlip' | 'quarterTurns'>,
  'crop' | 'colour'
> & {
  readonly crop?: WithDefaults<NonNullable<Augmentation['crop']>, 'aroundBox'>;
  readonly colour?: WithDefaults<NonNullable<Augmentation['colour']>, 'brightness' | 'contrast' | 'saturation'>;
};

/** What the model sees, as it is written. */
export type TrainingInputInput = Omit<
  WithDefaults<TrainingInput, 'keepRatio' | 'augment' | 'normalization'>,
  'augment' | 'normalization'
> & {
  readonly augment?: AugmentationInput | undefined;
  readonly normalization?: WithDefaults<ImageNormalization, 'mean' | 'std'> | undefined;
};

const side = z.int().min(1).max(100_000);
const share = z.number().min(0).max(1);
const height = side.meta({ description: 'Height, in pixels.' });
const width = side.meta({ description: 'Width, in pixels.' });
const [meanRed, meanGreen, meanBlue] = imagenetNormalization.mean;
const [stdRed, stdGreen, stdBlue] = imagenetNormalization.std;
const std = z.number().positive();

const augmentationSchema: z.ZodType<Augmentation, AugmentationInput> = z.strictObject({
  crop: z
    .strictObject({
      height,
      width,
      aroundBox: share.default(0).meta({ description: 'Share of crops that hold the centre of a box.' }),
    })
    .exactOptional()
    .meta({ description: 'A part of the image, which is then the size that training sees.' }),
  scale: z
    .strictObject({
      low: z.number().positive().meta({ description: 'The least factor.' }),
      high: z.number().positive().max(100).meta({ description: 'The largest factor.' }),
    })
    .refine(({ low, high }) => low <= high, { error: 'Invalid input: expected low to be at most high' })
    .exactOptional()
    .meta({ description: 'A random factor of the size, before the crop.' }),
  flip: z.boolean().default(false).meta({ description: 'Mirror every second image, left to right.' }),
  verticalFlip: z.boolean().default(false).meta({ description: 'Mirror every second image, top to bottom.' }),
  quarterTurns: z.boolean().default(false).meta({ description: 'Turn by 0 to 3 quarters; for squares.' }),
  colour: z
    .strictObject({
      brightness: share.default(0).meta({ description: 'Largest change of the brightness, as a share.' }),
      contrast: share.default(0).meta({ description: 'Largest change of the contrast, as a share.' }),
      saturation: share.default(0).meta({ description: 'Largest change of the saturation, as a share.' }),
    })
    .exactOptional()
    .meta({ description: 'Random changes of the colours.' }),
} satisfies Record<keyof Augmentation, z.ZodType>);

/** A `TrainingInput`. */
export const trainingInputSchema: z.ZodType<TrainingInput, TrainingInputInput> = z
  .strictObject({
    height,
    width,
    keepRatio: z
      .boolean()
      .default(false)
      .meta({ description: 'Keep the ratio of the sides, with black below or at the right.' }),
    augment: augmentationSchema.prefault({}).meta({ description: 'Changes by chance, in training only.' }),
    normalization: z
      .strictObject({
        mean: z
          .tuple([z.number(), z.number(), z.number()])
          .default([meanRed, meanGreen, meanBlue])
          .meta({ description: 'Mean of red, green and blue on the scale 0 to 1.' }),
        std: z
          .tuple([std, std, std])
          .default([stdRed, stdGreen, stdBlue])
          .meta({ description: 'Standard deviation of red, green and blue on the scale 0 to 1.' }),
      })
      .prefault({})
      .meta({ description: "Default: ImageNet's." }),
  } satisfies Record<keyof TrainingInput, z.ZodType>)
  .superRefine(({ augment, ...input }, context) => {
    const seen = augment.crop ?? input;
    if (!augment.quarterTurns || seen.height === seen.width) return;
    context.addIssue({
      code: 'custom',
      message: `Invalid input: expected a square for quarterTurns, got ${seen.height}x${seen.width}`,
      path: ['augment', 'quarterTurns'],
    });
  })
  .meta({ description: 'What the model sees: every image is resized to this, in training and in evaluation.' });
