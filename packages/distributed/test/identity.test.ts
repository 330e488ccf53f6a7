/** Which evaluations are the same. */

import type { EvaluationSubject } from '@sparsevit/config';
import type { Candidate } from '@sparsevit/search';
import { subjectKey } from '@sparsevit/search/node';
import { ConfigError } from '@sparsevit/windows';
import { describe, expect, it } from 'vitest';
import { jobIdOf, jobOf, queueNameOf } from '../src/identity';

const subject: EvaluationSubject = {
  format: 'sparsevit-evaluation-subject',
  version: 1,
  files: { weights: { path: 'a.safetensors', sha256: 'a'.repeat(64) }, data: { path: 'val', sha256: 'b'.repeat(64) } },
  settings: { task: { kind: 'semantic', classes: ['road', 'sky'] }, height: 224 },
};
const candidate: Candidate = {
  id: 3,
  generation: 1,
  prunedRatios: [[0.1], [0, 0.3]],
  attempt: 1,
  seed: 5,
  subsets: [{ items: 10, dropBelow: 0.5 }, { items: 20 }],
};

describe('a job', () => {
  const key = subjectKey(subject);
  const id = jobIdOf(jobOf(key, candidate));

  it('has an id that BullMQ takes', () => {
    expect(id).toMatch(/^evaluation-[0-9a-f]{64}$/);
    expect(queueNameOf(key, undefined)).not.toContain(':');
    expect(queueNameOf(key, 'a: b')).not.toContain(':');
  });

  it('is the same wherever in a search', () => {
    expect(jobIdOf(jobOf(key, { ...candidate, id: 0, generation: 9 }))).toBe(id);
    expect(jobIdOf(JSON.parse(JSON.stringify(jobOf(key, candidate))))).toBe(id);
  });

  it.each<Partial<Candidate>>([
    { prunedRatios: [[0.1], [0.3, 0]] },
    { prunedRatios: [[0.1, 0], [0.3]] },
    { attempt: 2 },
    { seed: 6 },
    { subsets: [] },
    { subsets: [{ items: 10, dropAbove: 0.5 }, { items: 20 }] },
    { subsets: [{ items: 10, dropBelow: 0.51 }, { items: 20 }] },
  ])('is another one with %o', (part) => {
    expect(jobIdOf(jobOf(key, { ...candidate, ...part }))).not.toBe(id);
  });

  it('is another one for another subject', () => {
    expect(jobIdOf(jobOf('c'.repeat(64), candidate))).not.toBe(id);
  });

  it.each<Partial<Candidate>>([{ prunedRatios: [[Number.NaN]] }, { prunedRatios: [[2]] }, { seed: 0.1 }, { id: -1 }])(
    'refuses %o',
    (part) => expect(() => jobOf(key, { ...candidate, ...part })).toThrow(ConfigError),
  );
});
