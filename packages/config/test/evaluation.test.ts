import { ConfigError } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import type { EvaluationAnswer, EvaluationJob, EvaluationSubject } from '../src/index';
import { parseEvaluationAnswer, parseEvaluationJob, parseEvaluationSubject } from '../src/index';
import { errorOf } from './error-of';

const job: EvaluationJob = {
  format: 'sparsevit-evaluation-job',
  version: 1,
  subject: '0123456789abcdef'.repeat(4),
  candidate: {
    id: 0,
    generation: 0,
    prunedRatios: [[0.95], [0, 0.1]],
    attempt: 1,
    seed: -5,
    subsets: [{ items: 10, dropBelow: 0.5, dropAbove: 2 }, { items: 20 }],
  },
};
const answer: EvaluationAnswer = {
  format: 'sparsevit-evaluation-answer',
  version: 1,
  job: 'evaluation-0',
  worker: 'host-1',
  durationMs: 0.5,
  outcome: { values: { accuracy: 0.7 }, partial: [0.6, 0.7] },
};
const subject: EvaluationSubject = {
  format: 'sparsevit-evaluation-subject',
  version: 1,
  files: { weights: { path: 'runs/a/model.safetensors', sha256: 'f'.repeat(64) } },
  settings: { task: { kind: 'detection', classes: ['car', null, 1.5, true, []] } },
};

/** A copy with one field changed, by its path. */
function changed(document: unknown, path: string, value: unknown): unknown {
  const copy: unknown = JSON.parse(JSON.stringify(document));
  const names = path.split('.');
  const last = names.pop() ?? '';
  const place = names.reduce((part, name) => (part as Record<string, unknown>)[name], copy) as Record<string, unknown>;
  if (value === undefined) delete place[last];
  else place[last] = value;
  return copy;
}

describe('documents of an evaluation', () => {
  test('come out as they went in', () => {
    expect(parseEvaluationJob(JSON.parse(JSON.stringify(job)))).toEqual(job);
    expect(parseEvaluationAnswer(answer)).toEqual(answer);
    const dropped = { ...answer, outcome: { partial: [0.1] } };
    expect(parseEvaluationAnswer(dropped)).toEqual(dropped);
    expect(parseEvaluationSubject(subject)).toEqual(subject);
    expect(parseEvaluationSubject({ ...subject, files: {}, settings: {} }).files).toEqual({});
  });

  test.each<[string, unknown]>([
    ['format', 'sparsevit-evaluation-answer'],
    ['version', 2],
    ['version', undefined],
    ['subject', 'A'.repeat(64)],
    ['subject', ''],
    ['more', 1],
    ['candidate', []],
    ['candidate.more', 1],
    ['candidate.id', -1],
    ['candidate.id', 1.5],
    ['candidate.generation', undefined],
    ['candidate.attempt', 0],
    ['candidate.seed', 2 ** 53],
    ['candidate.prunedRatios', []],
    ['candidate.prunedRatios', [[]]],
    ['candidate.prunedRatios.0', [0.96]],
    ['candidate.prunedRatios.0', [-0.1]],
    ['candidate.prunedRatios.0', [Number.NaN]],
    ['candidate.prunedRatios.0', '0.1'],
    ['candidate.subsets.0.items', 0],
    ['candidate.subsets.0.dropBelow', 'low'],
    ['candidate.subsets', Array.from({ length: 1001 }, () => ({ items: 1 }))],
  ])('a job with another %s is refused: %j', (path, value) => {
    const error = errorOf(() => parseEvaluationJob(changed(job, path, value)));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toContain('parseEvaluationJob: expected a job, got');
  });

  test.each<[string, unknown]>([
    ['format', 'other'],
    ['version', 0],
    ['job', ''],
    ['worker', 5],
    ['durationMs', -1],
    ['durationMs', Number.POSITIVE_INFINITY],
    ['outcome', {}],
    ['outcome', null],
    ['outcome.values', { accuracy: Number.NaN }],
    ['outcome.values', { accuracy: null }],
    ['outcome.values', { accuracy: '1' }],
    ['outcome.values', Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [i, i]))],
    ['outcome.partial', []],
    ['outcome.partial', ['0.1']],
    ['outcome.more', 1],
  ])('an answer with another %s is refused: %j', (path, value) => {
    expect(errorOf(() => parseEvaluationAnswer(changed(answer, path, value)))).toBeInstanceOf(ConfigError);
  });

  test.each<[string, unknown]>([
    ['version', '1'],
    ['files', []],
    ['files.weights.sha256', 'f'.repeat(63)],
    ['files.weights.path', '/etc/passwd'],
    ['files.weights.path', 'a/../../b'],
    ['files.weights.path', 'C:\\a'],
    ['files.weights.size', 5],
    ['files', { 'two words': { path: 'a', sha256: 'f'.repeat(64) } }],
    ['files', Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`a${i}`, subject.files.weights]))],
    ['settings', undefined],
    ['settings', 'task'],
  ])('a subject with another %s is refused: %j', (path, value) => {
    expect(errorOf(() => parseEvaluationSubject(changed(subject, path, value)))).toBeInstanceOf(ConfigError);
  });

  test.each([null, 'text', 5, [], undefined])('%j is no document', (value) => {
    for (const parse of [parseEvaluationJob, parseEvaluationAnswer, parseEvaluationSubject]) {
      expect(errorOf(() => parse(value))).toBeInstanceOf(ConfigError);
    }
  });
});
