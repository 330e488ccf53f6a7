import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
}

// The check lives outside the tests that it judges, so it is tried on a vitest run of its own, in a folder of its own.
const setup = fileURLToPath(new URL('../src/setup.ts', import.meta.url));
const vitest = fileURLToPath(new URL('../../../node_modules/vitest/vitest.mjs', import.meta.url));

describe('a test that prints', () => {
  const folder = mkdtempSync(join(tmpdir(), 'printing-'));
  const report = join(folder, 'report.json');
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('fails and shows what was printed, also after vi.restoreAllMocks()', () => {
    writeFileSync(
      join(folder, 'vitest.config.mjs'),
      `export default { test: { globals: true, setupFiles: [${JSON.stringify(setup)}] } };`,
    );
    writeFileSync(
      join(folder, 'case.test.js'),
      `it('prints', () => { vi.restoreAllMocks(); console.warn('left', 'over'); });
       it('is silent', () => {});
       it('prints under a spy', () => { vi.spyOn(console, 'log').mockImplementation(() => {}); console.log('x'); });`,
    );
    const args = [vitest, 'run', '--reporter=json', `--outputFile=${report}`];
    const { stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    const text = readFileSync(report, 'utf8');
    const { numPassedTests, numFailedTests }: Report = JSON.parse(text);
    expect({ numPassedTests, numFailedTests }, stderr).toEqual({ numPassedTests: 2, numFailedTests: 1 });
    expect(text).toContain('console.warn: left over');
  });
});
