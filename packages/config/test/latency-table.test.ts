import { readFileSync } from 'node:fs';
import { ConfigError, sparsityModes } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import type { LatencyTable } from '../src/index';
import { latencyTableJsonSchema, parseLatencyTable, swinPreset } from '../src/index';
import { errorOf } from './error-of';

const samples = { startMs: 100, endMs: 160, samplesMs: [20, 19.5, 20.5] };
const visit = { round: 0, session: 0, ...samples, driftRatio: 1 };
const table: LatencyTable = {
  format: 'sparsevit-latency-table',
  version: 1,
  device: {
    name: 'Some processor',
    driver: null,
    platform: 'linux x64',
    runtime: 'Node 24.0.0',
    backend: 'engine',
    backendVersion: '@sparsevit/engine 1.0.0',
    kernels: 'relaxed SIMD',
    threads: 2,
  },
  model: { name: 'swin-t', hash: 'ab', architecture: swinPreset('swin-t'), rules: sparsityModes.clean },
  input: { batch: 1, height: 224, width: 224 },
  protocol: {
    seed: 0,
    rounds: 1,
    samplesPerVisit: 3,
    settlingRuns: 1,
    visitsPerStretch: 10,
    samplesPerSentinel: 9,
    largestMove: 0.05,
    attemptsPerStretch: 3,
    attemptsPerVisit: 2,
    leastWarmUpRuns: 5,
    mostWarmUpRuns: 50,
    agreeingRuns: 3,
    agreement: 0.05,
    coolDownMs: 0,
  },
  sessions: [{ startedAt: '2026-01-01T00:00:00.000Z', timerResolutionMs: 0.001 }],
  rows: [{ prunedRatios: [[0.3], [0], [0.1, 0.2, 0.2], [0]], ms: 20, visitMs: [20], visits: [visit] }],
  excluded: [{ prunedRatios: [[0], [0], [0, 0, 0], [0]], reason: 'failed', message: 'out of memory' }],
  sentinel: { prunedRatios: [[0], [0], [0, 0, 0], [0]], ms: 30, readings: [{ session: 0, ...samples }] },
  unsteady: [{ round: 0, stretch: 0, attempt: 0, moved: 0.1, outcome: 'repeated' }],
  noise: null,
};

const [row] = table.rows;

describe('parseLatencyTable', () => {
  test('gives back what was written', () => {
    expect(parseLatencyTable(JSON.parse(JSON.stringify(table)))).toEqual(table);
  });

  test.each<[string, unknown, string[]]>([
    ['another format', { ...table, format: 'sparsevit-bench' }, ['→ at format']],
    ['a newer version', { ...table, version: 2 }, ['→ at version']],
    ['no object', null, ['Invalid input: expected object']],
    ['a field that is not known', { ...table, row: [] }, ['Unrecognized key: "row"']],
    ['a time that is none', { ...table, rows: [{ ...row, ms: 0 }] }, ['→ at rows[0].ms']],
    ['a time that JSON has no word for', { ...table, rows: [{ ...row, ms: null }] }, ['→ at rows[0].ms']],
    ['a row without visits', { ...table, rows: [{ ...row, visitMs: [], visits: [] }] }, ['→ at rows[0].visitMs']],
    [
      'more visits than times',
      { ...table, rows: [{ ...row, visitMs: [20, 21] }] },
      ['expected as many visits as visitMs, got 1 and 2', '→ at rows[0].visits'],
    ],
    [
      'a sparsity of another model',
      { ...table, rows: [{ ...row, prunedRatios: [[0.3], [0]] }] },
      ['expected 4 stages', '→ at rows[0].prunedRatios'],
    ],
    [
      'a ratio that is no share',
      { ...table, sentinel: { ...table.sentinel, prunedRatios: [[2], [0], [0, 0, 0], [0]] } },
      ['expected ratios from 0 to 0.95, got 2', '→ at sentinel.prunedRatios'],
    ],
    [
      'a configuration that is measured and excluded',
      { ...table, excluded: [{ ...table.excluded[0], prunedRatios: row?.prunedRatios }] },
      ['expected each configuration once', '→ at excluded[0].prunedRatios'],
    ],
    ['half an image', { ...table, input: { ...table.input, batch: 0.5 } }, ['→ at input.batch']],
    ['a negative drift', { ...table, rows: [{ ...row, visits: [{ ...visit, driftRatio: -1 }] }] }, ['driftRatio']],
    [
      'a model that cannot be',
      { ...table, model: { ...table.model, architecture: { ...table.model.architecture, heads: [5, 6, 12, 24] } } },
      ['to divide its 96 channels, got 5'],
    ],
  ])('%s is refused', (_, document, parts) => {
    const error = errorOf(() => parseLatencyTable(document));
    expect(error).toBeInstanceOf(ConfigError);
    for (const part of parts) expect(error.message).toContain(part);
  });
});

test('latency-table/schema.json is current; if not: pnpm --filter @sparsevit/config schema', () => {
  const committed = readFileSync(new URL('../latency-table/schema.json', import.meta.url), 'utf8');
  expect(committed).toBe(`${JSON.stringify(latencyTableJsonSchema(), null, 2)}\n`);
});
