import { CheckpointError, createRandom } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import { readSafetensors } from '../../src/formats/safetensors';
import { writeSafetensors } from '../../src/formats/safetensors-writer';
import type { StoredTensor, TensorDtype } from '../../src/formats/tensor';
import { toFloat32, toInt32 } from '../../src/formats/tensor';

/** A file with a header and data of one's own making. */
function file(header: unknown, dataBytes = 0, headerLength?: number): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength ?? text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const one = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };

function float32(values: number[], shape: number[]): { values: Float32Array; shape: number[] } {
  return { values: Float32Array.from(values), shape };
}

function tensor(bytes: Uint8Array, name: string): StoredTensor {
  const found = readSafetensors(bytes).tensors.get(name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

describe('a file that is written', () => {
  const bytes = writeSafetensors(
    new Map<string, Parameters<typeof writeSafetensors>[0] extends ReadonlyMap<string, infer V> ? V : never>([
      ['half', { ...float32([1, -2, 65504], [3]), dtype: 'F16' }],
      ['a.weight', float32([1, 2, 3, 4, 5, 6], [2, 3])],
      ['kept', { values: Int32Array.of(3, -1), shape: [1, 2] }],
      ['empty', float32([], [0, 4])],
      ['scalar', float32([7], [])],
      ['brain', { ...float32([1.5], [1]), dtype: 'BF16' }],
      ['stored', { dtype: 'I64', shape: [1], bytes: Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0) }],
      ['naïve "name"\n', float32([1], [1])],
      ['__proto__', float32([9], [1])],
    ]),
    { format: 'pt', 'weird key': '{"json": true}' },
  );

  test('is read back', () => {
    const { tensors, metadata } = readSafetensors(bytes);
    expect(metadata).toEqual({ format: 'pt', 'weird key': '{"json": true}' });
    expect(tensors.size).toBe(9);
    expect(toFloat32(tensor(bytes, 'a.weight'))).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
    expect(toFloat32(tensor(bytes, 'half'))).toEqual(Float32Array.of(1, -2, 65504));
    expect(toFloat32(tensor(bytes, 'brain'))).toEqual(Float32Array.of(1.5));
    expect(toInt32(tensor(bytes, 'kept'))).toEqual(Int32Array.of(3, -1));
    expect(toInt32(tensor(bytes, 'stored'))).toEqual(Int32Array.of(5));
    expect(toFloat32(tensor(bytes, '__proto__'))).toEqual(Float32Array.of(9));
    expect(tensor(bytes, 'empty')).toMatchObject({ dtype: 'F32', shape: [0, 4] });
    expect(tensor(bytes, 'scalar')).toMatchObject({ dtype: 'F32', shape: [] });
    expect(tensors.has('naïve "name"\n')).toBe(true);
  });

  test('has a header padded to 8 bytes and every tensor aligned to its elements', () => {
    const headerBytes = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(headerBytes % 8).toBe(0);
    for (const [name, { dtype, bytes: data }] of readSafetensors(bytes).tensors) {
      const size = { I64: 8, F32: 4, I32: 4, F16: 2, BF16: 2 }[dtype as 'F32'];
      expect((data.byteOffset - 8 - headerBytes) % size, name).toBe(0);
    }
  });

  test('reads from a view at an odd place of a larger buffer', () => {
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(toFloat32(tensor(shifted.subarray(3), 'a.weight'))).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
  });

  test('cut off anywhere is refused', () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(() => readSafetensors(bytes.subarray(0, length)), `${length} bytes`).toThrow(CheckpointError);
    }
    expect(() => readSafetensors(new Uint8Array([...bytes, 0]))).toThrow('bytes of data');
  });

  test('with any bits flipped is read or refused, nothing else', () => {
    const random = createRandom(7);
    let refused = 0;
    for (let round = 0; round < 4000; round++) {
      const flipped = bytes.slice();
      for (let flips = 1 + (round % 4); flips > 0; flips--) {
        const at = random.integer(0, round % 2 === 0 ? 700 : bytes.length);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << random.integer(0, 8));
      }
      try {
        for (const [name, stored] of readSafetensors(flipped).tensors) {
          if (stored.dtype.includes('F')) toFloat32(stored, name);
          else toInt32(stored, name);
        }
      } catch (error) {
        refused++;
        if (!(error instanceof CheckpointError)) throw error;
        expect(error.message).not.toContain('\n');
      }
    }
    expect(refused).toBeGreaterThan(1000);
  });
});

