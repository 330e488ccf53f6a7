// `pnpm check:packed`: what a user gets. Packs every published package, installs the tarballs with npm in a project outside the
// repository, and uses them there: plain Node, the command, the examples of the READMEs and of docs/examples, types, a Vite build. Prints
// one line per check, then `N passed, N failed[, N skipped]`. `--keep` leaves the project and says where.
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { build } from './lib/build.mjs';
import { publicEntries, publishedPackages } from './lib/packages.mjs';
import { ensurePnpm, root, run, runTool } from './lib/process.mjs';
import { firstExample } from './lib/readme.mjs';

const keep = process.argv.includes('--keep');
ensurePnpm(['check:packed', ...(keep ? ['--keep'] : [])]);

const packages = publishedPackages();
const smoke = join(root, 'tooling/scripts/smoke');
const project = mkdtempSync(join(tmpdir(), 'sparsevit-smoke-'));
if (!keep) process.on('exit', () => rmSync(project, { recursive: true, force: true }));
const counts = { passed: 0, failed: 0, skipped: 0 };

/** Runs one check and prints its line: `body` throws to fail and may return a remark. */
const check = async (name, body) => {
  try {
    const remark = await body();
    counts.passed++;
    console.log(`ok      ${name}${remark ? ` (${remark})` : ''}`);
    return true;
  } catch (error) {
    counts.failed++;
    console.log(`FAILED  ${name}\n${error.message.trimEnd().replace(/^/gm, '        ')}`);
    return false;
  }
};

const skip = (name, reason) => {
  counts.skipped++;
  console.log(`skipped ${name}: ${reason}`);
};

/** Output of a command that has to end with exit code 0. */
const succeed = async (finished) => {
  const { code, output } = await finished;
  if (code !== 0) throw new Error(`exit code ${code}\n${output}`);
  return output;
};

const inNode = (args) => succeed(run(process.execPath, args, { cwd: project }));
const write = (file, text) => writeFileSync(join(project, file), text);
const tarballOf = ({ name, manifest }) => `${name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`;

const pack = async ({ name, folder, manifest }) => {
  await succeed(run('pnpm', ['pack', '--pack-destination', project], { cwd: folder }));
  const tarball = join(project, tarballOf({ name, manifest }));
  const files = (await succeed(run('tar', ['-tzf', tarball]))).trim().split('\n');
  const lacking = ['README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts'].filter(
    (file) => !files.includes(`package/${file}`),
  );
  if (lacking.length > 0) throw new Error(`expected ${lacking.join(', ')} in the tarball, got none`);
  const extra = files.filter((file) => /\.test\.|\/tests?\/|\.tsbuildinfo$/.test(file));
  if (extra.length > 0) throw new Error(`expected no tests in the tarball, got ${extra.join(', ')}`);
  const packed = await succeed(run('tar', ['-xzOf', tarball, 'package/package.json']));
  if (/"(?:workspace|catalog):/.test(packed))
    throw new Error('expected version ranges, got workspace: or catalog: in package.json');
  return `${Math.ceil(readFileSync(tarball).byteLength / 1024)} KB`;
};

const install = async () => {
  const dependencies = Object.fromEntries(packages.map((entry) => [entry.name, `file:${tarballOf(entry)}`]));
  // Also what a package of ours depends on has to be the tarball, not what the registry has under that name.
  const overrides = Object.fromEntries(packages.map(({ name }) => [name, `$${name}`]));
  write(
    'package.json',
    JSON.stringify({ name: 'smoke', private: true, type: 'module', dependencies, overrides }, null, 2),
  );
  await succeed(
    run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: project }),
  );
};

const importOne = async (specifier, isEffect) => {
  const options = specifier.endsWith('.json') ? ", { with: { type: 'json' } }" : '';
  const code = `console.log(Object.keys(await import('${specifier}'${options})).length)`;
  const output = await inNode(['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', code]);
  if (!(isEffect ? /^\d+\n$/ : /^[1-9]\d*\n$/).test(output))
    throw new Error(`expected a silent import with exports, got:\n${output}`);
  return isEffect ? 'for its effect' : `${output.trim()} exports`;
};

const types = async (moduleResolution) => {
  const imports = modules.map((specifier, index) => `import * as module${index} from '${specifier}';`).join('\n');
  write('types.ts', `${imports}\nexport const all = [${modules.map((_, index) => `module${index}`)}];\n`);
  const module = moduleResolution === 'nodenext' ? 'nodenext' : 'esnext';
  const compilerOptions = {
    module,
    moduleResolution,
    target: 'es2022',
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
  };
  write('tsconfig.json', JSON.stringify({ files: ['types.ts'], compilerOptions }));
  await succeed(runTool('tsc', ['--project', 'tsconfig.json'], { cwd: project }));
};

const viteApp = async () => {
  cpSync(join(smoke, 'vite'), join(project, 'vite'), { recursive: true });
  const app = join(project, 'vite');
  await succeed(runTool('vite', ['build', '--logLevel', 'warn'], { cwd: app }));
  const output = await succeed(run(process.execPath, ['--import', './page.mjs', 'dist/main.js'], { cwd: app }));
  if (!output.trimEnd().endsWith('vite app: ok'))
    throw new Error(`expected the last line "vite app: ok", got:\n${output}`);
  return `${Math.ceil(readFileSync(join(app, 'dist/main.js')).byteLength / 1024)} KB`;
};

const help = async () => {
  const output = await succeed(run('npx', ['--no', '--', 'sparsevit', '--help'], { cwd: project }));
  for (const command of ['run', 'inspect', 'macs']) {
    if (!new RegExp(`\\b${command}\\b`).test(output))
      throw new Error(`expected the command ${command}, got:\n${output}`);
  }
};

const entries = packages.flatMap(publicEntries);
const modules = entries.map(({ specifier }) => specifier).filter((specifier) => !specifier.endsWith('.json'));

const usePackages = async () => {
  for (const { specifier, isEffect } of entries)
    await check(`import ${specifier}`, () => importOne(specifier, isEffect));
  await check('types, bundler', () => types('bundler'));
  await check('types, nodenext', () => types('nodenext'));
  await check('npx sparsevit --help', help);
  for (const { name, folder } of [...packages, { name: 'the repository', folder: root }]) {
    const readme = join(folder, 'README.md');
    const example = existsSync(readme) ? firstExample(readFileSync(readme, 'utf8')) : null;
    if (example === null) {
      skip(`README of ${name}`, 'no js example');
      continue;
    }
    const file = `readme-${folder === root ? 'root' : basename(folder)}.mjs`;
    write(file, example);
    await check(`README of ${name}`, () => inNode([file]).then(() => undefined));
  }
  for (const folder of ['tooling/scripts/smoke', 'docs/examples']) {
    for (const file of readdirSync(join(root, folder)).filter((name) => name.endsWith('.mjs'))) {
      cpSync(join(root, folder, file), join(project, file));
      await check(`${folder}/${file}`, () => inNode([file]).then(() => undefined));
    }
  }
  await check('Vite build, run in Node', viteApp);
};

const built = await check('build', () => succeed(build()).then(() => undefined));
for (const entry of built ? packages : []) await check(`pack ${entry.name}`, () => pack(entry));
if (built && (await check('npm install of the tarballs', install))) await usePackages();

if (keep) console.log(`kept: ${project}`);
const skippedPart = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
console.log(`${counts.passed} passed, ${counts.failed} failed${skippedPart}`);
process.exitCode = counts.failed > 0 ? 1 : 0;
