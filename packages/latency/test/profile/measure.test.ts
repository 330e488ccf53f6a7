import type { PrunedRatios } from '@sparsevit/windows';
import { ConfigError } from '@sparsevit/windows';
import { describe, expect, it } from 'vitest';
import type { LatencyTable, MeasureEvent, MeasureOptions } from '../../src/index';
import { defaultProtocol, estimateCost, measure, median } from '../../src/index';
import type { Simulation, SimulationOptions } from './simulated-runner';
import { createSimulation, drawConfigs, fingerprint } from './simulated-runner';

const dense: PrunedRatios = [[0], [0], [0, 0, 0], [0]];

async function measureOn(
  simulation: Simulation,
  configs: readonly PrunedRatios[],
  options: Partial<MeasureOptions> = {},
): Promise<LatencyTable> {
  const { runner, now, pause, onEvent } = simulation;
  return measure(runner, configs, { fingerprint, now, pause, onEvent, timerResolutionMs: null, ...options });
}

const eventsOf = <Type extends MeasureEvent['type']>(
  { events }: Simulation,
  type: Type,
): Extract<MeasureEvent, { type: Type }>[] =>
  events.filter((event): event is Extract<MeasureEvent, { type: Type }> => event.type === type);

/** Errors of the rows relative to the device's own times; the scale is the sentinel's. */
function errorsOf(table: LatencyTable, { costMs }: Simulation): number[] {
  return table.rows.map(({ prunedRatios, ms }) => ms / costMs(prunedRatios) - 1);
}

const rootMeanSquare = (values: readonly number[]): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

describe('a quiet device', () => {
  it('is measured exactly', async () => {
    const simulation = createSimulation();
    const configs = drawConfigs(37);
    const table = await measureOn(simulation, configs);
    expect(table.rows.map(({ prunedRatios }) => prunedRatios)).toEqual(configs);
    expect(table.rows.map(({ ms }) => ms)).toEqual(configs.map(simulation.costMs));
    expect(table.rows.every(({ visits, visitMs }) => visits.length === 5 && visitMs.length === 5)).toBe(true);
    expect(table.sentinel).toMatchObject({ prunedRatios: dense, ms: simulation.costMs(dense) });
    expect(table).toMatchObject({ excluded: [], unsteady: [], noise: { visit: 0, row: 0 }, ...fingerprint });
    expect(table.protocol).toEqual(defaultProtocol);
  });

  it('runs what it says, in rounds of different orders, with the sentinel between', async () => {
    const simulation = createSimulation();
    const configs = drawConfigs(25);
    await measureOn(simulation, configs, { protocol: { rounds: 3, settlingRuns: 2 } });
    const visits = eventsOf(simulation, 'visit-ended');
    const orders = [0, 1, 2].map((wanted) =>
      visits
        .filter(({ purpose, round }) => purpose === 'visit' && round === wanted)
        .map(({ prunedRatios }) => JSON.stringify(prunedRatios)),
    );
    const sorted = configs.map((config) => JSON.stringify(config)).sort();
    for (const order of orders) expect([...order].sort()).toEqual(sorted);
    expect(new Set(orders.map((order) => order.join())).size).toBe(3);
    // three stretches a round, of 8 or 9 visits
    const text = visits.map(({ purpose }) => purpose[0]).join('');
    expect(text).toBe(`${'w'.repeat(26)}s${'vvvvvvvvsvvvvvvvvvsvvvvvvvvs'.repeat(3)}`);
    expect(simulation.runs()).toBe(26 * 5 + 75 * (2 + 5) + 10 * (2 + 9));
  });

  it('takes a function, and a sentinel of one’s own', async () => {
    let timeMs = 0;
    const run = (prunedRatios: PrunedRatios): void => {
      timeMs += prunedRatios[0]?.[0] === 0.5 ? 3 : 2;
    };
    const sentinel: PrunedRatios = [[0.5], [0], [0, 0, 0], [0]];
    const options = { fingerprint, now: () => timeMs, timerResolutionMs: null, pause: async () => {} };
    const table = await measure(run, [dense], { ...options, sentinel, startedAt: '2026-01-01T00:00:00Z' });
    expect(table.rows[0]?.ms).toBe(2);
    expect(table.sentinel).toMatchObject({ prunedRatios: sentinel, ms: 3 });
    expect(table.sessions).toEqual([{ startedAt: '2026-01-01T00:00:00Z', timerResolutionMs: null }]);
  });

  it('gives the same for the same seed, another order for another', async () => {
    const configs = drawConfigs(12);
    const orderOf = async (seed: number): Promise<string> => {
      const simulation = createSimulation({ noise: 0.02 });
      const table = await measureOn(simulation, configs, { protocol: { seed, rounds: 1 } });
      return JSON.stringify(table.rows.map(({ visits }) => visits[0]?.startMs));
    };
    expect(await orderOf(3)).toBe(await orderOf(3));
    expect(await orderOf(3)).not.toBe(await orderOf(4));
  });
});

