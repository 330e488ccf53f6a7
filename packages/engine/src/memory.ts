/** The memory that everything lies in: one WebAssembly memory, and a heap on it. */

import { BackendError } from '@sparsevit/windows';

const pageBytes = 65_536;
/** What every block begins at a multiple of: a cache line, so that two threads never write to the same one. */
const alignmentBytes = 64;

/** Rounds up to whole cache lines. */
export const alignedBytes = (bytes: number): number => Math.ceil(bytes / alignmentBytes) * alignmentBytes;

/** A heap on a WebAssembly memory. */
export interface Heap {
  readonly memory: WebAssembly.Memory;
  /** Bytes in use. */
  readonly usedBytes: number;
  /** Takes a block; its address is never 0. */
  allocate(bytes: number): number;
  /** Gives a block back. */
  free(address: number): void;
  /** A view of float32 values; good until the memory grows. */
  float32(address: number, length: number): Float32Array;
  /** A view of int32 values; good until the memory grows. */
  int32(address: number, length: number): Int32Array;
}

/**
 * A memory, shared between threads or not. A shared one reserves addresses for all it may become: as much as the platform gives.
 *
 * @throws BackendError when the platform gives no memory at all
 */
export function createMemory(isShared: boolean): WebAssembly.Memory {
  const initial = 256;
  if (!isShared) return new WebAssembly.Memory({ initial });
  for (const maximum of [65_536, 32_768, 16_384, 8_192]) {
    try {
      return new WebAssembly.Memory({ initial, maximum, shared: true });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  throw new BackendError(
    'createEngine: expected room for 512 MiB of shared memory, got none. Close other pages, or use one thread.',
  );
}

/** A first-fit heap; the first cache line stays free, since an address of 0 stands for nothing. */
export function createHeap(memory: WebAssembly.Memory): Heap {
  const sizes = new Map<number, number>(); // of the blocks in use
  let gaps: { address: number; bytes: number }[] = []; // by address; never two in a row
  let end = alignmentBytes;
  let usedBytes = 0;

  const reserve = (bytes: number): number => {
    const gap = gaps.findIndex((candidate) => candidate.bytes >= bytes);
    const found = gaps[gap];
    if (found === undefined) {
      const address = end;
      growTo(memory, address + bytes);
      end = address + bytes;
      return address;
    }
    gaps.splice(
      gap,
      1,
      ...(found.bytes > bytes ? [{ address: found.address + bytes, bytes: found.bytes - bytes }] : []),
    );
    return found.address;
  };

  return {
    memory,
    get usedBytes() {
      return usedBytes;
    },
    allocate(wanted) {
      const bytes = alignedBytes(Math.max(wanted, 1));
      const address = reserve(bytes);
      sizes.set(address, bytes);
      usedBytes += bytes;
      return address;
    },
    free(address) {
      const bytes = sizes.get(address);
      if (bytes === undefined) return;
      sizes.delete(address);
      usedBytes -= bytes;
      gaps.push({ address, bytes });
      gaps.sort((a, b) => a.address - b.address);
      const merged: { address: number; bytes: number }[] = [];
      for (const gap of gaps) {
        const last = merged[merged.length - 1];
        if (last !== undefined && last.address + last.bytes === gap.address) last.bytes += gap.bytes;
        else merged.push({ ...gap });
      }
      const last = merged[merged.length - 1];
      if (last !== undefined && last.address + last.bytes === end) {
        end = last.address;
        merged.pop();
      }
      gaps = merged;
    },
    float32: (address, length) => new Float32Array(memory.buffer, address, length),
    int32: (address, length) => new Int32Array(memory.buffer, address, length),
  };
}

function growTo(memory: WebAssembly.Memory, bytes: number): void {
  const have = memory.buffer.byteLength;
  if (bytes <= have) return;
  const pages = Math.ceil((bytes - have) / pageBytes);
  try {
    memory.grow(pages);
  } catch (cause) {
    const mebibytes = (count: number): string => `${Math.ceil(count / 2 ** 20)} MiB`;
    throw new BackendError(
      `engine: expected room for ${mebibytes(bytes)} of WebAssembly memory, got ${mebibytes(have)}. Dispose plans that are not used, or take a smaller image or batch.`,
      { cause },
    );
  }
}
