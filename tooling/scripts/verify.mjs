// `pnpm verify`: every check of the repository, all of them even when one fails. The last line is `N passed, N failed[, N skipped]`:
// tests of both lanes, plus one for each step that is not a test run. Arguments name the steps to run; none means all.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './lib/build.mjs';
import { chromiumPath } from './lib/chromium.mjs';
import { refusedLicences } from './lib/licences.mjs';
import { ensurePnpm, root, run, runTool } from './lib/process.mjs';
import { publishProblems } from './lib/publish.mjs';
import { runVitest, runVitestShards } from './lib/vitest.mjs';

/** @typedef {{ passed: number, failed: number, skipped: number, output: string, notes: string[] }} Outcome */

const scratch = mkdtempSync(join(tmpdir(), 'sparsevit-verify-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

/** Turns a finished command into the outcome of a step that counts as one. */
const asOne = async (finished) => {
  const { code, output } = await finished;
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0, output, notes: [] };
};

/** Turns what is wrong, a line each, into the outcome of a step that counts as one. */
const asLines = (problems) => ({
  passed: problems.length === 0 ? 1 : 0,
  failed: problems.length === 0 ? 0 : 1,
  skipped: 0,
  output: problems.join('\n'),
  notes: [],
});

const turbo = (task) => asOne(runTool('turbo', ['run', task, '--output-logs', 'errors-only', '--continue=always']));

const browserTests = () => {
  if (chromiumPath() !== null) {
    // SwiftShader uses little more than one core of a browser, so that a browser per core, up to four, is done sooner
    const browsers = Math.min(4, availableParallelism());
    const shards = Array.from({ length: browsers }, (_, i) => [
      '--config',
      'vitest.browser.config.ts',
      `--shard=${i + 1}/${browsers}`,
    ]);
    return runVitestShards(shards, (shard) => join(scratch, `browser${shard}.json`));
  }
  const note = 'skipped: needs Chromium: apt-get install chromium, or set CHROMIUM_PATH';
  return { passed: 0, failed: 0, skipped: 1, output: '', notes: [note] };
};

const licences = async () => {
  const listed = await run('pnpm', ['licenses', 'list', '--json', '--prod', '--filter', './packages/*']);
  return asLines(listed.code === 0 ? refusedLicences(JSON.parse(listed.output)) : [listed.output]);
};

const publishDryRun = async () => {
  const built = await build();
  return built.code === 0 ? asLines(await publishProblems()) : asOne(built);
};

/** @type {Record<string, () => Outcome | Promise<Outcome>>} */
const steps = {
  lint: () => asOne(runTool('biome', ['ci', '--colors=off', '.'])),
  typecheck: () => asOne(run('pnpm', ['--silent', 'typecheck'])),
  'dead-code': () => asOne(runTool('knip', ['--no-progress', '--no-config-hints'])),
  licences,
  build: () => asOne(build()),
  'node-tests': () => runVitest([], join(scratch, 'node.json')),
  'browser-tests': browserTests,
  docs: () => asOne(run(process.execPath, [join(root, 'tooling/site/site.mjs'), 'build'])),
  'package-checks': () => turbo('check:package'),
  'packed-smoke': () => asOne(run(process.execPath, [join(root, 'tooling/scripts/pack-smoke.mjs')])),
  'publish-dry-run': publishDryRun,
};

const asked = process.argv.slice(2).filter((argument) => argument !== '--');
const unknown = asked.filter((name) => !(name in steps));
if (unknown.length > 0) {
  process.stderr.write(`verify: expected ${Object.keys(steps).join(', ')}, got ${unknown.join(', ')}.\n`);
  process.exit(2);
}
if (!existsSync(join(root, 'node_modules'))) {
  process.stderr.write(
    'verify: expected installed dependencies, got none. Run npx --yes pnpm@10.34.9 verify, which installs them.\n',
  );
  process.exit(2);
}
ensurePnpm(['verify', ...asked]);

const rows = [];
for (const name of asked.length > 0 ? asked : Object.keys(steps)) {
  console.log(`> ${name}`);
  const start = performance.now();
  const { passed, failed, skipped, output, notes } = await steps[name]();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  if (failed > 0) console.log(output.trimEnd());
  for (const note of notes) console.log(`  ${note}`);
  console.log(`  ${failed > 0 ? 'FAILED' : passed > 0 ? 'ok' : 'skipped'} in ${seconds} s`);
  rows.push({ name, passed, failed, skipped, seconds });
}

const total = (key) => rows.reduce((sum, row) => sum + row[key], 0);
console.log(
  `\n${'step'.padEnd(18)}${['passed', 'failed', 'skipped', 'seconds'].map((title) => title.padStart(9)).join('')}`,
);
for (const { name, ...cells } of rows) {
  console.log(
    name.padEnd(18) +
      Object.values(cells)
        .map((cell) => String(cell).padStart(9))
        .join(''),
  );
}
const skippedPart = total('skipped') > 0 ? `, ${total('skipped')} skipped` : '';
console.log(`\n${total('passed')} passed, ${total('failed')} failed${skippedPart}`);
process.exitCode = total('failed') > 0 ? 1 : 0;
