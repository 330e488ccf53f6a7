/** The schema of what a search is: space, objectives, bounds, preset. It stands in the journal and in the result of `@sparsevit/search`. */

import { maxPrunedRatio } from '@sparsevit/windows';
import * as z from 'zod';

const count = z.int().min(0);
const name = z.string().min(1);
const probability = z.number().min(0).max(1);

/** Shares of pruned windows, stage -> pair, not decreasing inside a stage. */
export const prunedRatiosSchema: z.ZodType<readonly (readonly number[])[]> = z
  .array(z.array(z.number().min(0).max(maxPrunedRatio)))
  .min(1)
  .meta({ description: 'Share of pruned windows: one list per stage, one number per pair of blocks.' });

/** Quantities by name. */
export const searchValuesSchema: z.ZodType<Readonly<Record<string, number>>> = z
  .record(name, z.number())
  .meta({ description: 'Quantities by name.' });

/** An objective of a search. */
export interface SearchObjective {
  readonly name: string;
  readonly direction: 'maximize' | 'minimize';
  readonly isComputed: boolean;
}

/** A bound of a search. */
export interface SearchConstraint {
  readonly name: string;
  readonly atMost?: number;
  readonly atLeast?: number;
  readonly margin?: number;
  readonly isComputed: boolean;
}

/** How a search proposes; the kinds and their numbers are those of `searchPresets` of `@sparsevit/search`. */
export type SearchPresetDocument =
  | {
      readonly kind: 'evolution';
      readonly population: number;
      readonly parents: number;
      readonly mutants: number;
      readonly crossings: number;
      readonly mutationProbability: number;
      readonly mutation: 'reset' | 'step';
      readonly crossedParents: 'distinct' | 'any';
      readonly parentsFrom: 'last-generation' | 'all-generations';
      readonly repeats: 'enter' | 'skip';
      readonly firstDraws: 'sorted' | 'uniform';
    }
  | {
      readonly kind: 'nsga2';
      readonly population: number;
      readonly crossoverProbability: number;
      readonly mutationProbability: number | null;
    }
  | {
      readonly kind: 'assisted';
      readonly first: number;
      readonly generation: number;
      readonly proposed: number;
      readonly parents: number;
    }
  | { readonly kind: 'random' | 'exhaustive'; readonly generation: number };

/** The settings of a search. */
export interface SearchSettingsDocument {
  readonly space: { readonly pairsPerStage: readonly number[]; readonly choices: readonly number[] };
  readonly objectives: readonly SearchObjective[];
  readonly constraints: readonly SearchConstraint[];
  readonly preset: SearchPresetDocument;
  readonly seed: number;
  readonly maxEvaluations: number;
  readonly initial: readonly (readonly (readonly number[])[])[];
  readonly subsets: { readonly items: readonly number[]; readonly keepShare?: number; readonly least?: number } | null;
  readonly attempts: number;
  readonly enumerateUpTo: number;
  readonly reference: Readonly<Record<string, number>> | null;
  readonly subject: string | null;
}

const isComputed = z.boolean().meta({ description: 'True when it is computed, false when every evaluation tells it.' });

