/** Golden files in tests: bytes by name, in Node and in a browser, and suites that skip with a reason where a file is missing. */
import { describe, inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** Golden files that this machine has: name to absolute path. Set by the vitest configs. */
    goldens: Record<string, string>;
  }
}

/** True when the golden file is here; known synchronously, so suites can be declared by it. */
export function hasGolden(name: string): boolean {
  return inject('goldens')[name] !== undefined;
}

/**
 * Reads a golden file, such as `sparsevit/weights.safetensors`, from `tooling/goldens` or `../shared/goldens`; null when neither has it.
 *
 * @example
 * const bytes = await loadGolden('sparsevit/weights.safetensors');
 */
export async function loadGolden(name: string): Promise<Uint8Array | null> {
  const path = inject('goldens')[name];
  if (path === undefined) return null;
  if (typeof window === 'undefined') {
    const { readFile } = await import('node:fs/promises');
    // A copy of its own: the Buffer of a small file is a view of a shared pool.
    return expand(path, new Uint8Array(await readFile(path)));
  }
  const response = await fetch(`/@fs${path}`);
  if (!response.ok) throw new Error(`loadGolden: expected ${name} from the test server, got HTTP ${response.status}.`);
  return expand(path, new Uint8Array(await response.arrayBuffer()));
}

/** The copies in the repository are compressed. A server may have expanded one already, so the bytes decide, not only the name. */
async function expand(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const isCompressed = path.endsWith('.gz') && bytes[0] === 0x1f && bytes[1] === 0x8b;
  if (!isCompressed) return bytes;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Reads a golden file and throws when it is missing: for use inside {@link describeGolden}. */
export async function requireGolden(name: string): Promise<Uint8Array> {
  const bytes = await loadGolden(name);
  if (bytes === null)
    throw new Error(`requireGolden: expected ${name}, got no such file. Declare the suite by describeGolden.`);
  return bytes;
}

/** The line that a skipped golden suite shows: which files it needs and where they would be read from. */
export function missingGoldens(names: readonly string[]): string | null {
  const missing = names.filter((name) => !hasGolden(name));
  return missing.length === 0 ? null : `skipped: ${missing.join(', ')} needs ../shared/goldens, which is not here`;
}

/**
 * Declares a suite that needs golden files. Where one is missing the suite is skipped and its name says why.
 *
 * @example
 * describeGolden('dense-224', ['sparsevit/weights.safetensors', 'sparsevit/dense-224.safetensors'], () => { ... });
 */
export function describeGolden(name: string, needs: readonly string[], body: () => void): void {
  const missing = missingGoldens(needs);
  describe.skipIf(missing !== null)(missing === null ? name : `${name} (${missing})`, body);
}
