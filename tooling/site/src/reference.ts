/** The pages of `docs` that are not written there: READMEs of packages and tools, and the API. */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeApi } from './api';
import { type SitePackage, sitePackages } from './repository';

const folder = (root: string, name: string): string => {
  const path = join(root, 'docs', name);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  return path;
};

const apiLinks = ({ entries }: SitePackage): string =>
  entries.map(({ specifier, page }) => `- [\`${specifier}\`](/${page}.md)`).join('\n');

function writePackages(root: string, packages: readonly SitePackage[]): void {
  const target = folder(root, 'packages');
  for (const entry of packages) {
    const readme = readFileSync(join(root, 'packages', entry.folder, 'README.md'), 'utf8');
    writeFileSync(join(target, `${entry.folder}.md`), `${readme}\n## Signatures\n\n${apiLinks(entry)}\n`);
  }
  const rows = packages.map(
    ({ name, folder: place, description }) => `| [\`${name}\`](/packages/${place}.md) | ${description} |`,
  );
  writeFileSync(
    join(target, 'index.md'),
    `# Packages\n\nEach can be imported alone; \`sparsevit\` brings them all.\n\n| package | what it is |\n| --- | --- |\n${rows.join('\n')}\n`,
  );
}

/** Tools with a README: a folder for each benchmark and study. */
export function toolsWithReadme(root: string): readonly string[] {
  return readdirSync(join(root, 'tooling')).filter(
    (name) => statSync(join(root, 'tooling', name, 'README.md'), { throwIfNoEntry: false }) !== undefined,
  );
}

/** Writes `docs/packages`, `docs/tooling` and `docs/api` anew; git ignores them. */
export async function writeReference(root: string): Promise<void> {
  const packages = sitePackages(root);
  writePackages(root, packages);
  const tooling = folder(root, 'tooling');
  for (const name of toolsWithReadme(root)) {
    writeFileSync(join(tooling, `${name}.md`), readFileSync(join(root, 'tooling', name, 'README.md')));
  }
  await writeApi(root, packages);
}
