import { CheckpointError } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import type { JsonValue } from '../../src/formats/json';
import { parseJson } from '../../src/formats/json';

function plain(value: JsonValue): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, plain(item as JsonValue)]));
  return Array.isArray(value) ? value.map((item) => plain(item as JsonValue)) : value;
}

describe('parseJson', () => {
  test.each([
    '{}',
    '[]',
    ' { "a" : [ 1 , -2.5e3 , true , false , null , "x" ] , "b" : { } } \n',
    '"plain"',
    '"\\u00e9\\n\\"\\\\\\ud83d\\ude00"',
    '"é😀"',
    '0',
    '-0.5E-3',
    '[[[[1]]]]',
    '{"constructor":1,"toString":2}',
  ])('reads %s as JSON.parse does', (text) => {
    expect(plain(parseJson(text, 'text'))).toEqual(JSON.parse(text));
  });

  test('__proto__ is a key like any other', () => {
    const parsed = parseJson('{"__proto__":{"polluted":1}}', 'text') as ReadonlyMap<string, JsonValue>;
    expect([...parsed.keys()]).toEqual(['__proto__']);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  test.each([
    '',
    ' ',
    '{',
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,}',
    '{"a":1}}',
    '{a:1}',
    "{'a':1}",
    '[1,]',
    '[1 2]',
    '[,1]',
    '01',
    '+1',
    '.5',
    '1.',
    '1e',
    '0x10',
    'NaN',
    'Infinity',
    'True',
    'undefined',
    '"',
    '"a',
    '"\\',
    '"\\x"',
    '"\\u12"',
    '"line\nbreak"',
    '{"a":1}{"b":2}',
    '\ufeff{}',
    `1${'0'.repeat(100)}`,
  ])('refuses %j', (text) => {
    expect(() => parseJson(text, 'text')).toThrow(CheckpointError);
  });

  test('refuses a key that comes twice, also when spelled differently', () => {
    expect(() => parseJson('{"a":1,"a":2}', 'header')).toThrow(
      'header: expected every key once in an object, got a twice.',
    );
    expect(() => parseJson('{"a":1,"\\u0061":2}', 'header')).toThrow('a twice');
  });

  test('refuses nesting without end, without a stack overflow', () => {
    for (const open of ['[', '{"a":']) {
      expect(() => parseJson(open.repeat(100_000), 'text')).toThrow('at most 16 levels');
    }
  });

  test('a string of a million characters', () => {
    const text = 'x'.repeat(1_000_000);
    expect(parseJson(`"${text}"`, 'text')).toBe(text);
    expect(() => parseJson(`"${text}`, 'text')).toThrow('a closing quote');
  });
});
