import { expect, test } from 'vitest';
import { ConfigError, sparsityModes } from '../src';
import { fieldOf, sparsityRulesOf } from '../src/document-field';

const document = JSON.parse(
  '{"version": 1, "name": "a", "isOn": true, "sides": [1, 2.5], "inner": {"x": -3}, "no": null}',
);
const field = fieldOf('table', document);

test('values that are as they should be', () => {
  expect(field.at('version').integer(1, 1)).toBe(1);
  expect(field.at('name').text(1)).toBe('a');
  expect(field.at('name').oneOf(['b', 'a'])).toBe('a');
  expect(field.at('isOn').flag()).toBe(true);
  expect(field.at('sides').list(2, (side) => side.number({ above: 0 }))).toEqual([1, 2.5]);
  expect(field.at('inner').only(['x', 'y']).at('x').number({ most: -3 })).toBe(-3);
  expect([field.has('inner'), field.has('toString')]).toEqual([true, false]);
});

test.each([
  [() => field.at('other'), 'table: expected a field other, got none.'],
  [() => field.at('toString'), 'table: expected a field toString, got none.'],
  [() => field.at('no').at('x'), 'table.no: expected an object, got null.'],
  [() => field.at('sides').at('0'), 'table.sides: expected an object, got a list of 2.'],
  [() => field.at('version').integer(2, 3), 'table.version: expected a number of at least 2, got 1.'],
  [() => field.at('name').number(), 'table.name: expected a finite number, got "a".'],
  [() => fieldOf('x', Number.NaN).number(), 'x: expected a finite number, got NaN.'],
  [() => fieldOf('x', 1e300).number(), 'x: expected a finite number, got 1e+300.'],
  [() => field.at('name').text(0), 'table.name: expected at most 0 letters, got 1.'],
  [() => field.at('no').text(5), 'table.no: expected a text, got null.'],
  [() => field.at('version').flag(), 'table.version: expected true or false, got 1.'],
  [() => field.at('name').oneOf(['b', 'c']), 'table.name: expected b or c, got "a".'],
  [() => field.at('inner').list(1, () => 0), 'table.inner: expected a list, got an object.'],
  [() => field.at('sides').list(1, () => 0), 'table.sides: expected at most 1 items, got 2.'],
  [() => field.at('sides').list(2, (side) => side.integer(0, 9)), 'table.sides[1]: expected a whole number, got 2.5.'],
  [() => field.at('inner').only(['y']), 'table.inner: expected no other fields than y, got "x".'],
])('what is wrong is named: %s', (read, message) => {
  expect(read).toThrow(ConfigError);
  expect(read).toThrow(message);
});

test('rules of sparsities', () => {
  for (const rules of Object.values(sparsityModes)) {
    expect(sparsityRulesOf(fieldOf('rules', JSON.parse(JSON.stringify(rules))))).toEqual(rules);
    for (const name of Object.keys(rules)) {
      const damaged = fieldOf('rules', { ...rules, [name]: 'some' });
      expect(() => sparsityRulesOf(damaged)).toThrow(`rules.${name}: expected`);
    }
  }
});
