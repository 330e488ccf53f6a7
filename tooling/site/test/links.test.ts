import { describe, expect, it } from 'vitest';
import { deadLinks } from '../src/check-links';
import { pageOf, siteLink, sourceOf } from '../src/links';
import { repositoryAddress, sitePackages } from '../src/repository';

const files = new Set([
  'README.md',
  'docs/benchmarks.md',
  'docs/benchmarks/claims.json',
  'docs/guide/install.md',
  'docs/decisions/README.md',
  'packages/search/README.md',
  'packages/search/src/search.ts',
  'tooling/bench/README.md',
]);
const folders = new Set(['docs/decisions', 'packages', 'packages/search', 'packages/search/src', 'tooling/bench']);
const kindOf = (path: string): 'file' | 'folder' | 'none' =>
  files.has(path) ? 'file' : folders.has(path) ? 'folder' : 'none';
const address = 'https://example.org/sparsevit';
const link = (href: string, from = 'docs/guide/install.md', repository: string | null = address) =>
  siteLink(href, { from, repository, kindOf });

describe('siteLink', () => {
  it.each([
    ['../benchmarks.md', 'docs/guide/install.md', '/benchmarks.md'],
    ['../benchmarks.md#training-steps', 'docs/guide/install.md', '/benchmarks.md#training-steps'],
    ['../decisions', 'docs/guide/install.md', '/decisions/index.md'],
    ['../decisions/README.md', 'docs/guide/install.md', '/decisions/index.md'],
    ['../../packages/search', 'docs/guide/install.md', '/packages/search.md'],
    ['../../packages/search/README.md#limits', 'docs/guide/install.md', '/packages/search.md#limits'],
    ['../../docs/benchmarks.md', 'packages/search/README.md', '/benchmarks.md'],
    ['../../tooling/bench/', 'packages/search/README.md', '/tooling/bench.md'],
    ['../../packages', 'docs/guide/install.md', '/packages/index.md'],
    ['../../README.md', 'packages/search/README.md', '/index.md'],
    ['/guide/install.md', 'packages/search/README.md', '/guide/install.md'],
  ])('%s in %s is the page %s', (href, from, path) => {
    expect(link(href, from)).toEqual({ kind: 'page', path });
  });

  it('copies other files of docs', () => {
    expect(link('../benchmarks/claims.json')).toEqual({ kind: 'file', path: '/benchmarks/claims.json' });
  });

  it('looks for sources in the repository, and leaves text where that has no address', () => {
    expect(link('../../packages/search/src/search.ts#L3')).toEqual({
      kind: 'address',
      address: `${address}/blob/main/packages/search/src/search.ts#L3`,
    });
    expect(link('../../packages/search/src')).toEqual({
      kind: 'address',
      address: `${address}/tree/main/packages/search/src`,
    });
    expect(link('../../packages/search/src', 'docs/guide/install.md', null)).toEqual({ kind: 'text' });
  });

  it('leaves addresses and fragments alone', () => {
    for (const href of ['https://example.org/x.md', 'mailto:a@example.org', '#limits', '//example.org/x']) {
      expect(link(href)).toEqual({ kind: 'address', address: href });
    }
  });

  it('names the file with a link to nothing, or out of the repository', () => {
    expect(() => link('gone.md')).toThrow(
      'docs/guide/install.md: expected links to files of the repository, got gone.md',
    );
    expect(() => link('../../../outside.md')).toThrow('got ../../../outside.md');
  });
});

it('a page leads back to its file', () => {
  for (const path of ['docs/benchmarks.md', 'packages/search/README.md', 'tooling/bench/README.md']) {
    expect(sourceOf(pageOf(path) ?? '')).toBe(path);
  }
  expect(pageOf('packages/search/test/README.md')).toBeNull();
  expect(pageOf('docs/benchmarks/claims.json')).toBeNull();
});

describe('deadLinks', () => {
  const pages = (body: string): ReadonlyMap<string, string> =>
    new Map([
      ['index.html', '<h1 id="a&amp;b">x</h1>'],
      ['guide/one.html', body],
      ['guide/index.html', ''],
    ]);
  const check = (body: string, base = '/'): readonly string[] => deadLinks(pages(body), new Set(['x.svg']), base);

  it('says nothing of links that lead somewhere', () => {
    const body = [
      '<a id="here" href="#here">a</a>',
      '<a class="x" href="/index.html#a%26b">b</a>',
      '<a href="../">c</a><a href="./">d</a>',
      '<img src="/x.svg">',
      '<a href="https://example.org/nothing">e</a>',
      '<a href="one.html?x=1">f</a>',
    ].join('');
    expect(check(body)).toEqual([]);
  });

  it('names pages, files and headings that are not there', () => {
    expect(check('<a href="two.html">')).toEqual(['guide/one.html: two.html leads to no page or file of the site']);
    expect(check('<img src="/y.svg">')).toHaveLength(1);
    expect(check('<a href="/index.html#c">')).toEqual([
      'guide/one.html: /index.html#c leads to no heading of index.html',
    ]);
    expect(check('<a href="#gone">')).toEqual(['guide/one.html: #gone leads to no heading of guide/one.html']);
  });

  it('knows where the site begins', () => {
    const body = '<a id="x" href="/site/index.html">a</a><a href="#x">b</a><a href="../index.html">c</a>';
    expect(check(body, '/site/')).toEqual([]);
    expect(check('<a href="#x">', '/site/')).toHaveLength(1);
    expect(check('<a href="/index.html">', '/site/')).toHaveLength(1);
  });
});

describe('the repository', () => {
  const root = new URL('../../..', import.meta.url).pathname;

  it('has packages with a page for every entry', () => {
    const packages = sitePackages(root);
    const search = packages.find(({ name }) => name === '@sparsevit/search');
    expect(search?.entries.map(({ specifier, page }) => [specifier, page])).toEqual([
      ['@sparsevit/search', 'api/search'],
      ['@sparsevit/search/node', 'api/search/node'],
    ]);
    expect(packages.every(({ entries, description }) => entries.length > 0 && description !== '')).toBe(true);
  });

  it('has an address that a page can link to, or none', () => {
    expect(repositoryAddress(root) ?? 'https://').toMatch(/^https:\/\/(?!.*\.git$)/);
  });
});