describe('a header that lies', () => {
  test.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'at least 8 bytes'],
    ['a length beyond the file', file({ a: one }, 8, 1000), 'a header of 1000 bytes'],
    ['a length beyond 25 MB', file({ a: one }, 8, 2 ** 40), 'at most 26214400 bytes'],
    ['a length of all ones', Uint8Array.from({ length: 100 }, () => 255), 'at most 26214400 bytes'],
    ['no length', file('', 8), 'begins with "{"'],
    ['a list', file('[1]'), 'begins with "{"'],
    ['spaces first', file(' {}'), 'begins with "{"'],
    ['text behind', file('{} x'), 'safetensors header: expected JSON'],
    ['a key twice', file(`{"a":${JSON.stringify(one)},"a":${JSON.stringify(one)}}`, 8), 'every key once'],
    ['an entry that is a list', file({ a: [] }), 'an object with dtype, shape and data_offsets, got a list'],
    ['no dtype', file({ a: { shape: [], data_offsets: [0, 0] } }), 'a dtype of F64'],
    ['an unknown dtype', file({ a: { ...one, dtype: 'F8_E4M3' } }, 8), 'got F8_E4M3'],
    ['the name of a method as dtype', file({ a: { ...one, dtype: 'toString' } }, 8), 'got toString'],
    ['an unknown field', file({ a: { ...one, strides: [1] } }, 8), 'no field but dtype, shape and data_offsets'],
    ['no shape', file({ a: { dtype: 'F32', data_offsets: [0, 8] } }, 8), 'shape to be a list, got nothing'],
    ['a negative side', file({ a: { ...one, shape: [-2] } }, 8), 'whole numbers of at least 0 in shape, got -2'],
    ['minus zero', file('{"a":{"dtype":"F32","shape":[-0],"data_offsets":[0,0]}}'), 'whole numbers'],
    ['half a side', file({ a: { ...one, shape: [1.5] } }, 8), 'got 1.5'],
    ['a side as text', file({ a: { ...one, shape: ['2'] } }, 8), 'whole numbers'],
    ['a side beyond 2^53', file({ a: { ...one, shape: [2 ** 60] } }, 8), 'whole numbers'],
    ['a product beyond 2^53', file({ a: { ...one, shape: [2 ** 30, 2 ** 30] } }, 8), 'a shape that can exist'],
    [
      'an overflow hidden by a zero',
      file({ a: { ...one, shape: [2 ** 30, 2 ** 30, 0] } }, 8),
      'a shape that can exist',
    ],
    ['too many axes', file({ a: { ...one, shape: Array(33).fill(1) } }, 8), 'at most 32 axes'],
    ['another size', file({ a: { ...one, shape: [3] } }, 8), '12 bytes for F32 [3], got 8'],
    ['offsets backwards', file({ a: { ...one, data_offsets: [8, 0] } }, 8), 'begin <= end'],
    ['three offsets', file({ a: { ...one, data_offsets: [0, 8, 8] } }, 8), 'begin <= end'],
    ['data beyond the file', file({ a: one }, 7), 'data within the 7 bytes'],
    ['tensors that overlap', file({ a: one, b: { ...one, data_offsets: [4, 12] } }, 12), 'do not overlap'],
    ['the same data twice', file({ a: one, b: one }, 8), 'do not overlap'],
    ['a hole', file({ a: one, b: { ...one, data_offsets: [12, 20] } }, 20), 'without a hole'],
    ['a hole at the start', file({ a: { ...one, data_offsets: [4, 12] } }, 12), 'without a hole'],
    ['more data than it says', file({ a: one }, 9), '8 bytes of data, got 9'],
    ['metadata that is no object', file({ __metadata__: 1 }), 'strings by name'],
    ['metadata with a number', file({ __metadata__: { a: 1 } }), 'a string under __metadata__ a, got 1'],
    ['a header that is not UTF-8', file('{"*"}').map((b) => (b === 0x2a ? 0xff : b)), 'a header in UTF-8'],
  ])('%s', (_, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(CheckpointError);
    expect(() => readSafetensors(bytes)).toThrow(message);
  });

  test('a name cannot break the line or flood it', () => {
    const name = `a\u001b[31m\n\u2028${'x'.repeat(5000)}`;
    expect(() => readSafetensors(file({ [name]: [] }))).toThrow(
      /^safetensors: "a\\u001b\[31m\\n\\u2028x{100,160}\.\.\.": expected [ -~]*$/,
    );
  });

  test('more than 100 000 tensors', () => {
    const entries = Array.from({ length: 100_001 }, (_, i) => `"${i}":0`);
    expect(() => readSafetensors(file(`{${entries.join(',')}}`))).toThrow('at most 100000 tensors');
  });

  test('an empty file of tensors, and metadata with dangerous names', () => {
    expect(readSafetensors(file('{}')).tensors.size).toBe(0);
    const { metadata } = readSafetensors(file('{"__metadata__":{"__proto__":"a","constructor":"b"}}'));
    expect(Object.keys(metadata)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(metadata)).toBe(Object.prototype);
  });
});

