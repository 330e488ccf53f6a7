/** What the site knows of the repository: its packages, and its address where one is configured. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A package that is published, and what can be imported of it. */
export interface SitePackage {
  readonly name: string;
  /** Name of its folder in `packages`. */
  readonly folder: string;
  readonly description: string;
  readonly entries: readonly PackageEntry[];
}

/** One thing to import. */
export interface PackageEntry {
  readonly specifier: string;
  /** The TypeScript file behind it. */
  readonly source: string;
  /** Its page on the site, without an extension. */
  readonly page: string;
}

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly description?: string;
  readonly repository?: string | { readonly url?: string };
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
}

const readManifest = (file: string): Manifest => JSON.parse(readFileSync(file, 'utf8'));

/** The published packages of a repository, in the order of their folders. */
export function sitePackages(root: string): readonly SitePackage[] {
  const folders = readdirSync(join(root, 'packages')).filter((folder) =>
    existsSync(join(root, 'packages', folder, 'package.json')),
  );
  return folders.flatMap((folder) => {
    const manifest = readManifest(join(root, 'packages', folder, 'package.json'));
    if (manifest.private === true) return [];
    const entries = Object.entries(manifest.exports ?? {}).flatMap(([path, target]) => {
      const source = typeof target === 'string' ? undefined : target['@sparsevit/source'];
      if (source === undefined) return [];
      const rest = path.slice(1); // '' of the main entry, '/node'
      return [
        {
          specifier: manifest.name + rest,
          source: join(root, 'packages', folder, source),
          page: `api/${folder}${rest}`,
        },
      ];
    });
    return [{ name: manifest.name, folder, description: manifest.description ?? '', entries }];
  });
}

/** Where the repository can be looked at (`repository` of the root's package.json), without a slash at the end; null when that is not said. */
export function repositoryAddress(root: string): string | null {
  const { repository } = readManifest(join(root, 'package.json'));
  const url = typeof repository === 'string' ? repository : repository?.url;
  if (url === undefined) return null;
  return url
    .replace(/^github:/, 'https://github.com/')
    .replace(/^git\+/, '')
    .replace(/\.git$/, '')
    .replace(/\/$/, '');
}
