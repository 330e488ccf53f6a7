import { readFileSync } from 'node:fs';
import { CheckpointError, createRandom } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import { readPyTorch } from '../../src/formats/pytorch';
import { toFloat32, toInt32 } from '../../src/formats/tensor';
import type { Entry } from './torch-writer';
import {
  call,
  dict,
  emptyDict,
  floats,
  global,
  integer,
  isFalse,
  join,
  littleEndian,
  none,
  pickle,
  storage,
  tensor,
  text,
  torchFile,
  tuple,
  zip,
} from './torch-writer';

function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../fixtures/${name}`, import.meta.url)));
}

function read(bytes: Uint8Array, name: string): Float32Array {
  const found = readPyTorch(bytes).tensors.get(name);
  if (found === undefined) throw new Error(`no ${name}`);
  return toFloat32(found, name);
}

const six = { '0': floats(0, 1, 2, 3, 4, 5) };

describe('a file that PyTorch wrote', () => {
  const bytes = fixture('swin-microsoft.pth');
  const { tensors, notes } = readPyTorch(bytes);

  test('gives the state dict under "model" and says what was left out', () => {
    expect(tensors.size).toBe(54);
    expect(notes).toEqual([
      'The weights were under "model" of the file. Left out: optimizer, epoch, best, names, big, flag, none.',
    ]);
  });

  test('has the values that its maker gave it, whatever their strides and types', () => {
    // Value i of the t-th float tensor is (1000 t + i) / 1024; see fixtures/make_torch_files.py.
    const special = ['layers.1.blocks.0.norm2.weight', 'layers.1.blocks.0.norm2.bias'];
    let t = 0;
    for (const [name, stored] of tensors) {
      if (name.endsWith('relative_position_index') || name.endsWith('attn_mask')) continue;
      const values = toFloat32(stored, name);
      if (!special.includes(name)) expect(values, name).toEqual(values.map((_, i) => (1000 * t + i) / 1024));
      t++;
    }
    expect(t).toBe(50);
    expect(tensors.get('patch_embed.proj.weight')?.shape).toEqual([4, 3, 2, 2]);
    expect(tensors.get('layers.0.blocks.0.mlp.fc1.weight')?.shape).toEqual([8, 4]);
    expect(tensors.get('layers.0.blocks.1.norm1.bias')?.dtype).toBe('F64');
  });

  test('half precision and bfloat16', () => {
    expect([...read(bytes, 'layers.1.blocks.0.norm2.weight')]).toEqual([
      1,
      -0.5,
      0.25,
      2,
      2 ** -14,
      2 ** -24,
      -65504,
      0,
    ]);
    expect([...read(bytes, 'layers.1.blocks.0.norm2.bias')]).toEqual([
      1,
      -0.5,
      0.25,
      2,
      2 ** -100,
      3 * 2 ** 100,
      -7.5,
      0,
    ]);
  });

  test('cut off anywhere is refused', () => {
    for (let length = 0; length < bytes.length; length += length < 200 || length > bytes.length - 200 ? 1 : 97) {
      expect(() => readPyTorch(bytes.subarray(0, length)), `${length} bytes`).toThrow(CheckpointError);
    }
  });

  test('with any bits flipped is read or refused, nothing else', () => {
    const random = createRandom(11);
    let refused = 0;
    for (let round = 0; round < 1500; round++) {
      const flipped = bytes.slice();
      for (let flips = 1 + (round % 3); flips > 0; flips--) {
        // The pickle is at the front, the directory at the back.
        const at = round % 2 === 0 ? random.integer(0, 7000) : random.integer(bytes.length - 6000, bytes.length);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << random.integer(0, 8));
      }
      try {
        readPyTorch(flipped);
      } catch (error) {
        refused++;
        if (!(error instanceof CheckpointError)) throw error;
        expect(error.message).not.toContain('\n');
      }
    }
    expect(refused).toBeGreaterThan(300);
  });
});

describe('code in a pickle is refused by name', () => {
  test('a real file that would run a command', () => {
    expect(() => readPyTorch(fixture('malicious.pth'))).toThrow(
      'pytorch file: expected a pickle of tensors and plain containers, got a pickle that asks for posix.system. Nothing of it was run: ask for the weights as safetensors.',
    );
  });

  test('a real training file with an argparse.Namespace, and how to convert it', () => {
    expect(() => readPyTorch(fixture('namespace.pth'))).toThrow(
      /asks for argparse\.Namespace\. Nothing of it was run\. If you trust whoever made the file.*safetensors/,
    );
  });

  test.each([
    ['os', 'system'],
    ['posix', 'system'],
    ['builtins', 'eval'],
    ['__builtin__', 'exec'],
    ['subprocess', 'Popen'],
    ['collections', 'defaultdict'],
    ['torch', 'load'],
    ['torch._utils', '_rebuild_tensor_v3'],
    ['torch', 'ComplexFloatStorage'],
    ['numpy.core.multiarray', 'scalar'],
    ['yacs.config', 'CfgNode'],
    ['toString', 'constructor'],
    ['', ''],
  ])('%s.%s, by GLOBAL and by STACK_GLOBAL', (module, name) => {
    const message = module === '' ? 'asks for .' : `asks for ${module}.${name}.`;
    const weights = { a: tensor({ shape: [1] }) };
    const byLine = dict({ ...weights, hook: call(global(module, name), text('echo')) });
    expect(() => readPyTorch(torchFile(pickle(byLine), six))).toThrow(message);
    const byStack = dict({ ...weights, hook: join(text(module), text(name), 0x93) });
    expect(() => readPyTorch(torchFile(pickle(byStack), six))).toThrow(message);
  });

  test('a name that breaks the line is shown escaped', () => {
    const bytes = torchFile(pickle(text('os\n\u001b[2J'), text('system'), 0x93));
    expect(() => readPyTorch(bytes)).toThrow('asks for "os\\n\\u001b[2J.system"');
  });

  test.each<[string, Uint8Array]>([
    ['NEWOBJ', join(global('collections', 'OrderedDict'), tuple(), 0x81)],
    ['NEWOBJ_EX', join(global('collections', 'OrderedDict'), tuple(), 0x7d, 0x92)],
    ['INST', join(0x28, 0x69, new TextEncoder().encode('os\nsystem\n'))],
    ['OBJ', join(0x28, global('collections', 'OrderedDict'), 0x6f)],
    ['EXT1', Uint8Array.of(0x82, 1)],
    ['EXT4', Uint8Array.of(0x84, 1, 0, 0, 0)],
    ['PERSID', new TextEncoder().encode('Pstorage\n')],
    ['EMPTY_SET', Uint8Array.of(0x8f)],
    ['NEXT_BUFFER', Uint8Array.of(0x97)],
    ['an unknown opcode', Uint8Array.of(0xff)],
  ])('the opcode %s', (_, body) => {
    expect(() => readPyTorch(torchFile(pickle(body)))).toThrow(
      /expected numbers, strings, containers and tensors, got opcode 0x/,
    );
  });

  test.each<[string, Uint8Array, string]>([
    ['attributes for a dict', join(0x7d, 0x7d, 0x62), 'attributes on nothing but an OrderedDict, got a dict'],
    ['attributes that are no dict', join(emptyDict, text('x'), 0x62), 'attributes on nothing but'],
    ['a call of a storage class', call(global('torch', 'FloatStorage')), 'a function to call, got torch.FloatStorage'],
    ['a call of a string', call(text('os.system')), 'a name to call, got a string'],
    ['a call without a tuple', join(global('torch', 'Size'), text('x'), 0x52), 'a tuple of arguments, got a string'],
    [
      'a parameter of nothing',
      call(global('torch._utils', '_rebuild_parameter'), none),
      'a parameter of a tensor, got None',
    ],
    ['a size of text', call(global('torch', 'Size'), tuple(text('1'))), 'a size of at most 32 whole numbers'],
    [
      'an OrderedDict of a number',
      call(global('collections', 'OrderedDict'), tuple(integer(1))),
      'an OrderedDict of pairs',
    ],
    [
      'a tensor of nothing',
      call(global('torch._utils', '_rebuild_tensor_v2')),
      'a tensor of storage, offset, size and stride',
    ],
  ])('%s', (_, body, message) => {
    expect(() => readPyTorch(torchFile(pickle(body)))).toThrow(message);
  });
});

describe('tensors', () => {
  test('a column-major matrix, a slice with steps, a transposed view, a scalar, an empty tensor', () => {
    const bytes = torchFile(
      pickle(
        dict({
          plain: tensor({ shape: [2, 3] }),
          columns: tensor({ shape: [2, 3], strides: [1, 2] }),
          steps: tensor({ shape: [2, 2], strides: [3, 1], offset: 1, count: 6 }),
          scalar: tensor({ shape: [], offset: 4, count: 6 }),
          empty: tensor({ shape: [0, 3], count: 6 }),
          single: tensor({ shape: [1, 3], strides: [999, 1], offset: 3, count: 6 }),
        }),
      ),
      six,
    );
    expect([...read(bytes, 'plain')]).toEqual([0, 1, 2, 3, 4, 5]);
    expect([...read(bytes, 'columns')]).toEqual([0, 2, 4, 1, 3, 5]);
    expect([...read(bytes, 'steps')]).toEqual([1, 2, 4, 5]);
    expect([...read(bytes, 'scalar')]).toEqual([4]);
    expect([...read(bytes, 'empty')]).toEqual([]);
    expect([...read(bytes, 'single')]).toEqual([3, 4, 5]);
  });

  test('integers of every type', () => {
    const data = Uint8Array.from({ length: 16 }, (_, i) => (i % 8 === 0 ? 1 + i / 8 : 0));
    const types = {
      LongStorage: [1, 2],
      IntStorage: [1, 0],
      ShortStorage: [1, 0],
      CharStorage: [1, 0],
      BoolStorage: [1, 0],
    };
    for (const [type, expected] of Object.entries(types)) {
      const { tensors } = readPyTorch(torchFile(pickle(dict({ a: tensor({ type, shape: [2] }) })), { '0': data }));
      expect([...toInt32(tensors.get('a') ?? { dtype: 'I32', shape: [], bytes: data })], type).toEqual(expected);
    }
  });

  test.each<[string, Uint8Array, string]>([
    ['an offset beyond', tensor({ shape: [2], offset: 5, count: 6 }), 'a tensor within its storage of 6 elements'],
    ['a stride beyond', tensor({ shape: [2, 2], strides: [5, 1], count: 6 }), 'a tensor within its storage'],
    [
      'a view expanded by stride 0',
      tensor({ shape: [1e6, 1e6], strides: [0, 0], count: 1 }),
      'a tensor within its storage',
    ],
    ['a shape beyond 2^53', tensor({ shape: [2 ** 40, 2 ** 40], count: 6 }), 'a tensor within its storage'],
    ['a storage that is not there', tensor({ shape: [1], key: '7' }), 'a storage 7, got none'],
    ['a storage outside the folder', tensor({ shape: [1], key: '../data.pkl' }), 'a storage ../data.pkl, got none'],
    ['a storage that says it is longer', tensor({ shape: [7] }), '7 elements of F32 in storage 0, got 24 bytes'],
    ['fewer strides than axes', tensor({ shape: [2, 3], strides: [1] }), 'a stride for each'],
    ['too many axes', tensor({ shape: Array(40).fill(1) }), 'at most 32 axes'],
    [
      'a negative side',
      tensor({ shape: [-1], strides: [1], count: 6 }),
      'a tensor of storage, offset, size and stride',
    ],
    ['a negative stride', tensor({ shape: [2], strides: [-1], offset: 3, count: 6 }), 'a tensor of storage'],
    [
      'a storage type that is text',
      join(tuple(text('storage'), text('x'), text('0'), text('cpu'), integer(1)), 0x51),
      'storages by type',
    ],
    ['a persistent id that is text', join(text('0'), 0x51), 'storages by type, key and size, got a string'],
  ])('%s is refused', (_, value, message) => {
    expect(() => readPyTorch(torchFile(pickle(dict({ a: value })), six))).toThrow(message);
  });

  test.each([
    ['copied', [1, 64]],
    ['not copied', [64, 1]],
  ])('views of one storage that would make much more of the file than it is, %s', (_, strides) => {
    const big = { '0': floats(...Array<number>(4096).fill(1)) };
    const view = tensor({ shape: [64, 64], strides });
    const entries = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${i}`, i === 0 ? join(view, 0x71, 0) : recall(0)]));
    expect(readPyTorch(torchFile(pickle(dict(entries(10))), big)).tensors.size).toBe(10);
    expect(() => readPyTorch(torchFile(pickle(dict(entries(100))), big))).toThrow(
      /^pytorch file: expected tensors that are together not much larger than the file, got one more, t\d\d, when \d+ bytes are left\./,
    );
  });

  test('more than 100 000 tensors', () => {
    const entries = Array.from({ length: 100_001 }, (_, i) => Buffer.concat([text(`t${i}`), recall(0)]));
    const content = pickle(tensor({ shape: [1] }), 0x71, 0, 0x30, 0x7d, 0x28, Buffer.concat(entries), 0x75);
    expect(() => readPyTorch(torchFile(content, six))).toThrow(
      'pytorch file: expected at most 100000 tensors, got more',
    );
  });

  test('a name twice', () => {
    const twice = join(dict({ w: tensor({ shape: [2] }) }), text('w'), tensor({ shape: [1] }), 0x73);
    expect(() => readPyTorch(torchFile(pickle(twice), six))).toThrow(
      'pytorch file: expected every name once, got w twice',
    );
  });

  test('a storage with a key that is far longer than any', () => {
    expect(() =>
      readPyTorch(torchFile(pickle(dict({ a: tensor({ shape: [1], key: '0'.repeat(101) }) })), six)),
    ).toThrow('storages by type, key and size');
  });
});

