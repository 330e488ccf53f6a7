/**
 * Which golden files this machine has. Runs in Node only, from the vitest configs: they hand the result to the tests
 * (`provide`), so that a test in a browser knows it without a request.
 */
import { readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folders that hold golden files, first found first: the copies in the repository, then the full set beside it. */
export const goldenRoots: readonly string[] = ['../../goldens/', '../../../../shared/goldens/'].map((folder) =>
  fileURLToPath(new URL(folder, import.meta.url)),
);

/** Lists the golden files of all roots: name such as `sparsevit/weights.safetensors` to absolute path, which may be that of its `.gz`. */
export function findGoldens(roots: readonly string[] = goldenRoots): Record<string, string> {
  const found: Record<string, string> = {};
  for (const root of roots) {
    for (const path of filesBelow(root)) {
      const name = relative(root, path).split(sep).join('/').replace(/\.gz$/, '');
      found[name] ??= path;
    }
  }
  return found;
}

function filesBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    // Only a folder that is not there is an answer; anything else is a fault of the machine and must be seen.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
