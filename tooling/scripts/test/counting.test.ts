import { describe, expect, it } from 'vitest';
import { publicEntries } from '../lib/packages.mjs';
import { firstExample } from '../lib/readme.mjs';
import { countReports, countTests } from '../lib/vitest.mjs';

const file = (status: string, ...tests: string[]) => ({
  status,
  assertionResults: tests.map((test) => ({ status: test, fullName: 'suite test' })),
});

describe('countTests', () => {
  it('adds the tests of all files', () => {
    const report = {
      testResults: [file('passed', 'passed', 'passed', 'pending'), file('failed', 'failed', 'passed', 'todo')],
    };
    expect(countTests(report, 1)).toEqual({ passed: 3, failed: 1, skipped: 2, notes: [] });
  });

  it('counts a file that does not load, and a hook that throws, as one failed test', () => {
    expect(countTests({ testResults: [file('failed')] }, 1)).toMatchObject({ passed: 0, failed: 1 });
    expect(countTests({ testResults: [file('failed', 'passed')] }, 1)).toMatchObject({ passed: 1, failed: 1 });
  });

  it('never reports success for a run that failed', () => {
    expect(countTests({ testResults: [file('passed', 'passed')] }, 1)).toMatchObject({ passed: 1, failed: 1 });
    expect(countTests({ testResults: [] }, 1)).toMatchObject({ failed: 1 });
  });

  it('says in one line how many tests lack golden files, or redis-server', () => {
    const lacking = {
      status: 'skipped',
      fullName: 'case (skipped: a needs ../shared/goldens, which is not here) test',
    };
    const other = { status: 'skipped', fullName: 'suite (needs redis-server: apt-get install redis-server) test' };
    const report = { testResults: [{ status: 'passed', assertionResults: [lacking, lacking, other] }] };
    const { skipped, notes } = countTests(report, 0);
    expect(skipped).toBe(3);
    expect(notes).toEqual([
      'skipped: 2 tests need ../shared/goldens, which is not here',
      'skipped: 1 tests need redis-server, which is not here: apt-get install redis-server',
    ]);
  });
});

describe('countReports', () => {
  const report = (...statuses: string[]) => ({
    testResults: [
      {
        status: 'passed',
        assertionResults: statuses.map((status) => ({ status, fullName: 'needs ../shared/goldens' })),
      },
    ],
  });

  it('counts shards as one, with one note for all', () => {
    const { passed, failed, skipped, notes } = countReports([report('passed', 'skipped'), report('passed')], 0);
    expect({ passed, failed, skipped }).toEqual({ passed: 2, failed: 0, skipped: 1 });
    expect(notes).toEqual(['skipped: 3 tests need ../shared/goldens, which is not here']);
  });

  it('counts a shard that never began as failed', () => {
    expect(countReports([report('passed'), null], 1)).toMatchObject({ passed: 1, failed: 1 });
    expect(countReports([null, null], 1)).toMatchObject({ passed: 0, failed: 2 });
  });
});

describe('firstExample', () => {
  it('takes the first js block and leaves the others', () => {
    expect(firstExample('# x\n```sh\nnpm i\n```\n\n```js\nconst a = 1;\n\na();\n```\n```js\nb();\n```\n')).toBe(
      'const a = 1;\n\na();\n',
    );
  });

  it('is null without one', () => {
    expect(firstExample('```json\n{}\n```\n')).toBeNull();
  });
});

describe('publicEntries', () => {
  it('names what a user can import, and marks entries with side effects', () => {
    const manifest = {
      sideEffects: ['./dist/effect.js'],
      exports: {
        '.': { types: './dist/index.d.ts', default: './dist/index.js' },
        './effect': { default: './dist/effect.js' },
        './package.json': './package.json',
      },
    };
    expect(publicEntries({ name: '@x/y', manifest })).toEqual([
      { specifier: '@x/y', isEffect: false },
      { specifier: '@x/y/effect', isEffect: true },
      { specifier: '@x/y/package.json', isEffect: false },
    ]);
  });
});