describe('where the state dict is', () => {
  const weights = dict({ w: tensor({ shape: [2] }) });
  test.each(['state_dict', 'model', 'module'])('under %s', (key) => {
    const { tensors, notes } = readPyTorch(torchFile(pickle(dict({ epoch: integer(3), [key]: weights })), six));
    expect([...tensors.keys()]).toEqual(['w']);
    expect(notes).toEqual([`The weights were under "${key}" of the file. Left out: epoch.`]);
  });

  test('at the top level, beside what is no tensor', () => {
    const { tensors, notes } = readPyTorch(
      torchFile(pickle(dict({ w: tensor({ shape: [2] }), version: integer(1) })), six),
    );
    expect([...tensors.keys()]).toEqual(['w']);
    expect(notes).toEqual(['Left out, not a tensor: version.']);
  });

  test('an OrderedDict with attributes, remembered values and pairs', () => {
    const ordered = join(
      emptyDict,
      0x71,
      1,
      text('w'),
      tensor({ shape: [2] }),
      0x73,
      dict({ _metadata: emptyDict }),
      0x62,
    );
    const twice = join(0x7d, 0x28, text('model'), ordered, text('again'), 0x68, 1, 0x75);
    expect([...readPyTorch(torchFile(pickle(twice), six)).tensors.keys()]).toEqual(['w']);
    const pairs = join(0x5d, tuple(text('w'), tensor({ shape: [2] })), 0x61);
    const fromPairs = call(global('collections', 'OrderedDict'), pairs);
    expect([...readPyTorch(torchFile(pickle(fromPairs), six)).tensors.keys()]).toEqual(['w']);
  });

  test.each<[string, Uint8Array, string]>([
    ['nothing but numbers', dict({ epoch: integer(3) }), 'got only epoch'],
    ['an empty dict', dict({}), 'got nothing'],
    ['a list', Uint8Array.of(0x5d), 'a state dict, got a list'],
    ['a bare tensor', tensor({ shape: [2] }), 'a state dict, got a tensor'],
    ['None', none, 'a state dict, got None'],
  ])('%s is refused', (_, body, message) => {
    expect(() => readPyTorch(torchFile(pickle(body), six))).toThrow(message);
  });
});

