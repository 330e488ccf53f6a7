/**
 * The directory of a zip archive, and entries that are stored as they are: what `torch.save` writes. Nothing is inflated.
 * Format: PKWARE APPNOTE 4.3 (end record, zip64 records, central directory, local headers).
 */

import { refuse, showName } from './refuse';

/** A file inside an archive, as the central directory describes it. */
export interface ZipEntry {
  readonly name: string;
  /** 0 is stored, 8 is deflated. */
  readonly method: number;
  readonly isEncrypted: boolean;
  readonly sizeBytes: number;
  readonly storedBytes: number;
  /** Where its local header begins. */
  readonly offset: number;
}

const signatures = {
  local: 0x04034b50,
  central: 0x02014b50,
  end: 0x06054b50,
  end64: 0x06064b50,
  locator64: 0x07064b50,
};
const endBytes = 22;
const longestComment = 0xffff;
const mostEntries = 100_000;
const here = 'zip';

/**
 * Lists the entries of an archive.
 *
 * @throws CheckpointError when the file is cut off, the directory does not lie in it or is longer than 100 000 entries, or a name comes twice
 * @example
 * const entry = listZip(bytes).get('archive/data.pkl');
 */
export function listZip(bytes: Uint8Array): ReadonlyMap<string, ZipEntry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { count, offset } = findDirectory(view);
  if (count > mostEntries) refuse(here, `at most ${mostEntries} entries`, String(count));
  const entries = new Map<string, ZipEntry>();
  let at = offset;
  for (let i = 0; i < count; i++) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== signatures.central) {
      refuse(here, `${count} entries in the directory`, `${i}`, 'The file is damaged.');
    }
    const entry = readCentral(view, bytes, at);
    if (entries.has(entry.name)) refuse(here, 'every name once', `${showName(entry.name)} twice`);
    entries.set(entry.name, entry);
    at += 46 + view.getUint16(at + 28, true) + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return entries;
}

/**
 * The bytes of a stored entry, as a view of the archive.
 *
 * @throws CheckpointError for an entry that is compressed or encrypted, or does not lie in the file
 */
export function readZipEntry(bytes: Uint8Array, entry: ZipEntry): Uint8Array {
  const label = `${here}: ${showName(entry.name)}`;
  if (entry.isEncrypted) refuse(label, 'an entry that is not encrypted', 'an encrypted one');
  if (entry.method !== 0 || entry.sizeBytes !== entry.storedBytes) {
    refuse(
      label,
      'an entry stored as it is',
      `compression method ${entry.method}`,
      'Write the file with torch.save; do not zip it again.',
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = entry.offset;
  if (at + 30 > bytes.length || view.getUint32(at, true) !== signatures.local) {
    refuse(label, `a local header at byte ${at}`, 'none', 'The file is damaged.');
  }
  const begin = at + 30 + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
  const end = begin + entry.sizeBytes;
  if (end > bytes.length) {
    refuse(label, `${entry.sizeBytes} bytes of data`, `${Math.max(0, bytes.length - begin)}`, 'The file is cut off.');
  }
  return bytes.subarray(begin, end);
}

/** How many entries the directory has and where it begins. */
function findDirectory(view: DataView): { count: number; offset: number } {
  const lowest = Math.max(0, view.byteLength - endBytes - longestComment);
  for (let at = view.byteLength - endBytes; at >= lowest; at--) {
    if (view.getUint32(at, true) !== signatures.end) continue;
    if (at + endBytes + view.getUint16(at + 20, true) !== view.byteLength) continue;
    const count = view.getUint16(at + 10, true);
    const offset = view.getUint32(at + 16, true);
    return count === 0xffff || offset === 0xffffffff ? findDirectory64(view, at) : { count, offset };
  }
  return refuse(here, 'an end record', 'none', 'The file is cut off.');
}

function findDirectory64(view: DataView, end: number): { count: number; offset: number } {
  const locator = end - 20;
  if (locator < 0 || view.getUint32(locator, true) !== signatures.locator64) refuse(here, 'a zip64 locator', 'none');
  const record = uint64(view, locator + 8);
  if (record + 56 > view.byteLength || view.getUint32(record, true) !== signatures.end64) {
    refuse(here, 'a zip64 end record', 'none');
  }
  return { count: uint64(view, record + 32), offset: uint64(view, record + 48) };
}

function readCentral(view: DataView, bytes: Uint8Array, at: number): ZipEntry {
  const nameBytes = view.getUint16(at + 28, true);
  const extraBytes = view.getUint16(at + 30, true);
  const extraAt = at + 46 + nameBytes;
  if (extraAt + extraBytes > bytes.length) refuse(here, 'a directory that lies in the file', 'one that does not');
  const name = new TextDecoder().decode(bytes.subarray(at + 46, extraAt));
  // A field of 32 bits that is full stands in the zip64 extra, in this order.
  const next64 = zip64Fields(view, extraAt, extraBytes);
  const wide = (position: number): number => {
    const value = view.getUint32(position, true);
    return value === 0xffffffff ? next64() : value;
  };
  const sizeBytes = wide(at + 24);
  const storedBytes = wide(at + 20);
  const offset = wide(at + 42);
  return {
    name,
    method: view.getUint16(at + 10, true),
    isEncrypted: (view.getUint16(at + 8, true) & 1) === 1,
    sizeBytes,
    storedBytes,
    offset,
  };
}

/** The 64-bit fields of the zip64 extra, one after the other. */
function zip64Fields(view: DataView, extraAt: number, extraBytes: number): () => number {
  const end = extraAt + extraBytes;
  let at = end;
  let limit = end;
  for (let field = extraAt; field + 4 <= end; ) {
    const size = view.getUint16(field + 2, true);
    if (view.getUint16(field, true) === 1) {
      at = field + 4;
      limit = Math.min(end, at + size);
      break;
    }
    field += 4 + size;
  }
  return () => {
    if (at + 8 > limit) refuse(here, 'a zip64 size or place', 'none');
    at += 8;
    return uint64(view, at - 8);
  };
}

function uint64(view: DataView, at: number): number {
  const value = view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
  return Number.isSafeInteger(value) ? value : refuse(here, 'a size or place below 2^53', String(value));
}
