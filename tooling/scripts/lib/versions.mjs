/** Giving all packages their next version, from the changesets. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './process.mjs';

const manifestsOf = (folder) =>
  readdirSync(join(folder, 'packages'))
    .map((name) => join(folder, 'packages', name, 'package.json'))
    .map((file) => ({ file, text: readFileSync(file, 'utf8') }));

/**
 * `changeset version`, for a group of packages that share one version. Changesets raises the major version of a package whenever one of its peers
 * has a new minor one, and with it that of all; peers of the group itself always come with the same version, so that they are hidden meanwhile.
 * @param {string} folder of a repository
 * @returns {Promise<{ code: number, output: string }>}
 */
export const versionPackages = async (folder) => {
  const hidden = new Map();
  for (const { file, text } of manifestsOf(folder)) {
    const manifest = JSON.parse(text);
    const inner = Object.entries(manifest.peerDependencies ?? {}).filter(([, range]) => range.startsWith('workspace:'));
    if (inner.length === 0) continue;
    for (const [name] of inner) delete manifest.peerDependencies[name];
    writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
    hidden.set(file, JSON.parse(text).peerDependencies);
  }
  try {
    return await run(process.execPath, [join(folder, 'node_modules/@changesets/cli/bin.js'), 'version'], {
      cwd: folder,
    });
  } finally {
    for (const [file, peerDependencies] of hidden) {
      const manifest = JSON.parse(readFileSync(file, 'utf8'));
      writeFileSync(file, `${JSON.stringify({ ...manifest, peerDependencies }, null, 2)}\n`);
    }
  }
};