describe('a pickle that is not well', () => {
  test.each<[string, Uint8Array, string]>([
    ['empty', new Uint8Array(0), '1 more bytes'],
    ['without an end', Uint8Array.of(0x80, 2, 0x7d), '1 more bytes'],
    ['protocol 0', Uint8Array.of(0x80, 0, 0x2e), 'protocol 2 to 5, got 0'],
    ['an empty stack', pickle(), 'a value on the stack'],
    ['two values', pickle(none, none), 'one value at the end'],
    ['a mark left', pickle(0x28, none), 'one value at the end'],
    ['a mark that is not there', pickle(none, 0x74), 'a mark on the stack'],
    ['a value below the mark', pickle(none, 0x28, 0x85, 0x74), 'a value on the stack'],
    ['a memo that is not there', pickle(0x68, 9), 'a remembered value 9'],
    [
      'a memo far away',
      pickle(none, 0x72, littleEndian(1_000_000, 4)),
      'a memo of at most 1000000 values, got 1000000',
    ],
    ['a string cut off', Uint8Array.of(0x80, 2, 0x58, 255, 255, 255, 255, 65), '4294967295 more bytes'],
    ['a string beyond 2^53', Uint8Array.of(0x80, 4, 0x8d, ...Array(8).fill(255)), 'a length below 2^53'],
    ['a name cut off', join(0x80, 2, 0x63, new TextEncoder().encode('os')), 'a line with a name'],
    ['text that is not UTF-8', pickle(0x58, Uint8Array.of(1, 0, 0, 0, 0xff)), 'text in UTF-8'],
    ['a list as key', pickle(0x7d, 0x5d, none, 0x73), 'numbers and strings as keys, got a list'],
    ['a key without a value', pickle(0x7d, 0x28, none, 0x75), 'a value for every key'],
    ['items for a number', pickle(integer(1), none, none, 0x73), 'a dict to fill, got a number'],
    ['items for a tuple', pickle(tuple(), none, 0x61), 'a list to append to, got a tuple'],
    ['a name of numbers', pickle(integer(1), integer(2), 0x93), 'a name of two strings'],
  ])('%s', (_, content, message) => {
    expect(() => readPyTorch(torchFile(content))).toThrow(CheckpointError);
    expect(() => readPyTorch(torchFile(content))).toThrow(message);
  });

  const tooMuch = 'pickle: expected at most 1000000 values, arguments and remembered values, got more';

  test.each<[string, number, readonly number[]]>([
    ['values on the stack', 1_000_001, [0x4e]],
    ['marks', 1_000_001, [0x28]],
    ['values that are dropped again', 1_000_001, [0x4e, 0x30]],
    ['dicts in a list', 1_000_001, [0x7d, 0x61]],
    ['remembered values', 1_000_001, [0x94]],
  ])('%s without end', (_, count, opcodes) => {
    const body = new Uint8Array(count * opcodes.length);
    for (let i = 0; i < body.length; i++) body[i] = opcodes[i % opcodes.length] ?? 0;
    expect(() => readPyTorch(largeArchive(join(0x80, 2, 0x5d, body, 0x2e)))).toThrow(tooMuch);
  });

  test('calls of a remembered list: every one handles all of its items', () => {
    const pairs = Array.from({ length: 2000 }, () => recall(2));
    const content = (calls: number): Uint8Array =>
      pickle(
        join(global('collections', 'OrderedDict'), 0x71, 0, 0x30),
        join(tuple(integer(1), integer(2)), 0x71, 2, 0x30),
        join(0x28, ...pairs, 0x6c, 0x85, 0x71, 1, 0x30),
        ...Array.from({ length: calls }, () => join(recall(0), recall(1), 0x52, 0x30)),
        dict({ w: tensor({ shape: [2] }) }),
      );
    expect(readPyTorch(torchFile(content(400), six)).tensors.size).toBe(1);
    expect(() => readPyTorch(torchFile(content(600), six))).toThrow(tooMuch);
  });

  test('integers of hundreds of bytes: what a value costs grows with it', () => {
    const long = join(0x8a, 255, new Uint8Array(255).fill(1), 0x30);
    const content = join(0x80, 2, ...Array.from({ length: 4000 }, () => long), 0x2e);
    expect(() => readPyTorch(torchFile(content))).toThrow(tooMuch);
  });

  test('a size or shape of more axes than any tensor has', () => {
    const many = tuple(...Array.from({ length: 33 }, () => integer(1)));
    expect(() => readPyTorch(torchFile(pickle(call(global('torch', 'Size'), many))))).toThrow(
      'a size of at most 32 whole numbers, got a tuple',
    );
    const size = call(global('torch', 'Size'), tuple(...Array.from({ length: 32 }, () => integer(1))));
    const body = dict({ w: tensor({ shape: [2] }), size });
    expect(readPyTorch(torchFile(pickle(body), six)).tensors.size).toBe(1);
  });

  test('as many tensors as any model has are no trouble', () => {
    const one = tensor({ shape: [1, 1, 1, 1] });
    const content = pickle(dict(Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`t${i}`, one]))));
    expect(readPyTorch(torchFile(content, six)).tensors.size).toBe(10_000);
  });

  test('a list that holds itself', () => {
    const body = dict({ w: tensor({ shape: [2] }), loop: join(0x5d, 0x71, 5, 0x68, 5, 0x61) });
    expect(readPyTorch(torchFile(pickle(body), six)).tensors.size).toBe(1);
  });
});

