/** Writes pickles and stored zip archives as `torch.save` does, and as nobody should: for tests of what is refused. */

/** Raw opcodes. */
export type Opcodes = readonly (number | Uint8Array)[];

const utf8 = new TextEncoder();

/** Little-endian bytes of an unsigned number. */
export function littleEndian(value: number, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => Math.floor(value / 256 ** i) % 256);
}

/** Joins opcodes and their arguments. */
export function join(...parts: readonly (number | Uint8Array | Opcodes)[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) =>
      typeof part === 'number' ? [part] : part instanceof Uint8Array ? [...part] : [...join(...part)],
    ),
  );
}

/** A whole pickle of protocol 2. */
export function pickle(...body: readonly (number | Uint8Array | Opcodes)[]): Uint8Array {
  return join(0x80, 2, ...body, 0x2e);
}

/** BINUNICODE */
export function text(value: string): Uint8Array {
  const bytes = utf8.encode(value);
  return join(0x58, littleEndian(bytes.length, 4), bytes);
}

/** BININT1, BININT2, BININT or LONG1 of eight bytes. */
export function integer(value: number): Uint8Array {
  if (value >= 0 && value < 256) return join(0x4b, value);
  if (value >= 0 && value < 65536) return join(0x4d, littleEndian(value, 2));
  const bytes = new Uint8Array(10);
  bytes.set([0x8a, 8]);
  new DataView(bytes.buffer).setBigInt64(2, BigInt(value), true);
  return bytes;
}

/** GLOBAL */
export function global(module: string, name: string): Uint8Array {
  return join(0x63, utf8.encode(`${module}\n${name}\n`));
}

/** MARK ... TUPLE */
export function tuple(...items: readonly Uint8Array[]): Uint8Array {
  return join(0x28, ...items, 0x74);
}

/** EMPTY_DICT MARK key value ... SETITEMS */
export function dict(entries: Readonly<Record<string, Uint8Array>>): Uint8Array {
  return join(0x7d, 0x28, ...Object.entries(entries).flatMap(([key, value]) => [text(key), value]), 0x75);
}

/** A call: callee, arguments, REDUCE. */
export function call(callee: Uint8Array, ...args: readonly Uint8Array[]): Uint8Array {
  return join(callee, tuple(...args), 0x52);
}

export const none: Uint8Array = Uint8Array.of(0x4e);
export const isFalse: Uint8Array = Uint8Array.of(0x89);
export const emptyDict: Uint8Array = call(global('collections', 'OrderedDict'));

/** The persistent id of a storage, loaded. */
export function storage(type: string, key: string, count: number): Uint8Array {
  return join(tuple(text('storage'), global('torch', type), text(key), text('cpu'), integer(count)), 0x51);
}

/** A tensor as PyTorch pickles it. */
export function tensor(options: {
  type?: string;
  key?: string;
  count?: number;
  offset?: number;
  shape: readonly number[];
  strides?: readonly number[];
}): Uint8Array {
  const { type = 'FloatStorage', key = '0', offset = 0, shape } = options;
  const { count = shape.reduce((a, b) => a * b, 1), strides = rowMajor(shape) } = options;
  return call(
    global('torch._utils', '_rebuild_tensor_v2'),
    storage(type, key, count),
    integer(offset),
    tuple(...shape.map(integer)),
    tuple(...strides.map(integer)),
    isFalse,
    emptyDict,
  );
}

function rowMajor(shape: readonly number[]): number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
}

/** An entry of an archive; what is not given is as it should be. */
export interface Entry {
  readonly name: string;
  readonly data: Uint8Array;
  readonly method?: number;
  readonly flags?: number;
  readonly sizeBytes?: number;
  readonly offset?: number;
  /** Sizes and place in the zip64 extra. */
  readonly isWide?: boolean;
}

/** A zip archive of stored entries. */
export function zip(entries: readonly Entry[], options: { isWide?: boolean; comment?: string } = {}): Uint8Array {
  const locals: Uint8Array[] = [];
  const centrals: Uint8Array[] = [];
  let at = 0;
  for (const { name, data, method = 0, flags = 0, sizeBytes = data.length, offset = at, isWide = false } of entries) {
    const nameBytes = utf8.encode(name);
    const sizes = join(littleEndian(sizeBytes, 4), littleEndian(sizeBytes, 4));
    const local = join(
      littleEndian(0x04034b50, 4),
      [littleEndian(20, 2), littleEndian(flags, 2), littleEndian(method, 2), littleEndian(0, 8)],
      sizes,
      [littleEndian(nameBytes.length, 2), littleEndian(5, 2), nameBytes, Uint8Array.of(0x46, 0x42, 1, 0, 9)],
      data,
    );
    const full = littleEndian(0xffffffff, 4);
    const other = join(littleEndian(0x7777, 2), littleEndian(2, 2), Uint8Array.of(1, 2));
    const wide = join(
      littleEndian(1, 2),
      littleEndian(24, 2),
      ...[sizeBytes, sizeBytes, offset].map((n) => littleEndian(n, 8)),
    );
    const extra = isWide ? join(other, wide) : new Uint8Array(0);
    centrals.push(
      join(
        littleEndian(0x02014b50, 4),
        [littleEndian(20, 2), littleEndian(20, 2), littleEndian(flags, 2), littleEndian(method, 2), littleEndian(0, 8)],
        isWide ? [full, full] : [sizes],
        [littleEndian(nameBytes.length, 2), littleEndian(extra.length, 2), littleEndian(0, 10)],
        isWide ? full : littleEndian(offset, 4),
        [nameBytes, extra],
      ),
    );
    locals.push(local);
    at += local.length;
  }
  const directory = join(...centrals);
  const comment = utf8.encode(options.comment ?? '');
  const end64 = join(
    [littleEndian(0x06064b50, 4), littleEndian(44, 8), littleEndian(0, 12)],
    [
      littleEndian(entries.length, 8),
      littleEndian(entries.length, 8),
      littleEndian(directory.length, 8),
      littleEndian(at, 8),
    ],
    [littleEndian(0x07064b50, 4), littleEndian(0, 4), littleEndian(at + directory.length, 8), littleEndian(1, 4)],
  );
  const count = littleEndian(options.isWide ? 0xffff : entries.length, 2);
  const end = join(
    [littleEndian(0x06054b50, 4), littleEndian(0, 4), count, count, littleEndian(directory.length, 4)],
    [littleEndian(options.isWide ? 0xffffffff : at, 4), littleEndian(comment.length, 2), comment],
  );
  return join(...locals, directory, options.isWide ? end64 : new Uint8Array(0), end);
}

/** A PyTorch file: the pickle and its storages. */
export function torchFile(content: Uint8Array, storages: Readonly<Record<string, Uint8Array>> = {}): Uint8Array {
  return zip([
    { name: 'archive/data.pkl', data: content },
    ...Object.entries(storages).map(([key, data]) => ({ name: `archive/data/${key}`, data })),
    { name: 'archive/version', data: utf8.encode('3\n') },
  ]);
}

/** The bytes of float32 values. */
export function floats(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}
