/** The document that a search ends with: the best, the front, what matters, and everything that was evaluated. */

import { ConfigError } from '@sparsevit/windows';
import * as z from 'zod';
import { describeZodError } from './describe-error';
import type { SearchSettingsDocument } from './search-settings';
import { prunedRatiosSchema, searchSettingsSchema, searchValuesSchema } from './search-settings';

type PrunedRatios = readonly (readonly number[])[];
type Values = Readonly<Record<string, number>>;

/** A sparsity that was evaluated. */
export interface SearchEvaluation {
  readonly id: number;
  readonly generation: number;
  readonly prunedRatios: PrunedRatios;
  readonly state: 'complete' | 'dropped' | 'failed';
  readonly values: Values;
  readonly isFeasible: boolean;
  readonly violation: number | null;
  readonly attempts: number;
  readonly partial?: readonly number[];
  readonly reason?: string;
}

/** A sparsity that was measured after the search. */
export interface SearchMeasuredSparsity {
  readonly id: number;
  readonly prunedRatios: PrunedRatios;
  readonly objective: number;
  readonly predicted: number | null;
  readonly measured: number;
  readonly quartiles: readonly [number, number];
  readonly samples: readonly number[];
  readonly meetsBudget: boolean;
}

/** The result of a search. */
export interface SearchResultDocument {
  readonly format: 'sparsevit-search-result';
  readonly version: 1;
  readonly settings: SearchSettingsDocument;
  readonly ending: 'evaluations-spent' | 'space-exhausted' | 'stalled' | null;
  readonly best: SearchEvaluation | null;
  readonly leastInfeasible: SearchEvaluation | null;
  readonly front: readonly SearchEvaluation[];
  readonly hypervolume: readonly { readonly evaluations: number; readonly hypervolume: number }[];
  readonly reference: Values | null;
  readonly importance: readonly {
    readonly stage: number;
    readonly pair: number;
    readonly share: number;
    readonly effects: readonly number[];
  }[];
  readonly spaceSize: number;
  readonly feasibleShare: { readonly value: number; readonly isExact: boolean };
  readonly generations: number;
  readonly counts: { readonly complete: number; readonly dropped: number; readonly failed: number };
  readonly history: readonly SearchEvaluation[];
  /** The best as measured, when they were. */
  readonly measured?: {
    readonly name: string;
    readonly winner: SearchMeasuredSparsity | null;
    readonly measured: readonly SearchMeasuredSparsity[];
    readonly measuredOverPredicted: number | null;
  };
}

const count = z.int().min(0);
const share = z.number().min(0).max(1);

const evaluationSchema: z.ZodType<SearchEvaluation> = z
  .strictObject({
    id: count.meta({ description: 'Place in the history.' }),
    generation: count.meta({ description: 'The generation that it was drawn in, from 0.' }),
    prunedRatios: prunedRatiosSchema,
    state: z.enum(['complete', 'dropped', 'failed']).meta({ description: 'How its evaluation ended.' }),
    values: searchValuesSchema,
    isFeasible: z.boolean().meta({ description: 'True when it is complete and within all bounds.' }),
    violation: z
      .number()
      .min(0)
      .nullable()
      .meta({ description: 'How far from the bounds, as a share of them; null when not complete.' }),
    attempts: count.min(1).meta({ description: 'Times that it was tried.' }),
    partial: z.array(z.number()).exactOptional().meta({ description: 'The metric on each subset that was done.' }),
    reason: z.string().exactOptional().meta({ description: 'Why the last attempt failed.' }),
  } satisfies Record<keyof SearchEvaluation, z.ZodType>)
  .meta({ description: 'A sparsity that was evaluated.' });

const measuredSparsitySchema: z.ZodType<SearchMeasuredSparsity> = z
  .strictObject({
    id: count.meta({ description: 'Place in the history.' }),
    prunedRatios: prunedRatiosSchema,
    objective: z.number().meta({ description: 'The objective as evaluated.' }),
    predicted: z.number().nullable().meta({ description: 'What was predicted, or null.' }),
    measured: z.number().meta({ description: 'The median of the rounds.' }),
    quartiles: z.tuple([z.number(), z.number()]).meta({ description: 'Quartiles of the rounds.' }),
    samples: z.array(z.number()).min(1).meta({ description: 'One value per round.' }),
    meetsBudget: z.boolean().meta({ description: 'Whether the median meets the budget.' }),
  } satisfies Record<keyof SearchMeasuredSparsity, z.ZodType>)
  .meta({ description: 'A sparsity that was measured.' });

