/** The packages that are published, as their manifests describe them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './process.mjs';

/**
 * Reads the manifests of all published packages.
 * @returns {{ name: string, folder: string, manifest: Record<string, unknown> }[]} in the order of their folders
 */
export const publishedPackages = () =>
  readdirSync(join(root, 'packages'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(root, 'packages', entry.name))
    .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) }))
    .filter(({ manifest }) => manifest.private !== true)
    .map(({ folder, manifest }) => ({ name: manifest.name, folder, manifest }));

/**
 * What a user can import of a package: one specifier per entry of `exports`. `isEffect` marks an entry that is imported for what it does
 * (listed in `sideEffects`), which need not export anything.
 * @param {{ name: string, manifest: Record<string, unknown> }} entry a published package
 */
export const publicEntries = ({ name, manifest }) =>
  Object.entries(manifest.exports).map(([path, target]) => ({
    specifier: path === '.' ? name : `${name}/${path.slice(2)}`,
    isEffect: Array.isArray(manifest.sideEffects) && manifest.sideEffects.includes(target.default),
  }));
