/** Running the tools of the repository as child processes: by Node, from the packages that pnpm installed, output captured. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

/** Folder of the repository. */
export const root = fileURLToPath(new URL('../../../', import.meta.url));

const entries = {
  biome: '@biomejs/biome/bin/biome',
  knip: 'knip/bin/knip.js',
  tsc: 'typescript/bin/tsc',
  turbo: 'turbo/bin/turbo',
  vite: 'vite/bin/vite.js',
  vitest: 'vitest/vitest.mjs',
};

// Captured output is printed as text, so nothing may colour it, whatever the caller's terminal asks for.
const { FORCE_COLOR: _, CLICOLOR_FORCE: __, ...inherited } = process.env;
const quietEnvironment = { ...inherited, NO_COLOR: '1', TURBO_TELEMETRY_DISABLED: '1' };

// No single step takes this long on a slow two-core machine; a hanging one must fail, not block.
const limitMs = 15 * 60_000;

/**
 * Runs a command to its end and keeps what it says; never throws.
 * @param {string} command program
 * @param {readonly string[]} args its arguments
 * @param {{ cwd?: string, env?: Record<string, string> }} options `env` is added to the environment
 * @returns {Promise<{ code: number, output: string, seconds: number }>} `output` is stdout and stderr as they came
 */
export const run = (command, args, { cwd = root, env = {} } = {}) =>
  new Promise((resolve) => {
    const start = performance.now();
    const chunks = [];
    const end = (code, text = '') =>
      resolve({
        code,
        output: stripVTControlCharacters(Buffer.concat(chunks).toString('utf8')) + text,
        seconds: (performance.now() - start) / 1000,
      });
    const child = spawn(command, args, {
      cwd,
      env: { ...quietEnvironment, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: limitMs,
    });
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.on('error', (error) => end(1, `${error.message}\n`));
    child.on('close', (code, signal) =>
      end(code ?? 1, signal === null ? '' : `ended by ${signal}; the limit is ${limitMs / 60_000} minutes\n`),
    );
  });

/**
 * Runs a tool that the repository has as a dependency.
 * @param {keyof typeof entries} tool name
 * @param {readonly string[]} args its arguments
 * @param {{ cwd?: string, env?: Record<string, string> }} options as of {@link run}
 */
export const runTool = (tool, args, options = {}) =>
  run(process.execPath, [join(root, 'node_modules', entries[tool]), ...args], options);

/**
 * Turbo and the packing need `pnpm` on the PATH. A script that was started without it (`node tooling/scripts/…`) starts over through
 * npx with the version that the repository names, and ends with its exit code.
 * @param {readonly string[]} command how pnpm is asked to do the same
 */
export const ensurePnpm = (command) => {
  const folders = (process.env.PATH ?? '').split(delimiter);
  if (folders.some((folder) => ['pnpm', 'pnpm.cmd', 'pnpm.exe'].some((file) => existsSync(join(folder, file))))) return;
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const { status } = spawnSync('npx', ['--yes', packageManager, '--silent', ...command], {
    cwd: root,
    stdio: 'inherit',
  });
  process.exit(status ?? 1);
};