/** A `SearchResult` of `@sparsevit/search`, with what was measured after it. */
export const searchResultSchema: z.ZodType<SearchResultDocument> = z
  .strictObject({
    format: z.literal('sparsevit-search-result').meta({ description: 'What this document is.' }),
    version: z.literal(1).meta({ description: 'The version of this format.' }),
    settings: searchSettingsSchema,
    ending: z
      .enum(['evaluations-spent', 'space-exhausted', 'stalled'])
      .nullable()
      .meta({ description: 'Why the search ended; null while it goes on.' }),
    best: evaluationSchema.nullable().meta({ description: 'The best that is feasible, or null.' }),
    leastInfeasible: evaluationSchema
      .nullable()
      .meta({ description: 'When nothing is feasible: what is nearest to the bounds.' }),
    front: z.array(evaluationSchema).meta({ description: 'What no other is better than, the best metric first.' }),
    hypervolume: z
      .array(
        z.strictObject({
          evaluations: count.min(1).meta({ description: 'Evaluations after which it grew.' }),
          hypervolume: z.number().min(0).meta({ description: 'What the front covers then.' }),
        }),
      )
      .meta({ description: 'What the front covers over the evaluations.' }),
    reference: searchValuesSchema.nullable().meta({ description: 'The corner that hypervolume is measured from.' }),
    importance: z
      .array(
        z.strictObject({
          stage: count.meta({ description: 'The stage, from 0.' }),
          pair: count.meta({ description: 'The pair of blocks, from 0.' }),
          share: share.meta({ description: 'Its share of what an additive model explains.' }),
          effects: z.array(z.number()).meta({ description: 'The metric at each choice less that at the first.' }),
        }),
      )
      .meta({ description: 'How much each gene matters for the first objective.' }),
    spaceSize: z.number().min(1).meta({ description: 'Sparsities of the space.' }),
    feasibleShare: z
      .strictObject({
        value: share.meta({ description: 'The share.' }),
        isExact: z.boolean().meta({ description: 'Counted, or estimated from draws.' }),
      })
      .meta({ description: 'The share of the space that the computed bounds allow.' }),
    generations: count.meta({ description: 'Generations that are done.' }),
    counts: z
      .strictObject({
        complete: count.meta({ description: 'Evaluated.' }),
        dropped: count.meta({ description: 'Given up on a subset.' }),
        failed: count.meta({ description: 'Failed.' }),
      })
      .meta({ description: 'Evaluations by how they ended.' }),
    history: z.array(evaluationSchema).meta({ description: 'Everything that was evaluated, in order of ids.' }),
    measured: z
      .strictObject({
        name: z.string().meta({ description: 'What was measured.' }),
        winner: measuredSparsitySchema.nullable().meta({ description: 'The best that meets the budget, or null.' }),
        measured: z
          .array(measuredSparsitySchema)
          .meta({ description: 'All that were measured, the best metric first.' }),
        measuredOverPredicted: z.number().nullable().meta({ description: 'Median of the quotients, or null.' }),
      })
      .exactOptional()
      .meta({ description: 'The best as measured after the search.' }),
  } satisfies Record<keyof SearchResultDocument, z.ZodType>)
  .meta({ title: 'SparseViT search result', description: 'What a search for layerwise sparsity has found.' });

/**
 * Reads the result of a search.
 *
 * @param document a parsed JSON document
 * @throws ConfigError with a line or two for each thing that is wrong; its `cause` is zod's error
 * @example
 * const { best } = parseSearchResult(JSON.parse(text));
 */
export function parseSearchResult(document: unknown): SearchResultDocument {
  const result = searchResultSchema.safeParse(document, { reportInput: true });
  if (result.success) return result.data;
  throw new ConfigError(`parseSearchResult: expected a valid search result, got\n${describeZodError(result.error)}`, {
    cause: result.error,
  });
}

/** The JSON Schema (draft 2020-12) of the result of a search. */
export function searchResultJsonSchema(): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(searchResultSchema);
}
