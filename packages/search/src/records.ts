/** What happens in a search, as records: what was drawn, and what came of it. From them, in their order, a search is made again. */

import type { PrunedRatios } from '@sparsevit/windows';
import { CheckpointError } from '@sparsevit/windows';
import type { EvaluationResult } from './candidate';
import type { SearchSettings } from './settings';

/** A generation as it was drawn. */
export interface GenerationRecord {
  readonly type: 'generation';
  readonly generation: number;
  /** Ids of its members in the order in which they were drawn; those evaluated in an earlier generation among them. */
  readonly members: readonly number[];
  /** Its new members. */
  readonly candidates: readonly {
    readonly id: number;
    readonly prunedRatios: PrunedRatios;
    /** What is computed, by name. */
    readonly values: Readonly<Record<string, number>>;
  }[];
}

/** What came of one attempt. */
export type ResultRecord = { readonly type: 'result'; readonly attempt: number } & EvaluationResult;

/** A record of a search. */
export type SearchRecord = GenerationRecord | ResultRecord;

/** The name of a saved search's format. */
export const searchFormat = 'sparsevit-search';
/** The version of a saved search and of a journal. */
export const searchVersion = 1;

/** A search as it stands: plain JSON. */
export interface SearchSnapshot {
  readonly format: typeof searchFormat;
  readonly version: typeof searchVersion;
  readonly settings: SearchSettings;
  readonly records: readonly SearchRecord[];
}

/** Settings as they were saved: compared with those of the search that goes on, field by field, and not looked at otherwise. */
export type SavedSettings = Readonly<Record<string, unknown>>;

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isNumberList = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every(Number.isFinite);
const isValues = (value: unknown): value is Readonly<Record<string, number>> =>
  isObject(value) && Object.values(value).every(Number.isFinite);
const isRatios = (value: unknown): value is PrunedRatios => Array.isArray(value) && value.every(isNumberList);

function refuse(where: string, what: string): never {
  throw new CheckpointError(
    `search: expected ${what} in ${where}, got something else. It is not a journal of a search, or it is damaged.`,
  );
}

/**
 * Reads a record from data of any kind.
 *
 * @param where what an error names
 * @throws CheckpointError when it is no record
 */
export function readRecord(value: unknown, where: string): SearchRecord {
  if (!isObject(value)) refuse(where, 'a record');
  if (value.type === 'generation') {
    const { generation, members, candidates } = value;
    if (!isCount(generation)) refuse(where, 'the number of a generation');
    if (!Array.isArray(members) || !members.every(isCount)) refuse(where, 'ids of members');
    if (!Array.isArray(candidates)) refuse(where, 'candidates');
    return {
      type: 'generation',
      generation,
      members,
      candidates: candidates.map((candidate: unknown) => {
        if (
          !isObject(candidate) ||
          !isCount(candidate.id) ||
          !isRatios(candidate.prunedRatios) ||
          !isValues(candidate.values)
        ) {
          refuse(where, 'candidates with id, prunedRatios and values');
        }
        return { id: candidate.id, prunedRatios: candidate.prunedRatios, values: candidate.values };
      }),
    };
  }
  if (value.type !== 'result') refuse(where, 'a generation or a result');
  const { id, attempt, state, values, partial, reason } = value;
  if (!isCount(id) || !isCount(attempt) || attempt === 0) refuse(where, 'the id and the attempt of a result');
  if (partial !== undefined && !isNumberList(partial)) refuse(where, 'numbers in partial');
  if (state === 'complete') {
    if (!isValues(values)) refuse(where, 'finite values of a result');
    return { type: 'result', attempt, id, state, values, ...(partial === undefined ? {} : { partial }) };
  }
  if (state === 'dropped') {
    if (partial === undefined) refuse(where, 'the subsets that were done');
    return { type: 'result', attempt, id, state, partial };
  }
  if (state !== 'failed' || typeof reason !== 'string') refuse(where, 'complete, dropped, or failed with a reason');
  return { type: 'result', attempt, id, state, reason };
}

/**
 * Checks format and version of a saved search or a journal, and gives its settings back.
 *
 * @throws CheckpointError when it is something else, or of a newer version
 */
export function readHeader(value: unknown, format: string, where: string): SavedSettings {
  if (!isObject(value) || value.format !== format) refuse(where, `the format ${format}`);
  if (value.version !== searchVersion) {
    throw new CheckpointError(
      `search: expected version ${searchVersion} of ${where}, got ${String(value.version)}. It was written by another version of @sparsevit/search: use that one, or begin anew.`,
    );
  }
  if (!isObject(value.settings)) refuse(where, 'the settings of a search');
  return value.settings;
}

/**
 * Reads a saved search from data of any kind.
 *
 * @throws CheckpointError when it is none
 */
export function readSnapshot(value: unknown): {
  readonly settings: SavedSettings;
  readonly records: readonly SearchRecord[];
} {
  const settings = readHeader(value, searchFormat, 'the saved search');
  const records = isObject(value) ? value.records : null;
  if (!Array.isArray(records)) refuse('the saved search', 'records');
  return {
    settings,
    records: records.map((record, i) => readRecord(record, `record ${i} of the saved search`)),
  };
}
