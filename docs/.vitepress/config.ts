import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DefaultTheme, defineConfig } from 'vitepress';
import { linkRule } from '../../tooling/site/src/link-rule';
import { toolsWithReadme } from '../../tooling/site/src/reference';
import { repositoryAddress, sitePackages } from '../../tooling/site/src/repository';
import { siteBase } from '../../tooling/site/src/site-base';

const root = fileURLToPath(new URL('../..', import.meta.url));
const repository = repositoryAddress(root);
const base = siteBase();
const linkedFiles = new Set<string>();

const titleOf = (file: string): string =>
  /^# (.+)$/m.exec(readFileSync(file, 'utf8'))?.[1]?.replaceAll('`', '') ?? file;

/** Items of the pages in a folder of `docs`, by their headings. */
const itemsOf = (folder: string): DefaultTheme.SidebarItem[] =>
  readdirSync(join(root, 'docs', folder))
    .filter((name) => name.endsWith('.md') && name !== 'README.md')
    .sort()
    .map((name) => ({ text: titleOf(join(root, 'docs', folder, name)), link: `/${folder}/${name.slice(0, -3)}` }));

const pages = (...names: readonly (readonly [text: string, link: string])[]): DefaultTheme.SidebarItem[] =>
  names.map(([text, link]) => ({ text, link }));

const learning: DefaultTheme.SidebarItem[] = [
  {
    text: 'Guide',
    items: pages(
      ['Install', '/guide/install'],
      ['A Swin on a photo', '/guide/a-photo'],
      ['Your own data set', '/guide/own-data'],
      ['In a page and in Node', '/guide/deploy'],
      ['Search on many machines', '/guide/many-machines'],
    ),
  },
  {
    text: 'Concepts',
    items: pages(
      ['Window sparsity', '/concepts/window-sparsity'],
      ['Adaptation', '/concepts/adaptation'],
      ['Latency prediction', '/concepts/latency'],
      ['Search', '/concepts/search'],
    ),
  },
  { text: 'Examples', link: '/examples/' },
];

const packages: DefaultTheme.SidebarItem[] = sitePackages(root).map(({ name, folder, entries }) => ({
  text: name,
  link: `/packages/${folder}`,
  collapsed: true,
  items: entries.map(({ specifier, page }) => ({ text: `API: ${specifier}`, link: `/${page}` })),
}));

const benchmarks: DefaultTheme.SidebarItem[] = [
  { text: 'Benchmarks', items: [{ text: 'All in one page', link: '/benchmarks' }, ...itemsOf('benchmarks')] },
  {
    text: 'How they are made',
    items: toolsWithReadme(root).map((name) => ({
      text: titleOf(join(root, 'tooling', name, 'README.md')),
      link: `/tooling/${name}`,
    })),
  },
];

export default defineConfig({
  title: 'SparseViT for JavaScript',
  description: 'Run a high-resolution Swin Transformer on the windows that matter, in Node or a browser.',
  lang: 'en',
  base,
  rewrites: { ':folder/README.md': ':folder/index.md' },
  // Same sources, same files: no time of a build and none of a commit stands in a page.
  lastUpdated: false,
  // The index of the search is filled in the order in which pages are ready.
  buildConcurrency: 1,
  markdown: {
    config: (md) => linkRule(md, { root, base, repository, onFile: (path) => linkedFiles.add(path) }),
  },
  buildEnd({ outDir, srcDir }) {
    for (const path of linkedFiles) {
      mkdirSync(dirname(join(outDir, path)), { recursive: true });
      copyFileSync(join(srcDir, path), join(outDir, path));
    }
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/guide/install', activeMatch: '^/(guide|concepts|examples)/' },
      { text: 'Packages', link: '/packages/', activeMatch: '^/(packages|api)/' },
      { text: 'Benchmarks', link: '/benchmarks', activeMatch: '^/(benchmarks|tooling)' },
      { text: 'Decisions', link: '/decisions/' },
    ],
    sidebar: {
      '/guide/': learning,
      '/concepts/': learning,
      '/examples/': learning,
      '/packages/': packages,
      '/api/': packages,
      '/benchmarks': benchmarks,
      '/tooling/': benchmarks,
      '/decisions/': [{ text: 'Decisions', link: '/decisions/', items: itemsOf('decisions') }],
    },
    ...(repository === null ? {} : { socialLinks: [{ icon: 'github', link: repository }] }),
  },
});