describe('a noisy device', () => {
  const noisy: SimulationOptions = { noise: 0.03, outliers: 0.1 };

  it.each([1, 2, 3])('seed %d: 3 percent of noise and 10 percent outliers, measured to 2 percent', async (seed) => {
    const simulation = createSimulation({ ...noisy, seed });
    const table = await measureOn(simulation, drawConfigs(60, seed));
    expect(table.rows).toHaveLength(60);
    const errors = errorsOf(table, simulation);
    // outliers only lengthen, so that medians lie a little high: all of them alike
    expect(rootMeanSquare(errors)).toBeLessThan(0.02);
    expect(Math.max(...errors.map(Math.abs))).toBeLessThan(0.055);
    // what it says of its own noise is what it is
    const bias = median(errors);
    const spread = rootMeanSquare(errors.map((error) => error - bias));
    expect(table.noise?.row).toBeGreaterThan(spread / 1.6);
    expect(table.noise?.row).toBeLessThan(spread * 1.6);
  });

  /** A device that is 20 % slower for a fifth of the run. */
  async function withSlowFifth(options: SimulationOptions, configs: readonly PrunedRatios[], rounds: number) {
    const length = createSimulation(options);
    await measureOn(length, configs, { protocol: { rounds } });
    const [from, to] = [0.45 * length.now(), 0.65 * length.now()];
    const isSlow = (timeMs: number): boolean => timeMs > from && timeMs < to;
    const simulation = createSimulation({ ...options, drift: (timeMs) => (isSlow(timeMs) ? 1.2 : 1) });
    const table = await measureOn(simulation, configs, { protocol: { rounds } });
    return { simulation, table, isSlow };
  }

  it('that is 20 % slower for a fifth of the run is measured as if it were not', async () => {
    const configs = drawConfigs(60);
    const { simulation, table, isSlow } = await withSlowFifth(noisy, configs, 5);
    expect(table.rows).toHaveLength(60);
    expect(rootMeanSquare(errorsOf(table, simulation))).toBeLessThan(0.02);
    // the visits of that time alone: 20 % off as they were timed, right on average after the drift is cancelled
    const slow = table.rows.flatMap(({ prunedRatios, visits, visitMs }) =>
      visits.flatMap(({ startMs, samplesMs }, i) => {
        const costMs = simulation.costMs(prunedRatios);
        return isSlow(startMs) ? [{ raw: median(samplesMs) / costMs, cancelled: (visitMs[i] ?? 0) / costMs }] : [];
      }),
    );
    expect(slow.length).toBeGreaterThan(40);
    expect(median(slow.map(({ raw }) => raw))).toBeGreaterThan(1.18);
    expect(Math.abs(median(slow.map(({ cancelled }) => cancelled)) - 1)).toBeLessThan(0.015);
  });

  it('without the noise: exactly, in a single round, since stretches in which the speed changed are done again', async () => {
    const configs = drawConfigs(60);
    const { simulation, table } = await withSlowFifth({}, configs, 1);
    expect(table.unsteady.map(({ outcome }) => outcome)).toEqual(['repeated', 'repeated']);
    expect(table.unsteady.every(({ moved }) => Math.abs(moved - 0.2) < 1e-3)).toBe(true);
    for (const error of errorsOf(table, simulation)) expect(Math.abs(error)).toBeLessThan(1e-4); // the grain of its times
  });

  it('cancels a slow drift without repeating anything', async () => {
    const drift = (timeMs: number): number => 1 + 0.3 * (timeMs / 60_000);
    const simulation = createSimulation({ drift });
    const table = await measureOn(simulation, drawConfigs(40), { protocol: { rounds: 3 } });
    expect(simulation.now()).toBeGreaterThan(30_000);
    expect(table.unsteady).toEqual([]);
    // all alike slower: the sentinel's median is the speed of the middle of the run
    const errors = errorsOf(table, simulation);
    const middle = median(errors);
    expect(middle).toBeGreaterThan(0.05);
    expect(Math.max(...errors.map((error) => Math.abs((1 + error) / (1 + middle) - 1)))).toBeLessThan(0.002);
    expect((table.sentinel.ms ?? 0) / simulation.costMs(dense)).toBeCloseTo(1 + middle, 2);
  });
});

