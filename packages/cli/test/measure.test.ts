import { outputPaths } from '@sparsevit/pipeline/files';
import { describe, expect, it } from 'vitest';
import { measureInTurns, spreadOf } from '../src/run/measure';
import { formatBytes, formatNumber, renderTable } from '../src/table';

describe('measureInTurns', () => {
  /** A way whose runs take the given times, on a clock of its own; writes down what happens. */
  const clockwork = (): {
    now: () => number;
    log: string[];
    way: (name: string, times: number[]) => Parameters<typeof measureInTurns<string>>[0][number];
  } => {
    let clock = 0;
    const log: string[] = [];
    return {
      now: () => clock,
      log,
      way: (name, times) => ({
        name,
        async run() {
          clock += times.shift() ?? 0;
          log.push(`run ${name}`);
          return name;
        },
        async onWarmUp(result) {
          clock += 500; // outside the samples
          log.push(`read ${result}`);
        },
        release(result) {
          log.push(`free ${result}`);
        },
      }),
    };
  };

  it('warms each up, then takes turns', async () => {
    const { now, log, way } = clockwork();
    const ways = [way('a', [90, 1, 2]), way('b', [80, 3, 4])];
    const { samplesMs, isWarmUp } = await measureInTurns(ways, { repeats: 2, now, onStep: () => {} });
    expect(samplesMs).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(isWarmUp).toBe(false);
    expect(log.filter((line) => line.startsWith('run'))).toEqual([
      'run a',
      'run b',
      'run a',
      'run b',
      'run a',
      'run b',
    ]);
    expect(log.slice(0, 3)).toEqual(['run a', 'read a', 'free a']);
    expect(log.filter((line) => line.startsWith('free'))).toHaveLength(6);
  });

  it.each([
    [[20_000, 1], [5, 2], false],
    [[20_001, 1], [5, 2], true],
    [[5, 1], [20_001, 2], true],
  ])('%j and %j: warm-up only is %s', async (a, b, expected) => {
    const { now, way } = clockwork();
    const first = [a[0], b[0]];
    const { samplesMs, isWarmUp } = await measureInTurns([way('a', a), way('b', b)], {
      repeats: 1,
      now,
      onStep: () => {},
    });
    expect(isWarmUp).toBe(expected);
    expect(samplesMs.flat()).toEqual(expected ? first : [1, 2]);
  });

  it('frees what a run gave when reading it fails', async () => {
    const { now, log, way } = clockwork();
    const broken = { ...way('a', []), onWarmUp: () => Promise.reject(new Error('full')) };
    await expect(measureInTurns([broken], { repeats: 1, now, onStep: () => {} })).rejects.toThrow('full');
    expect(log).toEqual(['run a', 'free a']);
  });
});

it.each([
  [[3], { median: 3, min: 3, max: 3 }],
  [[5, 1, 3], { median: 3, min: 1, max: 5 }],
  [[4, 1, 3, 10], { median: 3.5, min: 1, max: 10 }],
])('spreadOf %j', (samples, expected) => {
  expect(spreadOf(samples)).toEqual(expected);
});

it('outputPaths puts the name of each input into the path', () => {
  expect(outputPaths('out.png', ['a/street.jpg'])).toEqual(['out.png']);
  expect(outputPaths('o/out.png', ['a/street.jpg', 'b/street.png', 'c.jpg'])).toEqual([
    'o/out.street.png',
    'o/out.street-2.png',
    'o/out.c.png',
  ]);
});

it('numbers as people read them', () => {
  expect([0.0123, 0.999, 1, 9.876, 12.34, 99.96, 1234.5].map(formatNumber)).toEqual([
    '0.012',
    '0.999',
    '1.00',
    '9.88',
    '12.3',
    '100.0',
    '1235',
  ]);
  expect([512, 2e6, 3.26e9].map(formatBytes)).toEqual(['0.512 kB', '2.00 MB', '3.26 GB']);
  expect(renderTable([['', 'a'], ['row', '100'], ['x']])).toBe('       a\nrow  100\nx');
});
