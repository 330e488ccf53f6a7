/** Running a lane of vitest and counting what it says. */
import { existsSync, readFileSync } from 'node:fs';
import { runTool } from './process.mjs';

/**
 * Runs a lane.
 * @param {readonly string[]} args of `vitest run`
 * @param {string} report where the JSON report is written
 */
export const runVitest = (args, report) => runVitestShards([args], () => report);

/**
 * Runs a lane in several processes side by side, each with its share of the files, and counts them together.
 * @param {readonly (readonly string[])[]} shards of each, the arguments of `vitest run`
 * @param {(shard: number) => string} reportOf where the JSON report of a shard is written
 */
export const runVitestShards = async (shards, reportOf) => {
  const runs = await Promise.all(
    shards.map(async (args, shard) => {
      const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportOf(shard)}`];
      return runTool('vitest', ['run', ...args, ...reporters]);
    }),
  );
  const output = runs
    .filter(({ code }) => code !== 0)
    .map((finished) => finished.output)
    .join('\n');
  const reports = runs.map((_, shard) =>
    existsSync(reportOf(shard)) ? JSON.parse(readFileSync(reportOf(shard), 'utf8')) : null,
  );
  return { ...countReports(reports, Math.max(...runs.map(({ code }) => code))), output };
};

/**
 * Counts the reports of shards as one; a shard without a report, which never began, is a failed test.
 * @param {readonly (Parameters<typeof countTests>[0] | null)[]} reports
 * @param {number} code the worst exit code
 */
export const countReports = (reports, code) => {
  const testResults = reports.flatMap((report) => report?.testResults ?? []);
  const counted = countTests({ testResults }, code);
  const missing = reports.filter((report) => report === null).length;
  return { ...counted, failed: Math.max(counted.failed, missing) };
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
