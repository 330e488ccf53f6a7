/** The schema of the model that a run begins with. */

import type { SwinArchitecture } from '@sparsevit/windows';
import * as z from 'zod';
import type { SwinPresetName } from '../swin-presets';
import { swinPresetNames } from '../swin-presets';
import type { SwinArchitectureInput } from './architecture';
import { swinArchitectureSchema } from './architecture';
import type { WithDefaults } from './written';

const families = [
  'microsoft',
  'microsoft-detection',
  'mmdet',
  'timm',
  'torchvision',
  'huggingface',
  'huggingface-backbone',
] as const;

/** Whose rules the weights follow. */
export type TrainingFamily = (typeof families)[number];

/** The model to begin with: a checkpoint, or an architecture with random weights. */
export interface TrainingModel {
  readonly preset?: SwinPresetName;
  readonly architecture?: SwinArchitecture;
  readonly weights?: string;
  readonly family?: TrainingFamily;
  readonly seed: number;
}

/** The model as it is written. */
export type TrainingModelInput = Omit<WithDefaults<TrainingModel, 'seed'>, 'architecture'> & {
  readonly architecture?: SwinArchitectureInput;
};

/** A `TrainingModel`. */
export const trainingModelSchema: z.ZodType<TrainingModel, TrainingModelInput> = z
  .strictObject({
    preset: z.enum(swinPresetNames).exactOptional().meta({ description: 'The name of an architecture.' }),
    architecture: swinArchitectureSchema.exactOptional().meta({ description: 'An architecture, field by field.' }),
    weights: z.string().min(1).exactOptional().meta({
      description:
        'A checkpoint of a backbone or of a whole task, relative to this document; without it random weights.',
    }),
    family: z.enum(families).exactOptional().meta({
      description:
        "Force whose rules the weights follow. Default: the checkpoint's; of random weights microsoft-detection.",
    }),
    seed: z.int().min(0).default(0).meta({ description: 'Of random weights and of a fresh head.' }),
  } satisfies Record<keyof TrainingModel, z.ZodType>)
  .superRefine(({ preset, architecture }, context) => {
    if (preset === undefined || architecture === undefined) return;
    context.addIssue({
      code: 'custom',
      message: 'Invalid input: expected preset or architecture, got both',
      path: ['architecture'],
    });
  })
  .meta({ description: 'The model to begin with.' });
