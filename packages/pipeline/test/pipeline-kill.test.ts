/** A pipeline that is killed in each of its stages, and started again each time, ends with the bytes of one that never was. */

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSafetensors } from '@sparsevit/backbone';
import { deploymentSchema, parsePipelineReport } from '@sparsevit/config';
import { loadTask } from '@sparsevit/tasks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pipelineStages } from '../src/node';
import { buildProgram } from './program/build';

let script = '';
let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sparsevit-pipeline-'));
  script = await buildProgram('pipeline.mjs', 'pipeline.ts');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ending {
  readonly output: string;
  readonly isKilled: boolean;
  readonly events: readonly string[];
}

/** Runs the program, and kills it at the `nth` event whose line begins with the text. */
function run(into: string, kill: { readonly at: string; readonly nth: number } | null): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, into], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.on('data', (text: Buffer) => {
      output += text.toString();
    });
    child.stderr.on('data', (text: Buffer) => {
      errors += text.toString();
      if (kill === null) return;
      const count = errors.split('\n').filter((line) => line.startsWith(kill.at)).length;
      if (count >= kill.nth) child.kill('SIGKILL');
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const isKilled = signal === 'SIGKILL';
      if (code !== 0 && !isKilled) return reject(new Error(`exit ${code}: ${errors}`));
      resolve({ output, isKilled, events: errors.trim().split('\n') });
    });
  });
}

test('killed in every stage', { timeout: 300_000 }, async () => {
  const whole = await run(join(folder, 'whole'), null);
  expect(whole.output).toMatch(/^[0-9a-f]{64}$/);
  const into = join(folder, 'killed');
  const kills = [
    ...pipelineStages.map((stage) => ({ at: `${stage} stage-start`, nth: 1 })),
    { at: 'train step-end', nth: 3 },
    { at: 'adapt step-end', nth: 3 },
    { at: 'profile visit-ended', nth: 15 },
    { at: 'search evaluation-end', nth: 7 },
    { at: 'search measurement-end', nth: 4 },
    { at: 'finetune step-end', nth: 3 },
    { at: 'evaluate case-start', nth: 5 },
    { at: 'evaluate case-measured', nth: 5 },
  ].sort(
    (a, b) => pipelineStages.findIndex((s) => a.at.startsWith(s)) - pipelineStages.findIndex((s) => b.at.startsWith(s)),
  );
  let killed = 0;
  for (const kill of kills) if ((await run(into, kill)).isKilled) killed++;
  expect(killed).toBeGreaterThanOrEqual(kills.length - 2); // a kill may come after the end of a stage that is quick
  const last = await run(into, null);
  expect(last.output).toBe(whole.output);

  const bytes = readFileSync(join(into, 'run/model.safetensors'));
  const { metadata } = readSafetensors(bytes);
  const deployment = deploymentSchema.parse(JSON.parse(metadata['sparsevit-deployment'] ?? ''));
  expect(deployment.sparsities.length).toBeGreaterThan(0);
  expect(loadTask(bytes).backbone.sparsity).toMatchObject({
    prunedRatios: deployment.sparsities[deployment.chosen]?.prunedRatios,
  });
  const report = parsePipelineReport(JSON.parse(readFileSync(join(into, 'run/report.json'), 'utf8')));
  expect(report.cases.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['dense', 'searched', 'uniform', 'random', 'front', 'low-resolution']),
  );
  const again = await run(into, null);
  expect(again.events.filter((line) => line.endsWith('stage-start'))).toEqual([]);
  expect(again.output).toBe(whole.output);

  // a result that somebody has changed is not taken for one's own
  const model = join(into, 'run/adapt/model.safetensors');
  expect(existsSync(model)).toBe(true);
  writeFileSync(model, 'changed');
  await expect(run(into, null)).rejects.toThrow(/adapt\/model\.safetensors" as adapt wrote it, got another/);
});
