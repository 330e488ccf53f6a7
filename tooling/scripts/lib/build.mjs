/** Building through turbo: what did not change comes from its cache. */
import { runTool } from './process.mjs';

/**
 * Builds packages and what they depend on.
 * @param {readonly string[]} packages names; none means all
 */
export const build = (packages = []) =>
  runTool('turbo', ['run', 'build', '--output-logs', 'errors-only', ...packages.flatMap((name) => ['--filter', name])]);

/**
 * Builds the command `sparsevit`, without declarations. What the build says goes to stderr and only when it fails, so that `--json` on stdout
 * stays clean.
 */
const buildSparsevit = async () => {
  process.env.SPARSEVIT_BUILD = 'without-types'; // turbo keeps it apart from a whole build
  const { code, output } = await build(['sparsevit']);
  if (code === 0) return;
  process.stderr.write(output);
  process.exit(1);
};

/**
 * Builds the command `sparsevit` and runs it in this process.
 * @param {readonly string[]} args arguments of the command
 */
export const runSparsevit = async (args) => {
  await buildSparsevit();
  process.argv = [process.argv[0], 'sparsevit', ...args];
  await import(new URL('../../../packages/sparsevit/bin/sparsevit.mjs', import.meta.url).href);
};

/**
 * Builds the command `sparsevit` and gives it as a function: arguments to exit code.
 * @returns {Promise<(args: readonly string[]) => Promise<number>>}
 */
export const useSparsevit = async () => {
  await buildSparsevit();
  const { createTerminal, runCli } = await import(new URL('../../../packages/cli/dist/index.js', import.meta.url).href);
  const terminal = createTerminal();
  return (args) => runCli(args, terminal);
};
