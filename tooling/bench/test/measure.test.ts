import { describe, expect, it } from 'vitest';
import type { Measurement, Visit } from '../src/measure';
import { measure } from '../src/measure';
import { largestDrift, ratioOf, summarize } from '../src/summary';
import { fakeBench, shortProtocol } from './fake-clock';

const visitsOf = ({ visits }: Measurement, id: string): Visit[] => visits.filter((visit) => visit.id === id);

describe('a visit', () => {
  it('warms up until three runs in a row agree, and then times', async () => {
    const bench = fakeBench();
    const dense = bench.makeCase('dense', (run) => [300, 150, 120, 102, 100, 101][run] ?? 100);
    const measured = await measure([dense], { ...shortProtocol, rounds: 1 }, bench.surroundings);
    expect(measured.visits).toEqual([
      {
        id: 'dense',
        round: 0,
        startMs: 0,
        warmupMs: [300, 150, 120, 102, 100, 101],
        isSteady: true,
        samplesMs: [100, 100, 100],
        medianMs: 100,
      },
    ]);
  });

  it('that never comes to rest ends its warm-up at the cap and says so', async () => {
    const bench = fakeBench();
    const dense = bench.makeCase('dense', (run) => (run % 2 === 0 ? 100 : 120));
    const measured = await measure([dense], { ...shortProtocol, rounds: 1 }, bench.surroundings);
    expect(measured.visits[0]?.warmupMs).toHaveLength(10);
    expect(measured.visits[0]?.isSteady).toBe(false);
    expect(summarize(measured)[0]?.unsteadyVisits).toBe(1);
  });

  it('keeps the median: one slow run changes nothing', async () => {
    const bench = fakeBench();
    const dense = bench.makeCase('dense', (run) => (run === 4 ? 900 : 100));
    const measured = await measure([dense], { ...shortProtocol, rounds: 1 }, bench.surroundings);
    expect(measured.visits[0]?.samplesMs).toEqual([100, 900, 100]);
    expect(measured.visits[0]?.medianMs).toBe(100);
  });

  it('warms up briefly once the code is compiled, and is judged with its samples', async () => {
    const bench = fakeBench();
    const dense = bench.makeCase('dense', () => 100);
    const measured = await measure([dense], shortProtocol, bench.surroundings);
    expect(measured.visits.map(({ warmupMs }) => warmupMs.length)).toEqual([3, 1]);
    expect(measured.visits.map(({ isSteady }) => isSteady)).toEqual([true, true]);
  });

  it('waits for work that ends later', async () => {
    const bench = fakeBench();
    const inner = bench.makeCase('inner', () => 50);
    const dense = {
      id: 'dense',
      async run() {
        await Promise.resolve();
        await inner.run();
      },
    };
    const measured = await measure([dense], { ...shortProtocol, rounds: 1 }, bench.surroundings);
    expect(measured.visits[0]?.medianMs).toBe(50);
  });
});

describe('rounds', () => {
  const names = ['dense', 'a', 'b', 'c', 'd', 'e'];
  const orders = async (seed: number): Promise<string[]> => {
    const bench = fakeBench(seed);
    const cases = names.map((id) => bench.makeCase(id, () => 10));
    const { visits } = await measure(cases, { ...shortProtocol, rounds: 4 }, bench.surroundings);
    return [0, 1, 2, 3].map((round) =>
      visits
        .filter((visit) => visit.round === round)
        .map(({ id }) => id)
        .join(' '),
    );
  };

  it('visit every case once, each round in a new order', async () => {
    const rounds = await orders(1);
    for (const order of rounds) expect(order.split(' ').sort()).toEqual([...names].sort());
    expect(new Set(rounds).size).toBeGreaterThan(1);
  });

  it('repeat with the seed', async () => {
    expect(await orders(5)).toEqual(await orders(5));
    expect(await orders(5)).not.toEqual(await orders(6));
  });

  it('refuse two cases of one name, and a sentinel that is none of them', async () => {
    const bench = fakeBench();
    const dense = bench.makeCase('dense', () => 1);
    await expect(measure([dense, dense], shortProtocol, bench.surroundings)).rejects.toThrow('different ids');
    await expect(measure([bench.makeCase('a', () => 1)], shortProtocol, bench.surroundings)).rejects.toThrow(
      'sentinel',
    );
  });
});

describe('the sentinel', () => {
  it('is timed again after so many visits of others, outside of the results', async () => {
    const bench = fakeBench();
    const cases = ['dense', 'a', 'b', 'c', 'd', 'e', 'f'].map((id) => bench.makeCase(id, () => 10));
    const protocol = { ...shortProtocol, sentinel: { id: 'dense', everyVisits: 2 } };
    const measured = await measure(cases, protocol, bench.surroundings);
    expect(visitsOf(measured, 'dense')).toHaveLength(2);
    expect(measured.sentinels.length).toBeGreaterThanOrEqual(6);
    expect(largestDrift(measured)).toBe(0);
  });

  it('that moved is reported', async () => {
    const bench = fakeBench();
    let slowdown = 1;
    const dense = bench.makeCase('dense', () => 100 * slowdown);
    const surroundings = {
      ...bench.surroundings,
      onEvent: (event: (typeof bench.events)[number]) => {
        bench.events.push(event);
        if (event.type === 'round-started' && event.round === 2) slowdown = 1.2;
      },
    };
    const measured = await measure([dense], { ...shortProtocol, rounds: 3 }, surroundings);
    const moves = bench.events.flatMap((event) => (event.type === 'sentinel-moved' ? [event.sentinel] : []));
    expect(moves.map(({ round }) => round)).toEqual([2]);
    expect(moves[0]?.moved).toBeCloseTo(1.2, 9);
    expect(largestDrift(measured)).toBeCloseTo(0.2, 9);
  });
});

describe('ratios', () => {
  it('cancel what slows a whole round down', async () => {
    const bench = fakeBench();
    let slowdown = 1;
    const cases = [bench.makeCase('dense', () => 100 * slowdown), bench.makeCase('pruned', () => 41 * slowdown)];
    const surroundings = {
      ...bench.surroundings,
      onEvent: (event: (typeof bench.events)[number]) => {
        if (event.type === 'round-started') slowdown = [1, 1.5, 0.8, 1.1][event.round] ?? 1;
      },
    };
    const times = summarize(await measure(cases, { ...shortProtocol, rounds: 4 }, surroundings));
    const [dense, pruned] = ['dense', 'pruned'].map((id) => times.find((time) => time.id === id));
    if (!dense || !pruned) throw new Error('expected both cases');
    expect(dense.thirdQuartile - dense.firstQuartile).toBeGreaterThan(10);
    const ratio = ratioOf(pruned, dense);
    for (const value of [ratio.median, ratio.firstQuartile, ratio.thirdQuartile]) expect(value).toBeCloseTo(0.41, 9);
  });

  it('of cases of different rounds are refused', () => {
    const time = { id: 'a', median: 1, firstQuartile: 1, thirdQuartile: 1, unsteadyVisits: 0 };
    expect(() => ratioOf({ ...time, roundsMs: [1] }, { ...time, id: 'b', roundsMs: [1, 2] })).toThrow('same rounds');
  });
});
