/** What the site can be asked for: to be built and checked, to be served while it is written, and to have its figures drawn anew. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { build, createServer } from 'vitepress';
import { deadLinks } from './check-links';
import { writeReference } from './reference';
import { siteBase } from './site-base';

const output = (root: string): string => join(root, 'docs/.vitepress/dist');

/** Dead links of the site as it was built. */
function checkBuilt(root: string): readonly string[] {
  const folder = output(root);
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll(sep, '/'),
    );
  const isPage = (path: string): boolean => path.endsWith('.html');
  const pages = new Map(paths.filter(isPage).map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
  return deadLinks(pages, new Set(paths), siteBase());
}

const commands: Readonly<Record<string, (root: string) => Promise<number>>> = {
  async build(root) {
    await writeReference(root);
    await build(join(root, 'docs'));
    const dead = checkBuilt(root);
    if (dead.length > 0) console.error(`${dead.length} dead links:\n${dead.join('\n')}`);
    return dead.length === 0 ? 0 : 1;
  },
  async dev(root) {
    await writeReference(root);
    const server = await createServer(join(root, 'docs'));
    await server.listen();
    server.printUrls();
    return 0;
  },
  async figures(root) {
    const { writeFigures } = await import('./figures/figures');
    await writeFigures(join(root, 'docs/images'));
    return 0;
  },
};

/** Runs a command of the site and returns its exit code. */
export async function runSite(args: readonly string[], root: string): Promise<number> {
  const command = commands[args[0] ?? ''];
  if (command === undefined || args.length !== 1) {
    console.error(`site: expected one of ${Object.keys(commands).join(', ')}, got ${args.join(' ') || 'nothing'}.`);
    return 2;
  }
  try {
    return await command(root);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
}
