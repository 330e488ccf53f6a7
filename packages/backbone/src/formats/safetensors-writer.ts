/** Writing safetensors: tensors by falling element size, so that each is aligned to its elements, behind a header padded to 8 bytes. */

import { float32ToBfloat16, float32ToFloat16 } from './half-precision';
import { refuse, showName, showShape } from './refuse';
import { metadataKey } from './safetensors';
import type { StoredTensor, TensorDtype } from './tensor';
import { dtypeBytes, elementCount } from './tensor';

/** Values to store: float32 as F32 or, when asked, rounded to F16 or BF16; int32 as I32. */
export interface WritableTensor {
  readonly values: Float32Array | Int32Array;
  readonly shape: readonly number[];
  /** Only for float32 values. */
  readonly dtype?: 'F32' | 'F16' | 'BF16';
}

/**
 * Writes a safetensors file.
 *
 * @param tensors values, or tensors as a file stores them, by name
 * @param metadata strings for the header's `__metadata__`
 * @throws CheckpointError when a shape does not fit its values, or a tensor is called `__metadata__`
 * @example
 * const bytes = writeSafetensors(new Map([['out0', { values: new Float32Array(6), shape: [2, 3] }]]));
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, WritableTensor | StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const stored = Array.from(tensors, ([name, tensor]): [string, StoredTensor] => [name, store(name, tensor)]);
  stored.sort(([, a], [, b]) => dtypeBytes[b.dtype] - dtypeBytes[a.dtype]);

  const fields: string[] = [];
  if (Object.keys(metadata).length > 0) fields.push(`"${metadataKey}":${JSON.stringify(metadata)}`);
  let size = 0;
  for (const [name, { dtype, shape, bytes }] of stored) {
    const entry = { dtype, shape, data_offsets: [size, size + bytes.length] };
    fields.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    size += bytes.length;
  }
  const header = new TextEncoder().encode(`{${fields.join(',')}}`);
  const headerBytes = Math.ceil(header.length / 8) * 8;

  const file = new Uint8Array(8 + headerBytes + size);
  new DataView(file.buffer).setUint32(0, headerBytes, true); // the upper four bytes stay 0: a header is far below 4 GB
  file.fill(0x20, 8, 8 + headerBytes);
  file.set(header, 8);
  let at = 8 + headerBytes;
  for (const [, { bytes }] of stored) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

function store(name: string, tensor: WritableTensor | StoredTensor): StoredTensor {
  const label = `writeSafetensors: ${showName(name)}`;
  if (name === metadataKey) refuse(label, 'another name', 'the one that the format keeps for itself');
  const stored = 'bytes' in tensor ? tensor : { ...encode(label, tensor), shape: tensor.shape };
  const expected = elementCount(stored.shape) * dtypeBytes[stored.dtype];
  if (stored.bytes.length !== expected) {
    refuse(label, `${expected} bytes for ${stored.dtype} ${showShape(stored.shape)}`, `${stored.bytes.length}`);
  }
  return stored;
}

function encode(label: string, { values, dtype }: WritableTensor): { dtype: TensorDtype; bytes: Uint8Array } {
  if (values instanceof Int32Array) {
    if (dtype !== undefined) refuse(label, 'no dtype for int32 values', dtype);
    return { dtype: 'I32', bytes: bytesOf(values) };
  }
  if (dtype === 'F16') return { dtype, bytes: bytesOf(float32ToFloat16(values)) };
  if (dtype === 'BF16') return { dtype, bytes: bytesOf(float32ToBfloat16(values)) };
  return { dtype: 'F32', bytes: bytesOf(values) };
}

function bytesOf(values: Float32Array | Int32Array | Uint16Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
