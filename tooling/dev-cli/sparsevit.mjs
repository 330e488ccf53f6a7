#!/usr/bin/env node
// `pnpm sparsevit …` from the root of the repository: build what changed (turbo caches the rest), then run the real command.
// Everything the build says goes to stderr, so that `--json` on stdout stays clean.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const build = spawnSync(
  process.execPath,
  [`${root}node_modules/turbo/bin/turbo`, 'run', 'build', '--filter', 'sparsevit', '--output-logs', 'errors-only'],
  { cwd: root, encoding: 'utf8', env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' } },
);
if (build.status !== 0) {
  process.stderr.write(`${build.stdout ?? ''}${build.stderr ?? ''}${build.error ? `${build.error.message}\n` : ''}`);
  process.exit(1);
}
await import(new URL('../../packages/sparsevit/bin/sparsevit.mjs', import.meta.url).href);
