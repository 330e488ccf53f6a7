import { expect, test } from 'vitest';
import { canonicalJson } from '../src';

test('the order of fields does not count, at any depth; that of lists does', () => {
  expect(canonicalJson({ b: 1, a: { d: [2, { f: 3, e: 4 }], c: null } })).toBe(
    '{"a":{"c":null,"d":[2,{"e":4,"f":3}]},"b":1}',
  );
  expect(canonicalJson([2, 1])).toBe('[2,1]');
  expect(canonicalJson(undefined)).toBeUndefined();
});
