/** A search's evaluations in processes that open what is evaluated from its document alone. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomWeights } from '@sparsevit/backbone';
import type { EvaluationSubject } from '@sparsevit/config';
import { createScenes } from '@sparsevit/data';
import type { Candidate } from '@sparsevit/search';
import { subjectKey } from '@sparsevit/search/node';
import type { TaskConfig } from '@sparsevit/tasks';
import { newTask, saveTask } from '@sparsevit/tasks';
import { sparsityModes } from '@sparsevit/windows';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SearchSubject } from '../src/node';
import { checkedPaths, createEvaluationPool, describeSubject, openSubject, subjectPaths } from '../src/node';
import { buildProgram } from './program/build';

const architecture = { patchSize: 4, embedDim: 16, depths: [2, 2], heads: [1, 2], window: 4, mlpRatio: 2 };
const scenes = { kind: 'scenes', count: 3, seed: 2, height: 64, width: 96, onBroken: 'fail' } as const;
const { kind: _, onBroken: __, ...drawn } = scenes;
const task: TaskConfig = { kind: 'detection', classes: createScenes(drawn).classes, channels: 8 };
const { signal } = new AbortController();
const folder = mkdtempSync(join(tmpdir(), 'sparsevit-subject-'));
const weights = join(folder, 'model.safetensors');
const of: SearchSubject = {
  weights,
  source: scenes,
  input: { size: { height: 64, width: 96 }, keepRatio: false, normalization: { mean: [0, 0, 0], std: [1, 1, 1] } },
  limit: null,
  rules: sparsityModes.clean,
};
const candidates = [0, 0.3, 0.5, 0.8].map(
  (ratio, id): Candidate => ({ id, generation: 0, prunedRatios: [[ratio], [0.8]], attempt: 1, seed: 0, subsets: [] }),
);

let program = '';
beforeAll(async () => {
  const checkpoint = newTask(
    task,
    { architecture, family: 'mmdet', weights: randomWeights(architecture, 1) },
    { seed: 1 },
  );
  writeFileSync(weights, saveTask(checkpoint));
  program = await buildProgram('evaluation-process.mjs', '../../src/evaluation-process.ts');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('evaluation pool', () => {
  test('processes score as this one does, to the last bit', async () => {
    const subject = await describeSubject(of);
    const here = await openSubject(subject, { paths: subjectPaths(of), threads: 2 });
    const pool = await createEvaluationPool({ subject, paths: subjectPaths(of), processes: 2, program });
    const alone = await createEvaluationPool({ subject, paths: subjectPaths(of), processes: 1 });
    expect([pool.concurrency, alone.concurrency, here.images, here.scoreName]).toEqual([2, 1, 3, 'AP']);
    const inPool = await Promise.all(candidates.map((one) => pool.evaluate(one, { signal })));
    for (const [i, one] of candidates.entries()) {
      const expected = await here.evaluate(one, { signal });
      expect(inPool[i]).toEqual(expected);
      expect(await alone.evaluate(one, { signal })).toEqual(expected);
    }
    for (const each of [here, pool, alone]) await each.dispose();
  });

  test('says what a process printed when it cannot open the model', async () => {
    const subject = await describeSubject(of);
    const paths = { weights: join(folder, 'none.safetensors') };
    await expect(createEvaluationPool({ subject, paths, processes: 2, program })).rejects.toThrow(/none\.safetensors/);
  });
});

describe('the subject of a search', () => {
  test('is the same for the same contents, wherever they lie', async () => {
    const other = join(folder, 'copy');
    const { writeFile, readFile, mkdir } = await import('node:fs/promises');
    await mkdir(other);
    await writeFile(join(other, 'm.safetensors'), await readFile(weights));
    const [first, second] = [
      await describeSubject(of),
      await describeSubject({ ...of, weights: join(other, 'm.safetensors') }, folder),
    ];
    expect(subjectKey(first)).toBe(subjectKey(second));
    expect(second.files.weights?.path).toBe('copy/m.safetensors');
    expect(await checkedPaths(second, folder)).toEqual({ weights: expect.stringMatching(/copy\/m\.safetensors$/) });
    expect(subjectKey(await describeSubject({ ...of, limit: 2 }))).not.toBe(subjectKey(first));
    await expect(describeSubject(of, other)).rejects.toThrow(/--root/);
  });

  test('with settings that are none is refused', async () => {
    const subject = await describeSubject(of);
    const changed = (settings: Record<string, unknown>): EvaluationSubject =>
      ({ ...subject, settings: { ...subject.settings, ...settings } }) as EvaluationSubject;
    for (const [settings, pattern] of [
      [{ source: { kind: 'files' } }, /settings\.source/],
      [{ source: null }, /settings\.source/],
      [{ input: { size: 3 } }, /task input/],
      [{ limit: 0 }, /settings\.limit/],
      [{ rules: { score: 'best' } }, /score/],
    ] as const) {
      await expect(openSubject(changed(settings), { paths: subjectPaths(of) })).rejects.toThrow(pattern);
    }
    await expect(openSubject(subject, { paths: {} })).rejects.toThrow(/expected weights/);
  });
});
