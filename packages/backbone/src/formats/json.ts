/**
 * A strict JSON parser for file headers. Beside what `JSON.parse` refuses it refuses duplicate keys and deep nesting, and objects become
 * `Map`s, so that a key such as `__proto__` is a key like any other.
 */

import { refuse, showName } from './refuse';

/** A JSON value; objects are maps. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | ReadonlyMap<string, JsonValue>;

const deepest = 16;
const longestNumber = 64;
const numberPattern = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/;
const literals: readonly (readonly [string, JsonValue])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];

/**
 * Parses a whole text as one JSON value.
 *
 * @param where names the text in error messages
 * @throws CheckpointError for anything but one JSON value, a key that comes twice in an object, or nesting deeper than 16
 * @example
 * parseJson('{"a": [1, 2]}', 'header'); // Map { 'a' => [1, 2] }
 */
export function parseJson(text: string, where: string): JsonValue {
  let at = 0;

  const unexpected = (expected: string): never =>
    refuse(where, `${expected} at character ${at}`, at < text.length ? showName(text.slice(at, at + 12)) : 'the end');

  const skipSpace = (): void => {
    while (at < text.length && ' \t\n\r'.includes(text.charAt(at))) at++;
  };

  const take = (token: string): boolean => {
    skipSpace();
    const isNext = text.startsWith(token, at);
    if (isNext) at += token.length;
    return isNext;
  };

  const string = (): string => {
    if (!take('"')) unexpected('a string');
    const start = at;
    let isEscaped = false;
    for (; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      if (unit === 0x22) {
        at++;
        return isEscaped ? unescaped(start) : text.slice(start, at - 1);
      }
      if (unit < 0x20) unexpected('no control character');
      if (unit === 0x5c) {
        isEscaped = true;
        at++;
      }
    }
    return unexpected('a closing quote');
  };

  const unescaped = (start: number): string => {
    try {
      return JSON.parse(text.slice(start - 1, at)) as string;
    } catch {
      at = start;
      return unexpected('a string with valid escapes');
    }
  };

  const object = (depth: number): ReadonlyMap<string, JsonValue> => {
    const entries = new Map<string, JsonValue>();
    if (take('}')) return entries;
    do {
      const key = string();
      if (entries.has(key)) refuse(where, 'every key once in an object', `${showName(key)} twice`);
      if (!take(':')) unexpected('":"');
      entries.set(key, value(depth + 1));
    } while (take(','));
    return take('}') ? entries : unexpected('"," or "}"');
  };

  const array = (depth: number): readonly JsonValue[] => {
    const items: JsonValue[] = [];
    if (take(']')) return items;
    do items.push(value(depth + 1));
    while (take(','));
    return take(']') ? items : unexpected('"," or "]"');
  };

  const value = (depth: number): JsonValue => {
    if (depth > deepest) refuse(where, `at most ${deepest} levels of nesting`, 'more');
    if (take('{')) return object(depth);
    if (take('[')) return array(depth);
    if (text.charAt(at) === '"') return string();
    for (const [token, literal] of literals) if (take(token)) return literal;
    const digits = numberPattern.exec(text.slice(at, at + longestNumber))?.[0];
    if (digits === undefined) return unexpected('a value');
    at += digits.length;
    return Number(digits);
  };

  const parsed = value(0);
  skipSpace();
  return at === text.length ? parsed : unexpected('the end');
}
