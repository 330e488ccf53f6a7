/** The machine under a run in Node. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { dirname, join } from 'node:path';
import type { TensorEngine } from '../engines/tensorflow';
import { describeEngine } from '../engines/tensorflow';
import type { Machine } from '../result';

/** The machine, whatever runs on it. */
export function describeHost(): Pick<Machine, 'os' | 'cpu' | 'cores' | 'memoryBytes' | 'gitCommit' | 'loadBefore'> {
  const processors = cpus();
  return {
    os: `${type()} ${release()} ${process.arch}`,
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryBytes: totalmem(),
    gitCommit: gitCommit(import.meta.dirname),
    loadBefore: loadavg()[0] ?? null,
  };
}

/** The machine of a run in this Node. */
export function describeNode(engine: TensorEngine, host: ReturnType<typeof describeHost>): Machine {
  return {
    ...host,
    runtime: `Node ${process.versions.node}`,
    ...describeEngine(engine),
    versions: {
      v8: process.versions.v8,
      '@tensorflow/tfjs-core': engine.report.tensorFlowVersion,
      'onnxruntime-node': versionOf('onnxruntime-node'),
      'onnxruntime-web': versionOf('onnxruntime-web'),
    },
    flags: process.execArgv,
  };
}

/** The version of an installed package; `not installed` where there is none. */
export function versionOf(name: string): string {
  const require = createRequire(import.meta.url);
  let folder: string;
  try {
    folder = dirname(require.resolve(name));
  } catch {
    return 'not installed';
  }
  while (folder !== dirname(folder)) {
    try {
      const about: { name?: string; version?: string } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      if (about.name === name) return about.version ?? 'unknown';
    } catch {
      // no package.json in this folder
    }
    folder = dirname(folder);
  }
  return 'unknown';
}

/** The commit of a checkout, `-dirty` where files differ from it; null outside of one. */
function gitCommit(folder: string): string | null {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const commit = git('rev-parse', '--short=12', 'HEAD');
    return git('status', '--porcelain', '--untracked-files=no') === '' ? commit : `${commit}-dirty`;
  } catch {
    return null;
  }
}
