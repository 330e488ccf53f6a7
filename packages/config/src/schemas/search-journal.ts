/** The schema of a search's journal: one line of JSON for the settings, then one for each generation and each result. */

import { ConfigError } from '@sparsevit/windows';
import * as z from 'zod';
import { describeZodError } from './describe-error';
import type { SearchSettingsDocument } from './search-settings';
import { prunedRatiosSchema, searchSettingsSchema, searchValuesSchema } from './search-settings';

const id = z.int().min(0);
const partial = z.array(z.number()).meta({ description: 'The metric on each subset that was done.' });

/** The first line of a journal. */
export interface SearchJournalHeader {
  readonly type: 'search';
  readonly format: 'sparsevit-search-journal';
  readonly version: 1;
  readonly settings: SearchSettingsDocument;
}

/** A generation that was drawn. */
export interface SearchGenerationLine {
  readonly type: 'generation';
  readonly generation: number;
  readonly members: readonly number[];
  readonly candidates: readonly {
    readonly id: number;
    readonly prunedRatios: readonly (readonly number[])[];
    readonly values: Readonly<Record<string, number>>;
  }[];
}

/** What came of one attempt to evaluate a candidate. */
export type SearchResultLine = { readonly type: 'result'; readonly id: number; readonly attempt: number } & (
  | {
      readonly state: 'complete';
      readonly values: Readonly<Record<string, number>>;
      readonly partial?: readonly number[];
    }
  | { readonly state: 'dropped'; readonly partial: readonly number[] }
  | { readonly state: 'failed'; readonly reason: string }
);

/** A line of a journal. */
export type SearchJournalLine = SearchJournalHeader | SearchGenerationLine | SearchResultLine;

const resultFields = {
  type: z.literal('result').meta({ description: 'What came of an attempt.' }),
  id: id.meta({ description: 'The candidate.' }),
  attempt: z.int().min(1).meta({ description: 'The attempt, from 1.' }),
};

/**
 * A line of the journal of a search, parsed as JSON.
 *
 * @example
 * const lines = text.trimEnd().split('\n').map((line) => searchJournalLineSchema.parse(JSON.parse(line)));
 */
export const searchJournalLineSchema: z.ZodType<SearchJournalLine> = z
  .union([
    z.strictObject({
      type: z.literal('search').meta({ description: 'The first line.' }),
      format: z.literal('sparsevit-search-journal').meta({ description: 'What this file is.' }),
      version: z.literal(1).meta({ description: 'The version of this format.' }),
      settings: searchSettingsSchema,
    }),
    z.strictObject({
      type: z.literal('generation').meta({ description: 'A generation that was drawn.' }),
      generation: id.meta({ description: 'Its number, from 0.' }),
      members: z.array(id).meta({ description: 'Ids of its members, as they were drawn.' }),
      candidates: z
        .array(
          z.strictObject({
            id: id.meta({ description: 'Ids go on from those of the generation before.' }),
            prunedRatios: prunedRatiosSchema,
            values: searchValuesSchema.meta({ description: 'What is computed.' }),
          }),
        )
        .meta({ description: 'Its members that are new.' }),
    }),
    z.discriminatedUnion('state', [
      z.strictObject({
        ...resultFields,
        state: z.literal('complete').meta({ description: 'Evaluated.' }),
        values: searchValuesSchema.meta({ description: 'What was told.' }),
        partial: partial.exactOptional(),
      }),
      z.strictObject({ ...resultFields, state: z.literal('dropped').meta({ description: 'Given up.' }), partial }),
      z.strictObject({
        ...resultFields,
        state: z.literal('failed').meta({ description: 'Failed.' }),
        reason: z.string().meta({ description: 'Why.' }),
      }),
    ]),
  ])
  .meta({ title: 'SparseViT search journal, a line', description: 'Settings, a generation, or a result.' });

/**
 * Reads a line of the journal of a search.
 *
 * @param line a parsed line
 * @throws ConfigError with a line or two for each thing that is wrong; its `cause` is zod's error
 * @example
 * const { type } = parseSearchJournalLine(JSON.parse(line));
 */
export function parseSearchJournalLine(line: unknown): SearchJournalLine {
  const result = searchJournalLineSchema.safeParse(line, { reportInput: true });
  if (result.success) return result.data;
  throw new ConfigError(
    `parseSearchJournalLine: expected a line of a search's journal, got\n${describeZodError(result.error)}`,
    { cause: result.error },
  );
}
