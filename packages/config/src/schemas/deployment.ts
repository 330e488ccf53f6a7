/** What a deployed model file says beside its weights: the sparsities to choose from, how good and how fast they are, and what predicts that. */

import type { PrunedRatios, SparsityRules } from '@sparsevit/windows';
import * as z from 'zod';
import { sparsityRulesSchema } from './latency-table';
import { prunedRatiosSchema } from './search-settings';

/** A sparsity that the model can be run at. */
export interface DeployedSparsity {
  readonly prunedRatios: PrunedRatios;
  /** How good it is, with the weights of the file. */
  readonly score: number;
  /** Predicted milliseconds on the device of the search. */
  readonly latencyMs: number;
}

/** What stands in the metadata of a deployed model, under `sparsevit-deployment`. */
export interface Deployment {
  readonly format: 'sparsevit-deployment';
  readonly version: 1;
  /** What the scores are: `AP`, `meanIou`, `top1`. */
  readonly scoreName: string;
  /** Images that the scores are of. */
  readonly scoredImages: number;
  /** None is better and faster than another; the fastest first. */
  readonly sparsities: readonly DeployedSparsity[];
  /** Rules of scoring and counting of all of them. */
  readonly rules: SparsityRules;
  /** The place of the one that was chosen among them; it is the sparsity that is saved with the weights. */
  readonly chosen: number;
  /** The budget that it was chosen for. */
  readonly budgetMs: number | null;
  /** The pixels and images at once that latencies are of. */
  readonly input: { readonly batch: number; readonly height: number; readonly width: number };
  /** The device of the search, in words. */
  readonly device: string;
  /** A predictor of latencies as `predictorFromJSON` of `@sparsevit/latency` reads it. */
  readonly predictor: Readonly<Record<string, unknown>>;
}

const most = 1000;
const side = z.int().min(1).max(100_000);

/**
 * A `Deployment`. Its predictor is checked by whoever makes one of it.
 *
 * @example
 * deploymentSchema.parse(JSON.parse(metadata['sparsevit-deployment'])).sparsities;
 */
export const deploymentSchema: z.ZodType<Deployment> = z
  .strictObject({
    format: z.literal('sparsevit-deployment'),
    version: z.literal(1),
    scoreName: z.string().min(1).max(100).meta({ description: 'What the scores are: AP, meanIou or top1.' }),
    scoredImages: z.int().min(1).meta({ description: 'Images that the scores are of.' }),
    sparsities: z
      .array(
        z.strictObject({
          prunedRatios: prunedRatiosSchema,
          score: z.number().meta({ description: 'How good it is, with the weights of the file.' }),
          latencyMs: z.number().positive().meta({ description: 'Predicted milliseconds on the device of the search.' }),
        } satisfies Record<keyof DeployedSparsity, z.ZodType>),
      )
      .min(1)
      .max(most)
      .meta({ description: 'Sparsities to choose from, the fastest first.' }),
    rules: sparsityRulesSchema,
    chosen: z.int().min(0).meta({ description: 'The place of the one that was chosen.' }),
    budgetMs: z.number().positive().nullable().meta({ description: 'The budget that it was chosen for, or null.' }),
    input: z
      .strictObject({ batch: z.int().min(1), height: side, width: side })
      .meta({ description: 'What latencies are of.' }),
    device: z.string().max(1000).meta({ description: 'The device of the search, in words.' }),
    predictor: z.record(z.string(), z.unknown()).meta({ description: 'A predictor of latencies.' }),
  } satisfies Record<keyof Deployment, z.ZodType>)
  .superRefine(({ sparsities, chosen }, context) => {
    if (chosen >= sparsities.length) {
      context.addIssue({
        code: 'custom',
        message: `Invalid input: expected a place below ${sparsities.length}, got ${chosen}`,
        path: ['chosen'],
      });
    }
    for (const [i, { latencyMs }] of sparsities.entries()) {
      if (latencyMs >= (sparsities[i - 1]?.latencyMs ?? 0)) continue;
      context.addIssue({
        code: 'custom',
        message: `Invalid input: expected latencies that grow, got ${latencyMs} after ${sparsities[i - 1]?.latencyMs}`,
        path: ['sparsities', i, 'latencyMs'],
      });
    }
  })
  .meta({ title: 'SparseViT deployment', description: 'What a deployed model can be run at.' });
