/** JSON of file headers: `JSON.parse`, and a scan for what it lets pass: nesting and lists without end, and a key that comes twice in an object. */

import { refuse, showName } from './refuse';

/** A JSON value. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** A JSON object. Its keys come from a file: ask for them by `Object.keys`, never by `in`. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

const deepest = 16;
const mostContainers = 1_000_000;

/**
 * Parses a whole text as one JSON value.
 *
 * @param where names the text in error messages
 * @throws CheckpointError for anything but one JSON value, a key that comes twice in an object, nesting deeper than 16, or more than a million
 * objects and lists
 * @example
 * parseJson('{"a": [1, 2]}', 'header'); // { a: [1, 2] }
 */
export function parseJson(text: string, where: string): JsonValue {
  const keys = scanKeys(text, where);
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (error) {
    return refuse(where, 'JSON', `other text (${showName(String(error))})`);
  }
  // Of keys that are the same in an object, one is left.
  if (countKeys(value) !== keys) refuse(where, 'every key once in an object', 'one that comes twice');
  return value;
}

/** True for an object; false for a list and for null. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The number of keys in a text, if it is JSON: one to each colon outside a string. */
function scanKeys(text: string, where: string): number {
  let keys = 0;
  let depth = 0;
  let containers = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charAt(at);
    if (unit === '"') isInString = !isInString;
    else if (isInString) at += unit === '\\' ? 1 : 0;
    else if (unit === ':') keys++;
    else if (unit === ']' || unit === '}') depth--;
    else if (unit === '[' || unit === '{') {
      if (++depth > deepest) refuse(where, `at most ${deepest} levels of nesting`, 'more');
      if (++containers > mostContainers) refuse(where, `at most ${mostContainers} objects and lists`, 'more');
    }
  }
  return keys;
}

function countKeys(value: JsonValue): number {
  if (typeof value !== 'object' || value === null) return 0;
  const items: readonly JsonValue[] = Array.isArray(value) ? value : Object.values(value);
  return items.reduce<number>((count, item) => count + countKeys(item), isJsonObject(value) ? items.length : 0);
}
