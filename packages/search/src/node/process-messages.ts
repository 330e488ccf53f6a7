/** What a pool and its processes tell each other. Both sides check what comes: a program may send messages of its own. */

import { ConfigError } from '@sparsevit/windows';
import type { Candidate } from '../candidate';
import type { EvaluationOutcome } from '../run';

/** The version of these messages; a program that was bundled with another one is refused. */
export const protocolVersion = 1;

/** A candidate for a process. */
export interface EvaluationRequest {
  readonly kind: 'evaluate';
  readonly call: number;
  readonly candidate: Candidate;
}

/** What a process tells: that it serves, and what came of a candidate. */
export type ProcessMessage =
  | { readonly kind: 'ready'; readonly version: number }
  | { readonly kind: 'outcome'; readonly call: number; readonly outcome: EvaluationOutcome }
  | { readonly kind: 'failed'; readonly call: number; readonly reason: string };

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isNumberList = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'number');
const isValues = (value: unknown): value is Readonly<Record<string, number>> =>
  isObject(value) && Object.values(value).every((item) => typeof item === 'number');

/**
 * What an evaluator gave, with nothing else in it. Numbers that are not finite pass: what they mean is the search's to say.
 *
 * @throws ConfigError for anything but `{ values, partial? }` or `{ partial }`
 */
export function readOutcome(value: unknown): EvaluationOutcome {
  const { values, partial } = isObject(value) ? value : ({} as Fields);
  if (partial === undefined || isNumberList(partial)) {
    if (isValues(values)) return { values: { ...values }, ...(partial === undefined ? {} : { partial: [...partial] }) };
    if (values === undefined && partial !== undefined) return { partial: [...partial] };
  }
  throw new ConfigError(
    `expected an evaluation to give { values } or { partial } of numbers, got ${isObject(value) ? `{ ${Object.keys(value).slice(0, 5).join(', ')} }` : String(value)}`,
  );
}

/**
 * The message of a process; null for one that is none of ours.
 *
 * @throws ConfigError for one of ours that is damaged
 */
export function readMessage(value: unknown): ProcessMessage | null {
  if (!isObject(value)) return null;
  const { kind, call, version, outcome, reason } = value;
  if (kind !== 'ready' && kind !== 'outcome' && kind !== 'failed') return null;
  if (kind === 'ready' && typeof version === 'number') return { kind, version };
  if (kind === 'outcome' && typeof call === 'number') return { kind, call, outcome: readOutcome(outcome) };
  if (kind === 'failed' && typeof call === 'number' && typeof reason === 'string') return { kind, call, reason };
  throw new ConfigError(`expected a message of serveEvaluations, got another one of the kind ${kind}`);
}

/** The request of a pool; null for a message that is none. */
export function readRequest(value: unknown): EvaluationRequest | null {
  if (!isObject(value) || value.kind !== 'evaluate' || typeof value.call !== 'number') return null;
  const { call, candidate } = value;
  if (!isObject(candidate) || !Array.isArray(candidate.prunedRatios) || !Array.isArray(candidate.subsets)) return null;
  return { kind: 'evaluate', call, candidate: candidate as unknown as Candidate };
}
