/** A value inside a document that somebody else wrote, with its path for messages. */

import { ConfigError } from './errors';
import type { SparsityRules } from './sparsity';

/** One field of a document. */
export interface DocumentField {
  readonly value: unknown;
  /** The value under a name; the field has to be an object. */
  at(name: string): DocumentField;
  /** Whether the object has a name. */
  has(name: string): boolean;
  /** The same field; the object may have no other names than these. */
  only(names: readonly string[]): DocumentField;
  number(range?: { readonly least?: number; readonly most?: number; readonly above?: number }): number;
  integer(least: number, most: number): number;
  text(longest: number): string;
  flag(): boolean;
  oneOf<const T extends string>(names: readonly T[]): T;
  list<T>(longest: number, read: (item: DocumentField) => T): T[];
  /** @throws ConfigError with the path */
  refuse(expected: string, got: unknown): never;
}

/** Products of such numbers are still finite. */
const largest = 1e100;

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  return typeof value === 'object' ? 'an object' : String(value);
}

/**
 * Reads a value field by field: documents of packages that are shipped without a schema library.
 *
 * @param path what the document is called in messages
 * @throws from its calls, ConfigError with the path of what is not as it should be
 * @example
 * fieldOf('table', JSON.parse(text)).at('version').integer(1, 1);
 */
export function fieldOf(path: string, value: unknown): DocumentField {
  const refuse = (expected: string, got: unknown): never => {
    throw new ConfigError(`${path}: expected ${expected}, got ${typeof got === 'string' ? got : describe(got)}.`);
  };
  const record = (): Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : refuse('an object', describe(value));
  const number: DocumentField['number'] = ({ least, most, above } = {}) => {
    if (typeof value !== 'number' || !(Math.abs(value) <= largest)) return refuse('a finite number', describe(value));
    if (above !== undefined && !(value > above)) return refuse(`a number above ${above}`, value);
    if (least !== undefined && value < least) return refuse(`a number of at least ${least}`, value);
    if (most !== undefined && value > most) return refuse(`a number of at most ${most}`, value);
    return value;
  };
  const field: DocumentField = {
    value,
    at(name) {
      const fields = record();
      if (!Object.hasOwn(fields, name)) return refuse(`a field ${name}`, 'none');
      return fieldOf(`${path}.${name}`, fields[name]);
    },
    has: (name) => Object.hasOwn(record(), name),
    only(names) {
      const other = Object.keys(record()).find((name) => !names.includes(name));
      return other === undefined ? field : refuse(`no other fields than ${names.join(', ')}`, describe(other));
    },
    number,
    integer(least, most) {
      const whole = number({ least, most });
      return Number.isInteger(whole) ? whole : refuse('a whole number', whole);
    },
    text(longest) {
      if (typeof value !== 'string') return refuse('a text', describe(value));
      return value.length > longest ? refuse(`at most ${longest} letters`, `${value.length}`) : value;
    },
    flag: () => (typeof value === 'boolean' ? value : refuse('true or false', describe(value))),
    oneOf: (names) => names.find((name) => name === value) ?? refuse(names.join(' or '), describe(value)),
    list(longest, read) {
      if (!Array.isArray(value)) return refuse('a list', describe(value));
      if (value.length > longest) return refuse(`at most ${longest} items`, `${value.length}`);
      return value.map((item, i) => read(fieldOf(`${path}[${i}]`, item)));
    },
    refuse,
  };
  return field;
}

/**
 * Reads rules of scoring and counting, each of which has to be there.
 *
 * @throws ConfigError with the path of the rule that is none
 * @example
 * sparsityRulesOf(fieldOf('deployment', JSON.parse(text)).at('rules')).rounding; // 'nearest'
 */
export function sparsityRulesOf(rules: DocumentField): SparsityRules {
  return {
    score: rules.at('score').oneOf(['l1-mean', 'l2']),
    padsInScore: rules.at('padsInScore').oneOf(['counted', 'left-out']),
    rounding: rules.at('rounding').oneOf(['truncate', 'nearest']),
    minKept: rules.at('minKept').integer(0, Number.MAX_SAFE_INTEGER),
    padding: rules.at('padding').oneOf(['before-norm', 'family']),
  };
}
