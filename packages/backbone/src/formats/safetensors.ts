/**
 * Reading safetensors: 8 bytes with the length of the header, a JSON header that gives every tensor its type, shape and place, then the data.
 * A header is checked before anything it says is believed. Format: https://github.com/huggingface/safetensors#format
 */

import type { JsonValue } from './json';
import { isJsonObject, parseJson } from './json';
import { refuse, showName, showShape } from './refuse';
import type { StoredTensor } from './tensor';
import { dtypeBytes, highestRank, isTensorDtype, mostTensors } from './tensor';

/** What a safetensors file holds. */
export interface SafetensorsFile {
  /** The tensors by name; their bytes are views of the file. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** The strings under `__metadata__`; empty when there are none. */
  readonly metadata: Readonly<Record<string, string>>;
}

interface PlacedTensor {
  readonly name: string;
  readonly tensor: StoredTensor;
  readonly begin: number;
  readonly end: number;
}

const prefixBytes = 8;
const longestHeader = 25 * 2 ** 20;
const here = 'safetensors';

/** The name that a header keeps for itself. */
export const metadataKey = '__metadata__';

/**
 * Reads a safetensors file.
 *
 * @throws CheckpointError when the file is cut off, its header is longer than 25 MB or than the file, is no strict JSON (a key twice, nesting
 * without end), names an unknown type, a shape or place that does not fit the data, tensors that overlap or leave a hole, or more than
 * 100 000 tensors
 * @example
 * const { tensors, metadata } = readSafetensors(bytes);
 * for (const [name, { dtype, shape }] of tensors) list(name, dtype, shape);
 */
export function readSafetensors(bytes: Uint8Array): SafetensorsFile {
  const { text, data } = splitFile(bytes);
  const header = parseJson(text, `${here} header`);
  if (!isJsonObject(header)) return refuse(here, 'a JSON object as header', describe(header));
  const entries = Object.entries(header);
  if (entries.length > mostTensors) refuse(here, `at most ${mostTensors} tensors`, String(entries.length));

  const placed: PlacedTensor[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, entry] of entries) {
    if (name === metadataKey) metadata = readMetadata(entry);
    else placed.push(readEntry(name, entry, data));
  }
  checkPlaces(placed, data.length);
  return { tensors: new Map(placed.map(({ name, tensor }) => [name, tensor])), metadata };
}

/** The header's text and the data behind it. */
function splitFile(bytes: Uint8Array): { text: string; data: Uint8Array } {
  if (bytes.length < prefixBytes)
    refuse(here, `at least ${prefixBytes} bytes`, `${bytes.length}`, 'The file is cut off.');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true);
  if (length > longestHeader) refuse(here, `a header of at most ${longestHeader} bytes`, String(length));
  if (length > bytes.length - prefixBytes) {
    refuse(here, `a header of ${length} bytes`, `${bytes.length - prefixBytes}`, 'The file is cut off.');
  }
  const end = prefixBytes + length;
  if (bytes[prefixBytes] !== 0x7b || length === 0) refuse(here, 'a header that begins with "{"', 'something else');
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    return { text: decoder.decode(bytes.subarray(prefixBytes, end)), data: bytes.subarray(end) };
  } catch {
    return refuse(here, 'a header in UTF-8', 'other bytes');
  }
}

function readMetadata(entry: JsonValue): Record<string, string> {
  if (!isJsonObject(entry)) return refuse(here, `strings by name under ${metadataKey}`, describe(entry));
  const strings = Object.entries(entry).map(([name, value]): [string, string] => [
    name,
    typeof value === 'string'
      ? value
      : refuse(here, `a string under ${metadataKey} ${showName(name)}`, describe(value)),
  ]);
  return Object.fromEntries(strings);
}

function readEntry(name: string, entry: JsonValue, data: Uint8Array): PlacedTensor {
  const label = `${here}: ${showName(name)}`;
  if (!isJsonObject(entry)) return refuse(label, 'an object with dtype, shape and data_offsets', describe(entry));
  for (const field of Object.keys(entry)) {
    if (field !== 'dtype' && field !== 'shape' && field !== 'data_offsets') {
      refuse(label, 'no field but dtype, shape and data_offsets', showName(field));
    }
  }
  const { dtype, shape: sides, data_offsets: places } = entry;
  if (!isTensorDtype(dtype)) {
    return refuse(label, `a dtype of ${Object.keys(dtypeBytes).join(', ')}`, describe(dtype));
  }
  const shape = readCounts(sides, label, 'shape');
  if (shape.length > highestRank) refuse(label, `at most ${highestRank} axes`, String(shape.length));
  const offsets = readCounts(places, label, 'data_offsets');
  const [begin = 0, end = 0] = offsets;
  if (offsets.length !== 2 || begin > end) {
    refuse(label, 'data_offsets [begin, end] with begin <= end', showShape(offsets));
  }
  if (end > data.length) {
    refuse(label, `data within the ${data.length} bytes of the file`, showShape(offsets), 'The file is cut off.');
  }
  let size = dtypeBytes[dtype];
  for (const side of shape) {
    size *= side;
    if (!Number.isSafeInteger(size)) refuse(label, 'a shape that can exist', showShape(shape));
  }
  if (size !== end - begin) {
    refuse(label, `${size} bytes for ${dtype} ${showShape(shape)}`, `${end - begin}`);
  }
  return { name, tensor: { dtype, shape, bytes: data.subarray(begin, end) }, begin, end };
}

function readCounts(value: JsonValue | undefined, label: string, field: string): number[] {
  const items: unknown = value;
  if (!Array.isArray(items)) return refuse(label, `${field} to be a list`, describe(value));
  return items.map((item: unknown) => {
    if (typeof item !== 'number' || !Number.isSafeInteger(item) || item < 0 || Object.is(item, -0)) {
      return refuse(label, `whole numbers of at least 0 in ${field}`, showName(String(item)));
    }
    return item;
  });
}

/** The tensors must lie side by side and fill the data: no byte is read twice, none is smuggled along. */
function checkPlaces(placed: readonly PlacedTensor[], dataBytes: number): void {
  let at = 0;
  for (const { name, begin, end } of [...placed].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin < at)
      refuse(
        `${here}: ${showName(name)}`,
        'tensors that do not overlap',
        `data from byte ${begin} that is in use up to ${at}`,
      );
    if (begin > at)
      refuse(
        `${here}: ${showName(name)}`,
        'tensors without a hole between them',
        `nothing from byte ${at} to ${begin}`,
      );
    at = end;
  }
  if (at !== dataBytes) {
    refuse(here, `${at} bytes of data`, `${dataBytes}`, 'The file is damaged or holds more than its header says.');
  }
}

function describe(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (typeof value === 'object') return isJsonObject(value) ? 'an object' : 'a list';
  return showName(String(value));
}
