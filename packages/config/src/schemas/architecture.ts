/** The schema of a Swin's shape. */

import type { SwinArchitecture } from '@sparsevit/windows';
import { checkArchitecture } from '@sparsevit/windows';
import * as z from 'zod';
import type { SwinPresetName } from '../swin-presets';
import { swinPreset, swinPresetNames } from '../swin-presets';
import { checkInside } from './config-issue';

/** Far above every Swin there is; a document must not be able to ask for a list of a billion blocks. */
const mostStages = 16;
const mostBlocks = 1024;

const count = z.int().min(1);

/** An architecture as it is written in a document. */
export interface SwinArchitectureInput {
  /** Channels after the patch embedding; stage `i` has `embedDim * 2 ** i`. */
  readonly embedDim: number;
  /** Blocks per stage: 1 to 16 stages, each of 1 to 1024 blocks. */
  readonly depths: readonly number[];
  /** Attention heads per stage; each divides the channels of its stage. */
  readonly heads: readonly number[];
  /** Side of a window in tokens; default 7. */
  readonly window?: number | undefined;
  /** Hidden width of the MLP, as a multiple of the channels; default 4. */
  readonly mlpRatio?: number | undefined;
  /** Side of a patch in pixels; default 4. */
  readonly patchSize?: number | undefined;
}

/**
 * A `SwinArchitecture` with defaults for window, MLP and patch, checked by `checkArchitecture`.
 *
 * @example
 * swinArchitectureSchema.parse({ embedDim: 96, depths: [2, 2, 6, 2], heads: [3, 6, 12, 24] }).window; // 7
 */
export const swinArchitectureSchema: z.ZodType<SwinArchitecture, SwinArchitectureInput> = z
  .strictObject({
    embedDim: count.meta({
      description: 'Channels after the patch embedding; stage i, counted from 0, has embedDim * 2^i.',
    }),
    depths: z.array(count.max(mostBlocks)).min(1).max(mostStages).meta({
      description: 'Blocks per stage. Consecutive blocks form a pair: regular windows, then shifted windows.',
    }),
    heads: z
      .array(count)
      .min(1)
      .max(mostStages)
      .meta({ description: 'Attention heads per stage; each divides the channels of its stage.' }),
    window: count.default(7).meta({ description: 'Side of a window, in tokens.' }),
    mlpRatio: z
      .number()
      .positive()
      .default(4)
      .meta({ description: 'Hidden width of the MLP, as a multiple of the channels.' }),
    patchSize: count.default(4).meta({ description: 'Side of a patch, in pixels.' }),
  } satisfies Record<keyof SwinArchitecture, z.ZodType>)
  .superRefine((architecture, context) => {
    checkInside(context, [], () => checkArchitecture(architecture));
  })
  .meta({ description: 'The shape of a Swin: everything that decides which tensors it has.' });

/** An architecture, or the name of a preset for one. */
export const architectureOrPresetSchema: z.ZodType<SwinArchitecture, SwinPresetName | SwinArchitectureInput> = z
  .union([z.enum(swinPresetNames).transform(swinPreset), swinArchitectureSchema])
  .meta({ description: 'The name of a preset, or an architecture field by field.' });
