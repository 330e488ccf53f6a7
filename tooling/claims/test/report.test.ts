import { describe, expect, test } from 'vitest';
import type { Latency, Score } from '../src/evaluate-job';
import { percent } from '../src/evaluate-job';
import { claimsOf, keptObjectsTable, markdownOf, plotOf, spreadOf } from '../src/report';

/** Scores of two seeds, AP by model, ratio and windows. */
const scores = (ap: Record<string, readonly [number, number]>): Score[] =>
  Object.entries(ap).flatMap(([key, values]) => {
    const [model = '', ratio = '', windows = 'ranking'] = key.split('/');
    return values.map(
      (value, seed): Score => ({
        seed,
        model: model as Score['model'],
        width: model.startsWith('low resolution') ? 308 : 448,
        pruned: Number.isNaN(Number(ratio)) ? ratio : percent(Number(ratio)),
        windows,
        figures: [value, value * 2],
        gmacs: 2 - (Number(ratio) || 0),
      }),
    );
  });

const study = {
  metrics: [
    { key: 'AP', label: 'AP' },
    { key: 'AP50', label: 'AP50' },
  ],
} as const;

const good = {
  'dense/0': [0.5, 0.52],
  'dense/0.6': [0.2, 0.22],
  'adapted/0': [0.5, 0.5],
  'adapted/0.6': [0.44, 0.48],
  'adapted/0.8\\|0.8\\|0.8\\|0': [0.46, 0.5],
  'adapted/0.6/random': [0.3, 0.31],
  'low resolution/0': [0.3, 0.31],
} as const;

const latencies: Latency[] = [
  { width: 448, pruned: '0 %', milliseconds: 100 },
  { width: 448, pruned: '60 %', milliseconds: 50 },
  { width: 448, pruned: '0.7\\|0.6\\|0.5\\|0', milliseconds: 62.5 },
  { width: 308, pruned: '0 %', milliseconds: 52 },
];

const guided = {
  ...good,
  'adapted, guided/0.6': [0.46, 0.5],
  'adapted, guided/0.6/random': [0.4, 0.4],
  'guided, fine-tuned/0.7\\|0.6\\|0.5\\|0': [0.56, 0.57],
  'guided, fine-tuned/0.6': [0.5, 0.5],
  'dense, longer/0': [0.58, 0.56],
  'dense, longer/0.6': [0.18, 0.16],
  'low resolution, longer/0': [0.45, 0.5],
} as const;

describe('claims', () => {
  test('of the models with guidance', () => {
    const found = claimsOf(scores(guided), latencies, study).slice(4);
    expect(found.map(({ found: text, holds }) => [text, holds])).toEqual([
      ['AP higher by 0.020 (0.020 to 0.020)', true],
      // (0.46 - 0.2) / 0.3 and (0.5 - 0.22) / 0.3
      ['share closed 0.900 (0.867 to 0.933)', true],
      ['AP higher by 0.080 (0.060 to 0.100)', true],
      ['1.60x at 0.7\\|0.6\\|0.5\\|0: AP higher by 0.055 (0.050 to 0.060)', true],
      ['1.60x at 0.7\\|0.6\\|0.5\\|0: AP higher by -0.005 (-0.020 to 0.010)', false],
      // (0.5 - 0.18) / 0.4 and (0.5 - 0.16) / 0.4
      ['share closed 0.825 (0.800 to 0.850)', true],
      ['AP higher by 0.025 (0.000 to 0.050)', false],
    ]);
  });

  test('are worked out seed by seed', () => {
    const [adaptation, resolution, perStage, ranking] = claimsOf(scores(good), latencies, study);
    // (0.44 - 0.2) / 0.3 and (0.48 - 0.22) / 0.3
    expect(adaptation).toMatchObject({ found: 'share closed 0.833 (0.800 to 0.867)', holds: true });
    expect(resolution).toMatchObject({ found: 'AP higher by 0.155 (0.140 to 0.170); spread 0.040', holds: true });
    expect(perStage).toMatchObject({ found: 'AP higher by 0.020 (0.020 to 0.020)', holds: true });
    expect(ranking).toMatchObject({ found: 'AP higher by 0.155 (0.140 to 0.170)', holds: true });
  });

  test('that do not come out are said so', () => {
    const bad = {
      ...good,
      'adapted/0.6': [0.3, 0.36],
      'adapted/0.6/random': [0.31, 0.3],
    } as const;
    expect(claimsOf(scores(bad), latencies, study).map(({ holds }) => holds)).toEqual([false, false, true, false]);
  });

  test('the mean and the spread', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ mean: 2, least: 1, most: 3 });
  });
});

describe('the report', () => {
  test('has each row once, with its spread', () => {
    const lines = markdownOf(scores(good), latencies, ['a fact'], study).split('\n');
    expect(lines.filter((line) => line.startsWith('| adapted | 448 | 60 % | ranking'))).toEqual([
      '| adapted | 448 | 60 % | ranking | 1.40 | 50.0 | 0.460 (0.440 to 0.480) | 0.920 (0.880 to 0.960) |',
    ]);
    expect(lines).toContain('- a fact');
    expect(lines.filter((line) => line.startsWith('|')).length).toBe(2 + 4 + 2 + 7);
  });

  test('which windows with objects are kept', () => {
    const counts = [0, 1].map((seed) => ({
      seed,
      model: 'adapted' as const,
      stage: 0,
      windows: 40,
      withObjects: 10,
      keptWithObjects: 4 + seed,
    }));
    expect(keptObjectsTable(counts).split('\n').slice(2)).toEqual([
      '| adapted | 0.450 (0.400 to 0.500) |',
      '| share of windows that have any | 0.250 (0.250 to 0.250) |',
      '',
    ]);
  });

  test('the plot has a line per model, and no controls', () => {
    const plot = plotOf(scores(good), study);
    expect(plot.match(/<polyline/g)).toHaveLength(3);
    expect(plot.match(/<circle/g)).toHaveLength(6);
    expect(plot).not.toMatch(/NaN|undefined|Infinity/);
  });
});
