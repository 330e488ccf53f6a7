import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { CliIo } from '../src/index';
import { runCli } from '../src/index';

/** What a command did: its exit code and all that it printed. */
export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command in this process, with a clock that goes on by `tickMs` at every look, or `now`. */
export async function run(
  argv: readonly string[],
  options: { isTerminal?: boolean; tickMs?: number; now?: () => number; onInterrupt?: CliIo['onInterrupt'] } = {},
): Promise<Outcome> {
  const { isTerminal = false, tickMs = 10, onInterrupt = () => () => {} } = options;
  let out = '';
  let err = '';
  let clock = 0;
  const io: CliIo = {
    stdout: (text) => {
      out += text;
    },
    stderr: (text) => {
      err += text;
    },
    isTerminal,
    now:
      options.now ??
      (() => {
        clock += tickMs;
        return clock;
      }),
    date: () => new Date('2026-01-01T00:00:00Z'),
    peakMemoryBytes: () => 123_000_000,
    machine: () => ({ cpu: 'Test CPU', cores: 2, memoryBytes: 8e9, platform: 'test', runtime: 'Node 0' }),
    onInterrupt,
  };
  return { code: await runCli(argv, io), out, err };
}

/** A folder that is removed after the tests of the file; returns paths in it. */
export function temporaryFolder(): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'sparsevit-cli-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return (name) => join(folder, name);
}

/** A clock on which every run takes 10 ms, whatever the machine is busy with: it jumps between reads that something lies between. */
export function steadyClock(runMs: (jumps: number) => number = () => 10): () => number {
  let timeMs = 0;
  let jumps = 0;
  let last = performance.now();
  return () => {
    const real = performance.now();
    timeMs += real - last > 0.05 ? runMs(jumps++) : 1 / 1024;
    last = real;
    return timeMs;
  };
}
