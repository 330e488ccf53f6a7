/** The document that says which model to build and how to run it. */

import type { Sparsity, SwinArchitecture } from '@sparsevit/windows';
import { ConfigError, checkSparsity } from '@sparsevit/windows';
import * as z from 'zod';
import { parseSparsity } from '../sparsity-notation';
import type { SwinPresetName } from '../swin-presets';
import type { SwinArchitectureInput } from './architecture';
import { architectureOrPresetSchema } from './architecture';
import { checkInside } from './config-issue';
import { describeZodError } from './describe-error';
import type { Preprocessing, PreprocessingInput } from './preprocessing';
import { preprocessingSchema } from './preprocessing';
import type { SparsityInput } from './sparsity';
import { ratioSparsitySchema, thresholdSparsitySchema } from './sparsity';

/** A model config after reading: nothing is left to look up. It is a valid document again. */
export interface ModelConfig {
  readonly version: 1;
  readonly architecture: SwinArchitecture;
  readonly sparsity: Sparsity;
  readonly preprocessing: Preprocessing;
}

/** A model config as it is written. */
export interface ModelConfigInput {
  /** Where an editor finds the JSON Schema; left out of the result. */
  readonly $schema?: string | undefined;
  /** The version of this format. */
  readonly version: 1;
  /** The name of a preset, or an architecture. */
  readonly architecture: SwinPresetName | SwinArchitectureInput;
  /** A notation of `parseSparsity` in clean mode, or an object; default '0', which is dense. */
  readonly sparsity?: string | SparsityInput | undefined;
  /** Default: ImageNet's normalisation at the image's own size. */
  readonly preprocessing?: PreprocessingInput | undefined;
}

/**
 * A `ModelConfig`: preset names and notations are resolved, and the sparsity fits the architecture.
 *
 * @example
 * modelConfigSchema.parse({ version: 1, architecture: 'swin-t', sparsity: '.3|0|.1,.2,.2|0' }).architecture.window; // 7
 */
export const modelConfigSchema: z.ZodType<ModelConfig, ModelConfigInput> = z
  .strictObject({
    $schema: z.string().optional().meta({ description: 'Where an editor finds the JSON Schema of this document.' }),
    version: z.literal(1).meta({ description: 'The version of this format.' }),
    architecture: architectureOrPresetSchema,
    sparsity: z
      .union(
        [
          z.string().meta({
            description:
              'Ratios in clean mode: stages separated by "|", pairs of blocks by ",", as in ".3|0|.1,.2,.2|0"; a single number holds for all.',
          }),
          ratioSparsitySchema,
          thresholdSparsitySchema,
        ],
        {
          error:
            'Invalid input: expected a text such as ".3|0|.1,.2,.2|0" or ".6", or an object with prunedRatios or thresholds',
        },
      )
      .prefault('0')
      .meta({ description: 'Which windows are left out. Default: none.' }),
    preprocessing: preprocessingSchema.prefault({}),
  } satisfies Record<keyof ModelConfigInput, z.ZodType>)
  .transform(({ version, architecture, sparsity, preprocessing }, context): ModelConfig => {
    const resolved = checkInside(context, ['sparsity'], () =>
      typeof sparsity === 'string' ? parseSparsity(sparsity, architecture) : checkSparsity(architecture, sparsity),
    );
    return { version, architecture, sparsity: resolved, preprocessing };
  })
  .meta({ title: 'SparseViT model config', description: 'Which model to build, and how to run it on an image.' });

/**
 * Reads a model config.
 *
 * @param document a parsed JSON document, or the like
 * @throws ConfigError with a line or two for each thing that is wrong; its `cause` is zod's error
 * @example
 * const { architecture, sparsity } = parseModelConfig({ version: 1, architecture: 'swin-nano', sparsity: '.6' });
 */
export function parseModelConfig(document: unknown): ModelConfig {
  const result = modelConfigSchema.safeParse(document, { reportInput: true });
  if (result.success) return result.data;
  throw new ConfigError(`parseModelConfig: expected a valid model config, got\n${describeZodError(result.error)}`, {
    cause: result.error,
  });
}

/**
 * Returns the config it is given; an editor completes and checks its fields.
 *
 * @example
 * const config = defineModelConfig({ version: 1, architecture: 'swin-t', sparsity: '.6' });
 */
export function defineModelConfig(config: ModelConfigInput): ModelConfigInput {
  return config;
}

/** The JSON Schema (draft 2020-12) of a model config as it is written; the file `@sparsevit/config/schema.json` is a copy of it. */
export function modelConfigJsonSchema(): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(modelConfigSchema, { io: 'input' });
}