describe('a device that does not hold still', () => {
  it('throttles for a while: stretches are repeated after a rest, and all is measured', async () => {
    // hot after 4 s of work, cool again when it could rest
    let heatMs = 0;
    const simulation = createSimulation({ drift: () => (heatMs > 4000 ? 1.5 : 1) });
    const { run, ...others } = simulation.runner;
    const runner = {
      ...others,
      async run(prunedRatios: PrunedRatios) {
        const before = simulation.now();
        await run(prunedRatios);
        heatMs += simulation.now() - before;
      },
    };
    const pause = async (ms: number): Promise<void> => {
      if (ms > 0) heatMs = 0;
      await simulation.pause(ms);
    };
    const { now, onEvent } = simulation;
    const configs = drawConfigs(20);
    const table = await measure(runner, configs, { fingerprint, now, pause, onEvent, timerResolutionMs: null });
    expect(table.unsteady.length).toBeGreaterThan(0);
    expect(table.rows).toHaveLength(20);
    expect(table.unsteady.every(({ moved }) => moved > 0.05)).toBe(true);
    const scale = (table.sentinel.ms ?? 0) / simulation.costMs(dense);
    for (const error of errorsOf(table, simulation)) expect(Math.abs((1 + error) / scale - 1)).toBeLessThan(0.01);
  });

  it('never holds still: everything is excluded with the reason, and there is no number', async () => {
    const drift = (timeMs: number): number => (Math.floor(timeMs / 400) % 2 === 0 ? 1 : 1.4);
    const simulation = createSimulation({ drift });
    const configs = drawConfigs(8);
    const table = await measureOn(simulation, configs, { protocol: { visitsPerStretch: 3, largestMove: 0.0001 } });
    const { rows, excluded, unsteady } = table;
    expect(rows.length + excluded.length).toBe(8);
    expect(excluded.length).toBeGreaterThan(0);
    expect(excluded[0]).toMatchObject({ reason: 'unsteady' });
    expect(excluded[0]?.message).toMatch(
      /^[012] of 5 visits came between two looks at the sentinel that agree to 0.0001$/,
    );
    expect(unsteady.filter(({ outcome }) => outcome === 'dropped').length).toBeGreaterThan(0);
    expect(unsteady.every(({ attempt, outcome }) => (outcome === 'dropped') === (attempt === 2))).toBe(true);
    expect(rows.every(({ visitMs }) => visitMs.length >= 3)).toBe(true);
  });
});

