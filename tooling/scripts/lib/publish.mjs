/** What would go wrong on the day of a release, found before: packages as they would be uploaded, and the versions that the changesets give. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publishedPackages } from './packages.mjs';
import { root, run } from './process.mjs';
import { versionPackages } from './versions.mjs';

/** Files that `exports` leads to, whatever the condition. */
const targetsOf = (exports) =>
  typeof exports === 'string' ? [exports] : Object.values(exports ?? {}).flatMap((inner) => targetsOf(inner));

const wanted = {
  description: (value) => typeof value === 'string' && value.length > 20,
  keywords: (value) => Array.isArray(value) && value.length > 0,
  license: (value) => value === 'MIT',
  type: (value) => value === 'module',
  sideEffects: (value) => value !== undefined,
  exports: (value) => value !== undefined,
  files: (value) => Array.isArray(value),
  engines: (value) => typeof value?.node === 'string',
  publishConfig: (value) => value?.access === 'public' && value.provenance === true,
};

/**
 * What is wrong with a packed package, one line each.
 * @param {{ manifest: Record<string, unknown>, files: string[], repository: unknown, published: ReadonlySet<string> }} packed its manifest and the
 *   paths in its tarball; `repository` of the root, which every package has to name as well; the names of all published packages
 */
export const packedProblems = ({ manifest, files, repository, published }) => {
  const problems = Object.entries(wanted)
    .filter(([field, isGood]) => !isGood(manifest[field]))
    .map(([field]) => `${field} is missing or not as the others have it`);
  const here = new Set(files);
  const targets = [...targetsOf(manifest.exports), ...Object.values(manifest.bin ?? {}), 'README.md', 'LICENSE'];
  for (const target of targets.map((path) => path.replace(/^\.\//, ''))) {
    if (!here.has(target)) problems.push(`${target} is not in the tarball`);
  }
  for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies']) {
    for (const [name, range] of Object.entries(manifest[kind] ?? {})) {
      if (/^(?:workspace|catalog|file|link):/.test(range)) problems.push(`${kind}: ${name} has the range ${range}`);
      const isOurs = name.startsWith('@sparsevit/') || name === 'sparsevit';
      if (isOurs && !published.has(name)) problems.push(`${kind}: ${name} is not published`);
      if (isOurs && range !== `^${manifest.version}`)
        problems.push(`${kind}: ${name} has the range ${range}, not this version`);
    }
  }
  const url = (value) => (typeof value === 'string' ? value : value?.url);
  if (url(manifest.repository) !== url(repository)) problems.push('repository is not that of the root');
  return problems;
};

const read = (tarball, path) => execFileSync('tar', ['-xzOf', tarball, `package/${path}`], { encoding: 'utf8' });

/** Packs every published package, and has npm try to publish the tarballs to nowhere. */
const uploadProblems = async (folder) => {
  const filters = ['--recursive', '--filter', './packages/*'];
  const packed = await run('pnpm', [...filters, 'pack', '--pack-destination', folder]);
  if (packed.code !== 0) return [packed.output];
  const packages = publishedPackages();
  const published = new Set(packages.map(({ name }) => name));
  const { repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const problemsOf = async (file) => {
    const tarball = join(folder, file);
    const manifest = JSON.parse(read(tarball, 'package.json'));
    const files = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map((path) => path.replace(/^package\//, ''));
    // An address that nobody listens at: npm makes everything ready, and asks for nothing.
    const nowhere = ['--registry', 'http://127.0.0.1:9', '--fetch-retries', '0'];
    const npm = await run('npm', ['publish', '--dry-run', ...nowhere, tarball], { cwd: folder });
    const said = npm.output.split('\n').filter((line) => /npm error|auto-corrected/.test(line));
    return [
      ...packedProblems({ manifest, files, repository, published }),
      ...(npm.code === 0 ? said : [`npm publish --dry-run ended with ${npm.code}`, ...said]),
    ].map((problem) => `${manifest.name}: ${problem}`);
  };
  const tarballs = readdirSync(folder).filter((file) => file.endsWith('.tgz'));
  const found = [];
  const worker = async () => {
    for (let file = tarballs.pop(); file !== undefined; file = tarballs.pop()) found.push(...(await problemsOf(file)));
  };
  const count = tarballs.length;
  await Promise.all([worker(), worker()]);
  return count === packages.length ? found : [...found, `${count} tarballs of ${packages.length} packages`];
};

/**
 * What is wrong with versions and changelogs, one line each.
 * @param {{ name: string, version: string, changelog: string }[]} packages after the changesets were applied
 * @param {{ packages: string[], summary: string }[]} changesets before
 */
export const versionProblems = (packages, changesets) => {
  const versions = new Set(packages.map(({ version }) => version));
  const problems = versions.size === 1 ? [] : [`expected one version of all packages, got ${[...versions].join(', ')}`];
  const plain = (text) => text.replace(/\s+/g, ' ').trim();
  for (const { name, version, changelog } of packages) {
    const section = changelog.split(/^## /m).find((part) => part.startsWith(`${version}\n`)) ?? '';
    const entries = plain(section);
    if (/\b[0-9a-f]{7,40}:/.test(section)) problems.push(`${name}: its changelog has a commit where words should be`);
    for (const changeset of changesets.filter((change) => change.packages.includes(name))) {
      if (!entries.includes(plain(changeset.summary))) {
        problems.push(`${name}: its changelog lacks "${changeset.summary.slice(0, 60)}"`);
      }
    }
  }
  return problems;
};

/** The changesets of a folder: which packages, and what is said. */
const readChangesets = (folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.md') && name !== 'README.md')
    .map((name) => /^---\n(.*?)\n---\n(.*)$/s.exec(readFileSync(join(folder, name), 'utf8')) ?? ['', '', ''])
    .map(([, head, summary]) => ({
      packages: [...head.matchAll(/^['"]?(@?[\w/-]+)['"]?: *\w+$/gm)].map(([, name]) => name),
      summary: summary.trim(),
    }));

/** Applies the changesets to a copy of the manifests. */
const releaseProblems = async (folder) => {
  for (const name of ['.changeset', 'package.json', 'pnpm-workspace.yaml']) {
    cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  for (const group of ['packages', 'tooling']) {
    for (const name of readdirSync(join(root, group))) {
      for (const file of ['package.json', 'CHANGELOG.md'].filter((one) => existsSync(join(root, group, name, one)))) {
        cpSync(join(root, group, name, file), join(folder, group, name, file));
      }
    }
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir');
  const changesets = readChangesets(join(folder, '.changeset'));
  if (changesets.length === 0) return [];
  const { code, output } = await versionPackages(folder);
  if (code !== 0) return [output];
  const packages = readdirSync(join(folder, 'packages')).map((name) => {
    const { version, name: full } = JSON.parse(readFileSync(join(folder, 'packages', name, 'package.json'), 'utf8'));
    const changelog = join(folder, 'packages', name, 'CHANGELOG.md');
    return { name: full, version, changelog: existsSync(changelog) ? readFileSync(changelog, 'utf8') : '' };
  });
  return versionProblems(packages, changesets);
};

/**
 * Everything that a release would trip over, one line each. Packages have to be built.
 * @returns {Promise<string[]>}
 */
export const publishProblems = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sparsevit-publish-'));
  try {
    return [...(await uploadProblems(folder)), ...(await releaseProblems(folder))];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