/** BINGET */
function recall(index: number): Uint8Array {
  return Uint8Array.of(0x68, index);
}

/** An archive whose pickle is too long for the writer of small ones. */
function largeArchive(content: Uint8Array): Uint8Array {
  const shell = zip([{ name: 'a/data.pkl', data: new Uint8Array(0), sizeBytes: content.length }]);
  const local = 30 + 'a/data.pkl'.length + 5;
  const bytes = new Uint8Array(shell.length + content.length);
  bytes.set(shell.subarray(0, local));
  bytes.set(content, local);
  bytes.set(shell.subarray(local), local + content.length);
  new DataView(bytes.buffer).setUint32(bytes.length - 6, local + content.length, true);
  return bytes;
}

describe('the archive', () => {
  const data = pickle(dict({ w: tensor({ shape: [2] }) }));
  const good: Entry[] = [
    { name: 'm/data.pkl', data },
    { name: 'm/data/0', data: floats(1, 2) },
  ];

  test.each<[string, Uint8Array]>([
    ['plain', zip(good)],
    ['with a comment', zip(good, { comment: 'PK\u0005\u0006 is not the end' })],
    ['zip64 entries', zip(good.map((entry) => ({ ...entry, isWide: true })))],
    [
      'a zip64 directory',
      zip(
        good.map((entry) => ({ ...entry, isWide: true })),
        { isWide: true },
      ),
    ],
    ['no folder', zip(good.map(({ name, data }) => ({ name: name.slice(2), data })))],
    ['a deflated entry that nobody needs', zip([...good, { name: 'm/readme', data, method: 8 }])],
    ['little-endian', zip([...good, { name: 'm/byteorder', data: new TextEncoder().encode('little') }])],
  ])('%s is read', (_, bytes) => {
    expect([...read(bytes, 'w')]).toEqual([1, 2]);
  });

  test.each<[string, Uint8Array, string]>([
    [
      'a deflated pickle',
      zip([{ name: 'm/data.pkl', data, method: 8 }]),
      'm/data.pkl: expected an entry stored as it is, got compression method 8',
    ],
    ['an encrypted pickle', zip([{ name: 'm/data.pkl', data, flags: 1 }]), 'an encrypted one'],
    ['another archive', zip([{ name: 'word/document.xml', data }]), 'with a data.pkl, got word/document.xml'],
    ['an empty archive', zip([]), 'an empty archive'],
    ['a TorchScript program', zip([...good, { name: 'm/constants.pkl', data }]), 'got a TorchScript program'],
    ['big-endian', zip([...good, { name: 'm/byteorder', data: new TextEncoder().encode('big') }]), 'little-endian'],
    ['a name twice', zip([...good, ...good]), 'every name once, got m/data.pkl twice'],
    ['an entry longer than the file', zip([{ name: 'm/data.pkl', data, sizeBytes: 10_000 }]), 'The file is cut off'],
    [
      'an entry that is elsewhere',
      zip([{ name: 'm/data.pkl', data, offset: 3 }]),
      'a local header at byte 3, got none',
    ],
    ['an entry beyond the file', zip([{ name: 'm/data.pkl', data, offset: 1e9 }]), 'a local header'],
    ['an entry beyond 2^53', zip([{ name: 'm/data.pkl', data, offset: 2 ** 60, isWide: true }]), 'below 2^53'],
    [
      'no end',
      new Uint8Array([0x50, 0x4b, 3, 4, ...Array(100).fill(0)]),
      'an end record, got none. The file is cut off.',
    ],
  ])('%s is refused', (_, bytes, message) => {
    expect(() => readPyTorch(bytes)).toThrow(CheckpointError);
    expect(() => readPyTorch(bytes)).toThrow(message);
  });
});

test('the parameter of a tensor is the tensor', () => {
  const parameter = call(global('torch._utils', '_rebuild_parameter'), tensor({ shape: [2] }), isFalse, emptyDict);
  expect([...read(torchFile(pickle(dict({ w: parameter })), six), 'w')]).toEqual([0, 1]);
});

test('a storage by itself is no tensor', () => {
  const body = dict({ w: tensor({ shape: [2] }), raw: storage('FloatStorage', '0', 2) });
  expect(readPyTorch(torchFile(pickle(body), six)).notes).toEqual(['Left out, not a tensor: raw.']);
});
