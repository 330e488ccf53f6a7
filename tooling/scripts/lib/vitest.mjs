/** Running a lane of vitest and counting what it says. */
import { existsSync, readFileSync } from 'node:fs';
import { runTool } from './process.mjs';

/**
 * Runs a lane.
 * @param {readonly string[]} args of `vitest run`
 * @param {string} report where the JSON report is written
 */
export const runVitest = async (args, report) => {
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { code, output } = await runTool('vitest', ['run', ...args, ...reporters]);
  if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0, output, notes: [] };
  return { ...countTests(JSON.parse(readFileSync(report, 'utf8')), code), output };
};

/**
 * Runs a lane in several processes side by side, each with its share of the files, and counts them together.
 * @param {readonly string[]} args of `vitest run`
 * @param {number} count of processes
 * @param {(shard: number) => string} reportOf where the JSON report of a shard is written
 */
export const runVitestShards = async (args, count, reportOf) => {
  const outcomes = await Promise.all(
    Array.from({ length: count }, (_, i) => runVitest([...args, `--shard=${i + 1}/${count}`], reportOf(i + 1))),
  );
  return mergeOutcomes(outcomes);
};

/**
 * One outcome of several.
 * @param {readonly { passed: number, failed: number, skipped: number, output: string, notes: string[] }[]} outcomes
 */
export const mergeOutcomes = (outcomes) => {
  const total = (key) => outcomes.reduce((sum, outcome) => sum + outcome[key], 0);
  return {
    passed: total('passed'),
    failed: total('failed'),
    skipped: total('skipped'),
    // of shards that are well nothing need be read
    output: outcomes
      .filter(({ failed }) => failed > 0)
      .map(({ output }) => output)
      .join('\n'),
    notes: outcomes.flatMap(({ notes }) => notes),
  };
};

/**
 * Counts the tests of a JSON report. A file that fails outside its tests (it does not load, a hook throws) counts as one failed test, and
 * so does a run that fails with no failed test (an error nobody caught, no test found).
 * @param {{ testResults: { status: string, assertionResults: { status: string, fullName: string }[] }[] }} report as vitest writes it
 * @param {number} code exit code of the run
 */
export const countTests = (report, code) => {
  const tests = report.testResults.flatMap((file) => file.assertionResults);
  const withStatus = (status) => tests.filter((test) => test.status === status).length;
  const passed = withStatus('passed');
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const failed = withStatus('failed') + brokenFiles;
  const lacking = (what) => tests.filter((test) => test.fullName.includes(`needs ${what}`)).length;
  return {
    passed,
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: tests.length - passed - withStatus('failed'),
    notes: [
      ['../shared/goldens', 'which is not here'],
      ['redis-server', 'which is not here: apt-get install redis-server'],
    ].flatMap(([what, why]) => (lacking(what) === 0 ? [] : [`skipped: ${lacking(what)} tests need ${what}, ${why}`])),
  };
};
