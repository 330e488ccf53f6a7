/** A run that is killed at random moments, and started again each time, ends at the bits of one that never was. */

import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '@sparsevit/windows';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildProgram } from './program/build';

const steps = 24;
const kills = 20;
let script = '';
let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sparsevit-kill-'));
  script = await buildProgram('killed.mjs');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ending {
  readonly output: string;
  readonly isKilled: boolean;
  readonly events: readonly string[];
  /** From the first event to the end. */
  readonly trainingMs: number;
}

/** Runs the program; kills it some time after its first event. */
function run(into: string, killAfterMs: number | null): Promise<Ending> {
  let start = Number.NaN;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, into, String(steps)], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    let timer: NodeJS.Timeout | undefined;
    child.stdout.on('data', (text: Buffer) => {
      output += text.toString();
    });
    child.stderr.on('data', (text: Buffer) => {
      errors += text.toString();
      if (Number.isNaN(start)) start = performance.now();
      if (killAfterMs !== null) timer ??= setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const isKilled = signal === 'SIGKILL';
      if (code !== 0 && !isKilled) return reject(new Error(`exit ${code}: ${errors}`));
      resolve({ output, isKilled, events: errors.trim().split('\n'), trainingMs: performance.now() - start });
    });
  });
}

test(`killed ${kills} times at random moments`, { timeout: 300_000 }, async () => {
  const whole = await run(join(folder, 'whole'), null);
  expect(whole.output).toMatch(/^[0-9a-f]{64}$/);
  const random = createRandom(process.pid); // other moments each time: whatever they are, it has to hold
  const into = join(folder, 'killed');
  let killed = 0;
  let resumed = 0;
  let last: Ending | null = null;
  while (last === null || last.isKilled) {
    // up to half of the whole run's time, so that most kills let some steps be saved, however fast the machine is
    last = await run(into, killed < kills ? random.uniform() * 0.5 * whole.trainingMs : null);
    if (last.isKilled) killed++;
    else if (killed < kills) {
      // it came to its end: the next kills hit a new run
      expect(last.output).toBe(whole.output);
      rmSync(into, { recursive: true });
      last = null;
    }
    if (last?.events.includes('training-resumed')) resumed++;
  }
  expect(last.output).toBe(whole.output);
  expect(killed).toBe(kills);
  expect(resumed).toBeGreaterThan(0);
  expect(readdirSync(into).filter((name) => !/^step-\d{8}\.safetensors$/.test(name))).toEqual([]);
});
