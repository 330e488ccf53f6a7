import { describe, expect, it } from 'vitest';
import { meets, refusedLicences } from '../lib/licences.mjs';
import { packedProblems, versionProblems } from '../lib/publish.mjs';

describe('meets', () => {
  const taken = new Set(['MIT', 'ISC']);
  it.each([
    ['MIT', true],
    ['GPL-3.0', false],
    ['MIT AND ISC', true],
    ['MIT AND GPL-3.0', false],
    ['GPL-3.0 OR MIT', true],
    ['(GPL-3.0 OR ISC) AND MIT', true],
    ['(GPL-3.0 AND ISC) OR MIT', true],
    ['GPL-3.0 AND (ISC OR MIT)', false],
    ['MIT OR GPL-3.0 AND GPL-2.0', true],
    ['', false],
    ['MIT)', false],
    ['SEE LICENSE IN LICENSE.txt', false],
    ['Unknown', false],
  ])('%s: %s', (expression, expected) => {
    expect(meets(expression, (licence) => taken.has(licence))).toBe(expected);
  });
});

it('refusedLicences names what is not on the list, and takes exceptions by name', () => {
  const listed = {
    MIT: [{ name: 'a', versions: ['1.0.0'] }],
    'LGPL-3.0-or-later': [
      { name: '@img/sharp-libvips-linux-x64', versions: ['1.2.0'] },
      { name: 'b', versions: ['2.0.0', '3.0.0'] },
    ],
    Unknown: [{ name: 'c', versions: ['4.0.0'] }],
  };
  expect(refusedLicences(listed)).toEqual([
    'b 2.0.0, 3.0.0: LGPL-3.0-or-later is not on the list',
    'c 4.0.0: Unknown is not on the list',
  ]);
});

describe('packedProblems', () => {
  const manifest = {
    name: '@sparsevit/x',
    version: '0.1.0',
    description: 'What this package is, in a sentence.',
    keywords: ['sparsevit'],
    license: 'MIT',
    type: 'module',
    sideEffects: false,
    exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' }, './package.json': './package.json' },
    files: ['dist'],
    engines: { node: '>=20.19' },
    publishConfig: { access: 'public', provenance: true },
    dependencies: { '@sparsevit/windows': '^0.1.0', zod: '^4.0.0' },
  };
  const files = ['dist/index.d.ts', 'dist/index.js', 'package.json', 'README.md', 'LICENSE'];
  const published = new Set(['@sparsevit/x', '@sparsevit/windows']);
  const problems = (changes: object, inTarball = files, repository: unknown = undefined): string[] =>
    packedProblems({ manifest: { ...manifest, ...changes }, files: inTarball, repository, published });

  it('has none with a package as it should be', () => {
    expect(problems({})).toEqual([]);
    expect(
      problems({ repository: { type: 'git', url: 'https://example.org/x' } }, files, 'https://example.org/x'),
    ).toEqual([]);
  });

  it.each([
    'description',
    'keywords',
    'license',
    'type',
    'sideEffects',
    'exports',
    'files',
    'engines',
    'publishConfig',
  ])('misses %s', (field) => {
    expect(problems({ [field]: undefined })).toEqual([`${field} is missing or not as the others have it`]);
  });

  it('misses what exports, bin and readers look for', () => {
    expect(problems({ bin: { x: './bin/x.mjs' } }, ['package.json', 'README.md'])).toEqual([
      'dist/index.d.ts is not in the tarball',
      'dist/index.js is not in the tarball',
      'bin/x.mjs is not in the tarball',
      'LICENSE is not in the tarball',
    ]);
  });

  it('finds dependencies that nobody else can install', () => {
    expect(problems({ peerDependencies: { '@sparsevit/windows': 'workspace:^' } })).toContain(
      'peerDependencies: @sparsevit/windows has the range workspace:^',
    );
    expect(problems({ dependencies: { '@sparsevit/testing': '^0.1.0' } })).toEqual([
      'dependencies: @sparsevit/testing is not published',
    ]);
    expect(problems({ dependencies: { '@sparsevit/windows': '^0.0.9' } })).toEqual([
      'dependencies: @sparsevit/windows has the range ^0.0.9, not this version',
    ]);
  });

  it('wants the repository of the root, which provenance compares', () => {
    expect(problems({}, files, { url: 'https://example.org/x' })).toEqual(['repository is not that of the root']);
  });
});

describe('versionProblems', () => {
  const changesets = [{ packages: ['a'], summary: 'A thing\nis new.' }];
  const a = {
    name: 'a',
    version: '0.2.0',
    changelog: '# a\n\n## 0.2.0\n\n### Minor Changes\n\n- A thing\n  is new.\n',
  };

  it('has none where every changeset is told', () => {
    expect(versionProblems([a, { name: 'b', version: '0.2.0', changelog: '' }], changesets)).toEqual([]);
  });

  it('finds several versions, missing texts, texts of an earlier version, and commits', () => {
    expect(versionProblems([a, { name: 'b', version: '1.0.0', changelog: '' }], changesets)).toEqual([
      'expected one version of all packages, got 0.2.0, 1.0.0',
    ]);
    expect(versionProblems([{ ...a, version: '0.3.0' }], changesets)).toEqual([
      'a: its changelog lacks "A thing\nis new."',
    ]);
    const withCommit = { ...a, changelog: '## 0.2.0\n\n- 1a2b3c4: A thing is new.\n' };
    expect(versionProblems([withCommit], changesets)).toEqual(['a: its changelog has a commit where words should be']);
  });
});
