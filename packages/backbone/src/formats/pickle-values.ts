/** The values that a pickle is read into: plain data, whatever classes the pickle was made of. */

import { refuse, showName } from './refuse';

/** A value that a pickle may hold. `H` is what the host makes (a storage, a tensor). */
export type PickleValue<H> =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleSequence<H>
  | PickleDict<H>
  | { readonly kind: 'global'; readonly name: string }
  | { readonly kind: 'host'; readonly value: H };

/** A Python list or tuple. */
export interface PickleSequence<H> {
  readonly kind: 'list' | 'tuple';
  readonly items: PickleValue<H>[];
}

/**
 * A Python dict; `isOrdered` for an OrderedDict, which may carry attributes (dropped). Its entries are a list, in the order
 * and as often as they came: the keys of a hash table could be chosen to collide.
 */
export interface PickleDict<H> {
  readonly kind: 'dict';
  readonly isOrdered: boolean;
  readonly entries: PickleEntry<H>[];
}

/** A key and its value. */
export type PickleEntry<H> = readonly [key: PickleKey, value: PickleValue<H>];

/** What may be a key of a dict. */
export type PickleKey = null | boolean | number | bigint | string;

/** Adds key, value, key, value ... */
export function fillDict<H>(entries: PickleEntry<H>[], items: readonly PickleValue<H>[]): PickleEntry<H>[] {
  if (items.length % 2 !== 0) refuse('pickle', 'a value for every key', 'an odd number of them');
  for (let i = 0; i < items.length; i += 2) {
    const key = items[i];
    if (typeof key === 'object' && key !== null) refuse('pickle', 'numbers and strings as keys', kindOf(key));
    entries.push([key as PickleKey, items[i + 1] as PickleValue<H>]);
  }
  return entries;
}

/** True for a list or a tuple. */
export function isSequence<H>(value: PickleValue<H> | undefined): value is PickleSequence<H> {
  return hasKind(value) && (value.kind === 'list' || value.kind === 'tuple');
}

/** True for a dict. */
export function isDict<H>(value: PickleValue<H> | undefined): value is PickleDict<H> {
  return hasKind(value) && value.kind === 'dict';
}

/** True for a name. */
export function isGlobal<H>(
  value: PickleValue<H> | undefined,
): value is { readonly kind: 'global'; readonly name: string } {
  return hasKind(value) && value.kind === 'global';
}

/** True for what the host made. */
export function isHost<H>(value: PickleValue<H> | undefined): value is { readonly kind: 'host'; readonly value: H } {
  return hasKind(value) && value.kind === 'host';
}

/** What a value is, in a word, for messages. */
export function kindOf<H>(value: PickleValue<H> | undefined): string {
  if (value === null || value === undefined) return 'None';
  if (value instanceof Uint8Array) return 'bytes';
  if (hasKind(value))
    return value.kind === 'global' ? showName(value.name) : value.kind === 'host' ? 'a tensor' : `a ${value.kind}`;
  return typeof value === 'string' ? 'a string' : `a ${typeof value}`;
}

function hasKind<H>(
  value: PickleValue<H> | undefined,
): value is Exclude<PickleValue<H>, null | boolean | number | bigint | string | Uint8Array> {
  return typeof value === 'object' && value !== null && 'kind' in value;
}
