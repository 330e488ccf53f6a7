/** A hash of plain data that is the same on every machine and for every order of fields. */

import { canonicalJson } from '@sparsevit/windows';

/**
 * FNV-1a, 64 bits, of a value as JSON with sorted keys: 16 hexadecimal digits. It tells documents apart; it is no protection against forgery.
 *
 * @param value what JSON can hold
 * @example
 * stableHash({ a: 1, b: 2 }) === stableHash({ b: 2, a: 1 }); // true
 */
export function stableHash(value: unknown): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(canonicalJson(value) ?? '')) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, '0');
}