const presetSchema: z.ZodType<SearchPresetDocument> = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('evolution').meta({ description: 'Mutants and crossings of the best so far.' }),
      population: count.min(1).meta({ description: 'Members of the first generation.' }),
      parents: count.min(1).meta({ description: 'The best that the next generation comes from.' }),
      mutants: count.meta({ description: 'Members of a generation that are mutated.' }),
      crossings: count.meta({ description: 'Members of a generation that are crossed.' }),
      mutationProbability: probability.meta({ description: 'Probability of each gene to mutate.' }),
      mutation: z.enum(['reset', 'step']).meta({ description: 'A gene is drawn anew, or goes a choice or two.' }),
      crossedParents: z.enum(['distinct', 'any']).meta({ description: 'Whether two parents may be the same.' }),
      parentsFrom: z.enum(['last-generation', 'all-generations']).meta({ description: 'Where parents come from.' }),
      repeats: z.enum(['enter', 'skip']).meta({ description: 'What becomes of a sparsity that is known.' }),
      firstDraws: z.enum(['sorted', 'uniform']).meta({ description: 'How the first generation is drawn.' }),
    }),
    z.strictObject({
      kind: z.literal('nsga2').meta({ description: 'NSGA-II: the front of several objectives.' }),
      population: count.min(2).meta({ description: 'Members that survive.' }),
      crossoverProbability: probability.meta({ description: 'Probability of two parents.' }),
      mutationProbability: probability.nullable().meta({ description: 'Of each gene; null: one gene on average.' }),
    }),
    z.strictObject({
      kind: z.literal('assisted').meta({ description: 'Evolution with an additive model beside it.' }),
      first: count.min(1).meta({ description: 'Draws of the first generation.' }),
      generation: count.min(1).meta({ description: 'Members of every later generation.' }),
      proposed: count.meta({ description: 'Members that the model proposes.' }),
      parents: count.min(2).meta({ description: 'The best that the others come from.' }),
    }),
    z.strictObject({
      kind: z.enum(['random', 'exhaustive']).meta({ description: 'Uniform draws, or everything in order.' }),
      generation: count.min(1).meta({ description: 'Sparsities that are asked for at once.' }),
    }),
  ])
  .meta({ description: 'How the search proposes.' });

/** A `SearchSettings` of `@sparsevit/search`. */
export const searchSettingsSchema: z.ZodType<SearchSettingsDocument> = z
  .strictObject({
    space: z
      .strictObject({
        pairsPerStage: z.array(count.max(512)).min(1).max(16).meta({ description: 'Pairs of blocks in each stage.' }),
        choices: z
          .array(z.number().min(0).max(maxPrunedRatio))
          .min(1)
          .max(255)
          .meta({ description: 'The shares that a pair may leave out, rising.' }),
      })
      .meta({ description: 'What is searched through.' }),
    objectives: z
      .array(
        z.strictObject({
          name: name.meta({ description: 'The quantity.' }),
          direction: z.enum(['maximize', 'minimize']).meta({ description: 'What is wanted of it.' }),
          isComputed,
        }),
      )
      .min(1)
      .meta({ description: 'What is wanted.' }),
    constraints: z
      .array(
        z.strictObject({
          name: name.meta({ description: 'The quantity.' }),
          atMost: z.number().exactOptional().meta({ description: 'Its upper bound.' }),
          atLeast: z.number().exactOptional().meta({ description: 'Its lower bound.' }),
          margin: z
            .number()
            .min(0)
            .exactOptional()
            .meta({ description: 'What its prediction may be wrong by: the search keeps to atMost / (1 + margin).' }),
          isComputed,
        }),
      )
      .meta({ description: 'What is allowed.' }),
    preset: presetSchema,
    seed: z.int().meta({ description: 'Seed of all draws.' }),
    maxEvaluations: count.min(1).meta({ description: 'Different sparsities that are evaluated at most.' }),
    initial: z.array(prunedRatiosSchema).meta({ description: 'Sparsities that the search begins with.' }),
    subsets: z
      .strictObject({
        items: z.array(count.min(1)).min(1).meta({ description: 'Items of each subset, growing.' }),
        keepShare: probability
          .exactOptional()
          .meta({ description: 'Share that a candidate has to be among to go on.' }),
        least: count.min(1).exactOptional().meta({ description: 'Evaluations that a limit takes.' }),
      })
      .nullable()
      .meta({ description: 'Evaluation on growing subsets of the validation data, or null.' }),
    attempts: count.min(1).meta({ description: 'Times that an evaluation is tried.' }),
    enumerateUpTo: count.meta({ description: 'Sparsities up to which a space is looked at as a whole.' }),
    reference: searchValuesSchema
      .nullable()
      .meta({ description: 'The corner that hypervolume is measured from, or null.' }),
    subject: z
      .string()
      .min(1)
      .max(1000)
      .nullable()
      .meta({ description: 'What is evaluated and what computes, such as a hash of the files; null when not said.' }),
  } satisfies Record<keyof SearchSettingsDocument, z.ZodType>)
  .meta({ description: 'What the search is.' });