describe('values', () => {
  test.each<[TensorDtype, number[]]>([
    ['I64', [1, 0, 0, 0, 0, 0, 0, 0]],
    ['BOOL', [1]],
    ['U8', [1]],
  ])('%s is no float', (dtype, bytes) => {
    const stored: StoredTensor = { dtype, shape: [1], bytes: Uint8Array.from(bytes) };
    expect(() => toFloat32(stored, 'index')).toThrow(
      `index: expected a tensor of F32, F16, BF16 or F64, got ${dtype}.`,
    );
    expect(toInt32(stored)).toEqual(Int32Array.of(1));
  });

  test('integers of every width', () => {
    expect(toInt32({ dtype: 'I16', shape: [1], bytes: Uint8Array.of(0xfe, 0xff) })).toEqual(Int32Array.of(-2));
    expect(toInt32({ dtype: 'I8', shape: [2], bytes: Uint8Array.of(0xff, 1) })).toEqual(Int32Array.of(-1, 1));
    const large: StoredTensor = { dtype: 'I64', shape: [1], bytes: Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0) };
    expect(() => toInt32(large)).toThrow('integers of 32 bits, got 4294967296');
    expect(() => toInt32({ dtype: 'F32', shape: [0], bytes: new Uint8Array(0) })).toThrow(
      'a tensor of integers, got F32',
    );
  });

  test('F64 is rounded to the nearest float32', () => {
    const bytes = new Uint8Array(Float64Array.of(0.1, 1e300).buffer);
    expect(toFloat32({ dtype: 'F64', shape: [2], bytes })).toEqual(Float32Array.of(0.1, Number.POSITIVE_INFINITY));
  });

  test('do not share memory with the file', () => {
    const bytes = writeSafetensors(new Map([['a', float32([1], [1])]]));
    toFloat32(tensor(bytes, 'a'))[0] = 5;
    expect(toFloat32(tensor(bytes, 'a'))).toEqual(Float32Array.of(1));
  });

  test('bytes that do not fit the shape', () => {
    expect(() => toFloat32({ dtype: 'F32', shape: [2], bytes: new Uint8Array(4) }, 'w')).toThrow('w: expected 8 bytes');
  });
});

describe('writeSafetensors refuses', () => {
  test.each<[string, [string, Parameters<typeof float32>[0], number[]], string]>([
    ['a shape that does not fit', ['a', [1, 2], [3]], 'expected 12 bytes for F32 [3], got 8'],
    ['the name of the metadata', ['__metadata__', [1], [1]], 'the one that the format keeps for itself'],
  ])('%s', (_, [name, values, shape], message) => {
    expect(() => writeSafetensors(new Map([[name, float32(values, shape)]]))).toThrow(message);
  });

  test('a float type for integers', () => {
    const kept = { values: Int32Array.of(1), shape: [1], dtype: 'F16' } as const;
    expect(() => writeSafetensors(new Map([['kept', kept]]))).toThrow('no dtype for int32 values');
  });
});
