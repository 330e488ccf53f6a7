/**
 * One build for both kinds of memory. A WebAssembly module says whether the memory that it imports is shared, and nothing else in it depends
 * on that as long as it uses no atomic operations: so the limits of the import are rewritten when a module is compiled, instead of keeping
 * a second copy of each build.
 */

import { BackendError } from '@sparsevit/windows';

/** The limits of a shared memory: flags (shared, with a maximum), a minimum of 0 pages, a maximum of 65,536 pages (4 GiB) in LEB128. */
const sharedLimits = [3, 0, 0x80, 0x80, 4];

const importSection = 2;
const memoryKind = 2;

/**
 * The same module for a shared memory: its one import, `env.memory`, is rewritten.
 *
 * @throws BackendError when the module does not begin its imports with a memory
 */
export function forSharedMemory(module: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  let at = 8; // magic and version
  while (at < module.length) {
    const id = module[at] ?? 0;
    const size = readLength(module, at + 1);
    const begin = size.next;
    const end = begin + size.value;
    if (id === importSection) {
      const limits = memoryLimits(module, begin, end);
      const body = [...module.subarray(begin, limits.begin), ...sharedLimits, ...module.subarray(limits.end, end)];
      const section = [importSection, ...lengthBytes(body.length), ...body];
      return Uint8Array.from([...module.subarray(0, at), ...section, ...module.subarray(end)]);
    }
    at = end;
  }
  throw unexpected();
}

/** Where the limits of the first import stand. */
function memoryLimits(module: Uint8Array, begin: number, end: number): { begin: number; end: number } {
  let at = readLength(module, begin).next; // the number of imports
  for (let name = 0; name < 2; name++) {
    const { value, next } = readLength(module, at);
    at = next + value;
  }
  if (module[at] !== memoryKind) throw unexpected();
  const flags = readLength(module, at + 1);
  const minimum = readLength(module, flags.next);
  const limitsEnd = flags.value % 2 === 1 ? readLength(module, minimum.next).next : minimum.next;
  if (limitsEnd > end) throw unexpected();
  return { begin: at + 1, end: limitsEnd };
}

/** An unsigned LEB128 number and where it ends. */
function readLength(module: Uint8Array, at: number): { value: number; next: number } {
  let value = 0;
  let next = at;
  for (let factor = 1; ; factor *= 128) {
    const byte = module[next++];
    if (byte === undefined) throw unexpected();
    value += (byte % 128) * factor;
    if (byte < 128) return { value, next };
  }
}

function lengthBytes(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}

const unexpected = (): BackendError =>
  new BackendError(
    'forSharedMemory: expected a module that imports one memory, got another. Assemble the kernels again.',
  );