describe('what fails', () => {
  const configs = drawConfigs(15);
  const key = (prunedRatios: PrunedRatios): string => JSON.stringify(prunedRatios);
  const bad = configs[4] ?? dense;

  it('a configuration that throws is tried twice and excluded; the others are measured', async () => {
    const simulation = createSimulation({
      onRun: (prunedRatios) => {
        if (key(prunedRatios) === key(bad)) throw new Error('out of memory');
      },
    });
    const table = await measureOn(simulation, configs, { protocol: { rounds: 2 } });
    expect(table.excluded).toEqual([{ prunedRatios: bad, reason: 'failed', message: 'out of memory' }]);
    expect(table.rows.map(({ ms }) => ms)).toEqual(configs.filter((one) => one !== bad).map(simulation.costMs));
    expect(eventsOf(simulation, 'visit-failed').map(({ willRetry }) => willRetry)).toEqual([true, false]);
    expect(eventsOf(simulation, 'config-excluded')).toHaveLength(1);
  });

  it('one that throws later, or in what makes it ready, is excluded as well', async () => {
    const simulation = createSimulation();
    let prepared = 0;
    const runner = {
      ...simulation.runner,
      prepare(prunedRatios: PrunedRatios) {
        if (key(prunedRatios) === key(bad) && prepared++ > 2) throw new TypeError('no plan');
        return simulation.runner.prepare?.(prunedRatios);
      },
    };
    const table = await measureOn({ ...simulation, runner }, configs);
    expect(table.excluded).toMatchObject([{ prunedRatios: bad, reason: 'failed', message: 'no plan' }]);
    expect(table.rows).toHaveLength(14);
  });

  it('one that fails now and then is tried again and measured', async () => {
    let badRuns = 0;
    const simulation = createSimulation({
      onRun: (prunedRatios) => {
        if (key(prunedRatios) === key(bad) && badRuns++ % 8 === 6) throw new Error('a thread was lost');
      },
    });
    const table = await measureOn(simulation, configs);
    expect(eventsOf(simulation, 'visit-failed').map(({ willRetry }) => willRetry)).toEqual([
      true,
      true,
      true,
      true,
      true,
    ]);
    expect(table.rows.map(({ ms }) => ms)).toEqual(configs.map(simulation.costMs));
  });

  it('a backend that is lost stops all, and says that the journal is kept', async () => {
    const simulation = createSimulation({
      onRun: (_, run) => {
        if (run >= 400) throw new Error('device lost');
      },
    });
    const result = measureOn(simulation, configs);
    await expect(result).rejects.toThrow(
      /expected the sentinel to run, got an error \(device lost\), .* 38 of 75 visits are in the journal/,
    );
    await expect(result).rejects.toMatchObject({ code: 'backend', cause: { message: 'device lost' } });
    expect(eventsOf(simulation, 'config-excluded')).toEqual([]);
  });

  it('a clock that is too coarse is met with several runs a sample', async () => {
    const simulation = createSimulation({ clockStepMs: 5, costMs: (ratios) => 1 + (ratios[0]?.[0] ?? 0) });
    const table = await measureOn(simulation, configs, { timerResolutionMs: 5, protocol: { rounds: 3 } });
    expect(table.rows).toHaveLength(15);
    for (const error of errorsOf(table, simulation)) expect(Math.abs(error)).toBeLessThan(0.02);
  });

  it('and without an end: no time is made up', async () => {
    const tooShort = createSimulation({ clockStepMs: 100, costMs: (ratios) => (key(ratios) === key(bad) ? 0.01 : 30) });
    const table = await measureOn(tooShort, configs, { timerResolutionMs: 100, protocol: { rounds: 1 } });
    expect(table.excluded).toMatchObject([{ prunedRatios: bad, reason: 'timer' }]);
    expect(table.excluded[0]?.message).toMatch(/1000 of them in 0 ms by a clock of steps of 100 ms/);
    const stopped = createSimulation();
    const broken = { ...stopped, now: () => 17 };
    await expect(measureOn(broken, configs)).rejects.toThrow(/expected runs that the clock can time, got 1000 of them/);
    let reads = 0;
    const backwards = { ...stopped, now: () => -reads++ };
    await expect(measureOn(backwards, configs)).rejects.toThrow(/clock that never goes back, got -1 ms/);
    const missing = { ...stopped, now: () => Number.NaN };
    await expect(measureOn(missing, configs)).rejects.toThrow(/clock that never goes back, got NaN ms/);
  });

  it('looks at the clock when nobody says how fine it is', async () => {
    let reads = 0;
    const simulation = createSimulation({ costMs: () => 100 });
    // 0.5 ms at a time, with every look
    const now = (): number => simulation.now() + Math.floor(reads++ / 10) * 0.5;
    await measure(simulation.runner, configs, {
      fingerprint,
      now,
      pause: simulation.pause,
      onEvent: simulation.onEvent,
    });
    expect(eventsOf(simulation, 'measurement-started')[0]?.timerResolutionMs).toBe(0.5);
  });

  it('is stopped by its signal, whatever is going on', async () => {
    const reason = new Error('enough');
    for (const stopAt of [0, 3, 90, 200, 333]) {
      const stop = new AbortController();
      const simulation = createSimulation({
        onRun: (_, run) => {
          if (run === stopAt) stop.abort(reason);
        },
      });
      await expect(measureOn(simulation, configs, { signal: stop.signal })).rejects.toBe(reason);
      expect(simulation.runs()).toBe(stopAt + 1);
    }
    await expect(measureOn(createSimulation(), configs, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe('progress', () => {
  it('counts visits up to all of them, and ends at no time left', async () => {
    const simulation = createSimulation();
    await measureOn(simulation, drawConfigs(23), { protocol: { rounds: 2 } });
    const progress = eventsOf(simulation, 'visit-ended').map((event) => event.progress);
    expect(progress.at(-1)).toMatchObject({ visitsDone: 46, visits: 46 });
    const done = progress.map(({ visitsDone }) => visitsDone);
    expect([...done].sort((a, b) => a - b)).toEqual(done);
    expect(progress.at(-1)?.remainingMs).toBeLessThan(5000);
  });

  it('foretells the rest of the run to a tenth once everything is warm', async () => {
    const simulation = createSimulation({ noise: 0.02 });
    const at: { timeMs: number; remainingMs: number }[] = [];
    const onEvent = (event: MeasureEvent): void => {
      simulation.onEvent(event);
      if (event.type !== 'visit-ended' || event.purpose === 'warm-up') return;
      at.push({ timeMs: simulation.now(), remainingMs: event.progress.remainingMs ?? Number.NaN });
    };
    await measureOn({ ...simulation, onEvent }, drawConfigs(40));
    const endMs = simulation.now();
    for (const { timeMs, remainingMs } of at.slice(0, at.length / 2)) {
      expect(Math.abs(remainingMs / (endMs - timeMs) - 1)).toBeLessThan(0.1);
    }
  });

  it('is estimated before it starts, from a few runs', async () => {
    const configs = drawConfigs(80);
    const simulation = createSimulation();
    const { runner, now, pause, onEvent } = simulation;
    const options = { fingerprint, now, pause, onEvent, timerResolutionMs: null };
    const estimate = await estimateCost(runner, configs, options);
    expect(estimate).toMatchObject({ configs: 80, rounds: 5, visits: 400 });
    expect(estimate.probes).toHaveLength(4);
    expect(simulation.runs()).toBe(4 * 5);
    const failing = { ...runner, run: (ratios: PrunedRatios) => (ratios === dense ? runner.run(ratios) : fail()) };
    const fail = (): never => {
      throw new Error('no');
    };
    const alone = await estimateCost(failing, configs, { ...options, sentinel: dense });
    expect(alone.probes.map(({ prunedRatios }) => prunedRatios)).toEqual([dense]);
    await expect(estimateCost({ run: fail }, configs, options)).rejects.toThrow('no');
    const begin = now();
    await measure(runner, configs, options);
    expect(Math.abs(estimate.ms / (now() - begin) - 1)).toBeLessThan(0.2);
  });
});

describe('what cannot be', () => {
  const { runner, now } = createSimulation();
  it.each<[string, readonly PrunedRatios[], Partial<MeasureOptions>, RegExp]>([
    ['no configuration', [], {}, /list of 1 to 10000 configurations, got 0/],
    ['one twice', [dense, dense], {}, /each configuration once, got .* at places 0 and 1/],
    ['one of another model', [[[0], [0]]], {}, /expected 4 stages/],
    ['one that falls', [[[0], [0], [0.2, 0.1, 0.1], [0]]], {}, /do not decrease/],
    ['one out of range', [[[Number.NaN], [0], [0, 0, 0], [0]]], {}, /from 0 to 0.95, got NaN/],
    ['a sentinel of another model', [dense], { sentinel: [[0]] }, /expected 4 stages/],
    ['no rounds', [dense], { protocol: { rounds: 0 } }, /rounds to be a whole number from 1/],
    ['half a sample', [dense], { protocol: { samplesPerVisit: 1.5 } }, /samplesPerVisit .* got 1.5/],
    ['a negative move', [dense], { protocol: { largestMove: -1 } }, /largestMove to be a number of at least 0/],
    ['no seed', [dense], { protocol: { seed: Number.NaN } }, /seed to be a whole number, got NaN/],
    ['too short a warm-up', [dense], { protocol: { mostWarmUpRuns: 2 } }, /mostWarmUpRuns to be at least/],
    ['a typo', [dense], { protocol: { round: 3 } as object }, /options to be one of seed, rounds, .* got round/],
    [
      'an input of nothing',
      [dense],
      { fingerprint: { ...fingerprint, input: { batch: 0, height: 1, width: 1 } } },
      /batch/,
    ],
    ['a clock without steps', [dense], { timerResolutionMs: 0 }, /timerResolutionMs to be a number above 0 or null/],
  ])('%s', async (_, configs, options, message) => {
    const result = measure(runner, configs, { fingerprint, now, timerResolutionMs: null, ...options });
    await expect(result).rejects.toThrow(message);
    await expect(result).rejects.toBeInstanceOf(ConfigError);
  });
});
