import { CheckpointError } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import { isJsonObject, parseJson } from '../../src/formats/json';

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
    '{"a:{[":"\\\\","b\\"":":[{"}',
    '[{"a":1},{"a":{"a":2}}]',
  ])('reads %s as JSON.parse does', (text) => {
    expect(parseJson(text, 'text')).toEqual(JSON.parse(text));
  });

  test('__proto__ is a key like any other', () => {
    const parsed = parseJson('{"__proto__":{"polluted":1}}', 'text');
    expect(Object.keys(parsed as object)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
    expect(() => parseJson('{"__proto__":1,"__proto__":2}', 'text')).toThrow('every key once');
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
  ])('refuses %j', (text) => {
    expect(() => parseJson(text, 'text')).toThrow(CheckpointError);
  });

  test('refuses a key that comes twice, also when spelled differently', () => {
    expect(() => parseJson('{"a":1,"a":2}', 'header')).toThrow(
      'header: expected every key once in an object, got one that comes twice.',
    );
    expect(() => parseJson('{"a":1,"\\u0061":2}', 'header')).toThrow('every key once');
    expect(() => parseJson('[[{"b":{"a":1,"b":[],"a":2}}]]', 'header')).toThrow('every key once');
  });

  test('refuses nesting without end, without a stack overflow', () => {
    for (const open of ['[', '{"a":']) {
      expect(() => parseJson(open.repeat(100_000), 'text')).toThrow('at most 16 levels');
    }
  });

  test('refuses more than a million objects and lists', () => {
    expect(() => parseJson(`[${'{},'.repeat(1_000_000)}[]]`, 'text')).toThrow(
      'text: expected at most 1000000 objects and lists, got more.',
    );
  });

  test('a message of the engine cannot break the line', () => {
    expect(() => parseJson('{"a":\u2028\n\u001b}', 'text')).toThrow(
      /^text: expected JSON, got other text \([ -~]*\)\.$/,
    );
  });

  test('only an object is an object', () => {
    expect(['{}', '[]', 'null', '1', '"a"'].map((text) => isJsonObject(parseJson(text, 'text')))).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
  });

  test('a string of a million characters', () => {
    const text = 'x'.repeat(1_000_000);
    expect(parseJson(`"${text}"`, 'text')).toBe(text);
    expect(() => parseJson(`"${text}`, 'text')).toThrow('expected JSON');
  });
});
