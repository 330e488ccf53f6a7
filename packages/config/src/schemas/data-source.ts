/** The schema of where images and what is known about them come from: scenes that are drawn, or files. */

import * as z from 'zod';
import type { WithDefaults } from './written';

/** What something in a data set's files that cannot be used does: `fail` ends the run with its name, `skip` goes on without it. */
export interface BrokenChoice {
  readonly onBroken: 'skip' | 'fail';
}

/** Procedural scenes with boxes and masks. */
export interface ScenesSource extends BrokenChoice {
  readonly kind: 'scenes';
  readonly count: number;
  readonly seed: number;
  readonly height: number;
  readonly width: number;
  readonly objectCount?: number;
}

/** An annotation file of COCO and its folder of images: boxes. */
export interface CocoSource extends BrokenChoice {
  readonly kind: 'coco';
  readonly annotations: string;
  readonly images: string;
}

/** A folder of images for each class: labels. */
export interface ImageFolderSource extends BrokenChoice {
  readonly kind: 'image-folder';
  readonly path: string;
}

/** A folder of images and one of masks with the same names. */
export interface MaskFoldersSource extends BrokenChoice {
  readonly kind: 'mask-folders';
  readonly images: string;
  readonly masks: string;
  readonly classes: readonly string[];
  readonly ignoredValues: readonly number[];
}

/** A data set. */
export type DataSource = ScenesSource | CocoSource | ImageFolderSource | MaskFoldersSource;

/** A data set as it is written. */
export type DataSourceInput =
  | WithDefaults<ScenesSource, 'seed' | 'onBroken'>
  | WithDefaults<CocoSource, 'onBroken'>
  | WithDefaults<ImageFolderSource, 'onBroken'>
  | WithDefaults<MaskFoldersSource, 'ignoredValues' | 'onBroken'>;

const path = z.string().min(1);
const side = z.int().min(1).max(100_000);

const onBroken = z.enum(['skip', 'fail']).default('fail').meta({
  description: 'What a file or a record that cannot be used does: end the run with its name, or be left out.',
});

/** Names of classes, each once. */
export const classNamesSchema: z.ZodType<readonly string[], readonly string[]> = z
  .array(z.string().min(1))
  .min(1)
  .max(10_000)
  .superRefine((names, context) => {
    const twice = names.findIndex((name, i) => names.indexOf(name) !== i);
    if (twice < 0) return;
    context.addIssue({ code: 'custom', message: 'Invalid input: expected each class once', path: [twice] });
  });

/**
 * A `DataSource`.
 *
 * @example
 * dataSourceSchema.parse({ kind: 'scenes', count: 100, height: 256, width: 256 }).onBroken; // 'fail'
 */
export const dataSourceSchema: z.ZodType<DataSource, DataSourceInput> = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('scenes').meta({ description: 'Scenes that are drawn, with boxes and masks.' }),
      count: z.int().min(1).meta({ description: 'How many scenes.' }),
      seed: z.int().default(0).meta({ description: 'Other seeds give other scenes.' }),
      height: side.meta({ description: 'Height, in pixels.' }),
      width: side.meta({ description: 'Width, in pixels.' }),
      objectCount: z
        .int()
        .min(0)
        .exactOptional()
        .meta({ description: 'How many objects are tried in a scene; default: by its area.' }),
      onBroken,
    }),
    z.strictObject({
      kind: z.literal('coco').meta({ description: 'Boxes of an annotation file of COCO.' }),
      annotations: path.meta({ description: 'The annotation file, relative to this document.' }),
      images: path.meta({ description: 'The folder of its images, relative to this document.' }),
      onBroken,
    }),
    z.strictObject({
      kind: z.literal('image-folder').meta({ description: 'A folder of images for each class.' }),
      path: path.meta({ description: 'The folder of the folders, relative to this document.' }),
      onBroken,
    }),
    z.strictObject({
      kind: z.literal('mask-folders').meta({ description: 'Images, and masks whose grey value is the class.' }),
      images: path.meta({ description: 'The folder of the images, relative to this document.' }),
      masks: path.meta({ description: 'The folder of the masks, relative to this document.' }),
      classes: classNamesSchema.meta({ description: 'Names of the classes, by grey value.' }),
      ignoredValues: z
        .array(z.int().min(0).max(255))
        .default([])
        .meta({ description: 'Grey values beside 255 that are ignored.' }),
      onBroken,
    }),
  ])
  .meta({ description: 'A data set.' });
