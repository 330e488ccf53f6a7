import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PrunedRatios } from '@sparsevit/windows';
import { CheckpointError, createRandom } from '@sparsevit/windows';
import { afterAll, describe, expect, it } from 'vitest';
import type { JournalStorage, LatencyTable, MeasureOptions } from '../../src/index';
import { estimateCost, latencyTableOf, measure, memoryJournal } from '../../src/index';
import { fileJournal } from '../../src/node';
import type { Simulation, SimulationOptions } from './simulated-runner';
import { createSimulation, drawConfigs, fingerprint, stairsMs } from './simulated-runner';

const folder = mkdtempSync(join(tmpdir(), 'sparsevit-latency-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const configs = drawConfigs(17);
const protocol = { rounds: 3, visitsPerStretch: 5, leastWarmUpRuns: 2, agreeingRuns: 2, samplesPerSentinel: 5 };

/** Lines that were added, and bytes that were on their way when the process ended. */
interface Disk {
  readonly lines: string[];
}

/** A journal on a disk that ends the process before, within or after a write. */
function diskJournal(disk: Disk, onWrite: () => void): JournalStorage {
  return {
    readLines: () => [...disk.lines],
    append(line) {
      onWrite(); // before: the line is lost
      disk.lines.push(line);
      onWrite(); // after: it is not
    },
  };
}

const never = new Promise<never>(() => {});

/** Runs until the end, or until a process that is killed at the `killAt`-th thing it does; null then. */
async function runUntilKilled(
  simulation: Simulation,
  { disk, killAt, options = {} }: { disk: Disk; killAt: number; options?: Partial<MeasureOptions> },
): Promise<LatencyTable | null> {
  let things = 0;
  let kill: (table: null) => void = () => {};
  const killed = new Promise<null>((resolve) => {
    kill = resolve;
  });
  /** Does not come back when it is time. */
  const live = (): void => {
    if (things++ >= killAt) throw new KilledError();
  };
  class KilledError extends Error {}
  const die = async <Result>(body: () => Result | Promise<Result>): Promise<Result> => {
    try {
      return await body();
    } catch (error) {
      if (!(error instanceof KilledError)) throw error;
      kill(null);
      return never;
    }
  };
  const { runner, now, pause, onEvent } = simulation;
  const journal = diskJournal(disk, live);
  const table = measure(
    {
      prepare: (ratios) => runner.prepare?.(ratios),
      run: (ratios) =>
        die(async () => {
          live();
          await runner.run(ratios);
        }),
      release: (ratios) => runner.release?.(ratios),
    },
    configs,
    {
      fingerprint,
      now,
      pause,
      onEvent,
      timerResolutionMs: null,
      protocol,
      journal: { readLines: journal.readLines, append: (line) => die(() => journal.append(line)) },
      ...options,
    },
  );
  const ended = await Promise.race([table, killed]);
  void simulation.runner.release?.(configs[0] as PrunedRatios);
  return ended;
}

/** What has to be the same: everything but the times on the clock and the sessions. */
function withoutClock({ rows, excluded, sentinel, unsteady, noise, protocol: numbers }: LatencyTable): unknown {
  return {
    rows: rows.map(({ visits, ...row }) => ({
      ...row,
      visits: visits.map(({ round, samplesMs, driftRatio }) => ({ round, samplesMs, driftRatio })),
    })),
    excluded,
    sentinelMs: sentinel.ms,
    unsteady,
    noise,
    numbers,
  };
}

describe('a measurement that is killed and started again', () => {
  const failing = JSON.stringify(configs[3]);
  const devices: [string, () => SimulationOptions, string[]][] = [
    ['a quiet device', () => ({}), []],
    [
      'a noisy one with a configuration that fails',
      () => ({
        noise: 0.04,
        outliers: 0.1,
        onRun: (ratios) => {
          if (JSON.stringify(ratios) === failing) throw new Error('out of memory');
        },
      }),
      ['dropped', 'repeated'],
    ],
    ['one so noisy that stretches are repeated and dropped', () => ({ noise: 0.12, seed: 5 }), ['dropped', 'repeated']],
  ];

  it.each(devices)('%s: gives the same at any point', async (_, device, outcomes) => {
    const whole = await runUntilKilled(createSimulation(device()), { disk: { lines: [] }, killAt: 1e9 });
    if (whole === null) throw new Error('expected a table, got none');
    const expected = withoutClock(whole);
    expect([...new Set(whole.unsteady.map(({ outcome }) => outcome))].sort()).toEqual(outcomes);
    let counted = 0;
    const counting = createSimulation(device());
    await runUntilKilled(counting, { disk: { lines: [] }, killAt: 1e9 });
    counted = counting.runs();
    expect(counted).toBeGreaterThan(300);
    // every point at the beginning and a sample of all others
    const random = createRandom(11);
    const points = [
      ...Array.from({ length: 12 }, (_, i) => i),
      ...Array.from({ length: 30 }, () => random.integer(12, counted)),
    ];
    for (const killAt of points) {
      const simulation = createSimulation(device());
      const disk: Disk = { lines: [] };
      expect(await runUntilKilled(simulation, { disk, killAt })).toBeNull();
      const resumed = await runUntilKilled(simulation, { disk, killAt: 1e9 });
      expect(resumed && withoutClock(resumed)).toEqual(expected);
    }
  });

  it('gives the same when it is killed again and again', async () => {
    const device: SimulationOptions = { noise: 0.05, outliers: 0.1, seed: 3 };
    const whole = await runUntilKilled(createSimulation(device), { disk: { lines: [] }, killAt: 1e9 });
    const random = createRandom(4);
    for (let trial = 0; trial < 5; trial++) {
      const simulation = createSimulation(device);
      const disk: Disk = { lines: [] };
      let table: LatencyTable | null = null;
      let sessions = 0;
      for (; table === null; sessions++) {
        table = await runUntilKilled(simulation, { disk, killAt: random.integer(60, 260) });
      }
      expect(sessions).toBeGreaterThan(3);
      expect(withoutClock(table)).toEqual(whole && withoutClock(whole));
      expect(table.sessions.length).toBeGreaterThan(2);
    }
  });

  it('measures nothing again that is in the journal, and nothing at all at the end', async () => {
    const simulation = createSimulation();
    const disk: Disk = { lines: [] };
    await runUntilKilled(simulation, { disk, killAt: 330 });
    const options = { fingerprint, protocol, journal: memoryJournal(disk.lines), timerResolutionMs: null };
    const stretches = disk.lines.filter((line) => line.includes('"stretch"')).length;
    expect(stretches).toBeGreaterThan(4);
    const left = await estimateCost(simulation.runner, configs, { ...options, now: simulation.now });
    expect(left.visits).toBeLessThan(51 - 4 * stretches);
    const soFar = await latencyTableOf(configs, options);
    expect(soFar.rows.length).toBeGreaterThan(0);
    expect(soFar.rows.length).toBeLessThan(configs.length);
    for (const { prunedRatios, ms } of soFar.rows) expect(ms).toBe(stairsMs(prunedRatios));
    const before = simulation.runs();
    const table = await runUntilKilled(simulation, { disk, killAt: 1e9 });
    expect(simulation.runs() - before).toBeLessThan(400);
    expect(table?.rows).toHaveLength(17);
    const runs = simulation.runs();
    const lines = disk.lines.length;
    expect(await runUntilKilled(simulation, { disk, killAt: 1e9 })).toEqual(table);
    expect([simulation.runs(), disk.lines.length]).toEqual([runs, lines]);
    const done = { ...options, journal: memoryJournal(disk.lines), now: simulation.now };
    expect(await estimateCost(simulation.runner, configs, done)).toMatchObject({ visits: 0, ms: 0, probes: [] });
  });
});

describe('a journal of something else', () => {
  const simulation = createSimulation();
  const { runner, now, pause } = simulation;
  const base: MeasureOptions = { fingerprint, now, pause, protocol, timerResolutionMs: null };
  const { device, model, input } = fingerprint;

  it.each<[string, Partial<MeasureOptions>, readonly PrunedRatios[], RegExp]>([
    [
      'another number of threads',
      { fingerprint: { ...fingerprint, device: { ...device, threads: 2 } } },
      configs,
      /one of another: threads 1, not 2\. Name another journal, or remove it to begin anew\.$/,
    ],
    [
      'another model and size',
      { fingerprint: { device, model: { ...model, hash: 'ffffffffffffffff' }, input: { ...input, width: 512 } } },
      configs,
      /model 0123456789abcdef, not ffffffffffffffff; input 224x224, not 224x512/,
    ],
    ['another seed', { protocol: { ...protocol, seed: 9 } }, configs, /another: seed 0, not 9/],
    ['another sentinel', { sentinel: configs[0] as PrunedRatios }, configs, /another: sentinel/],
    ['other configurations', {}, configs.slice(1), /another: configurations/],
    ['another order of them', {}, [...configs].reverse(), /another: configurations/],
  ])('%s is refused', async (_, changes, others, message) => {
    const journal = memoryJournal();
    await measure(runner, configs, { ...base, journal });
    const lines = await journal.readLines();
    const result = measure(runner, others, { ...base, ...changes, journal });
    await expect(result).rejects.toThrow(message);
    await expect(result).rejects.toBeInstanceOf(CheckpointError);
    expect(await journal.readLines()).toEqual(lines);
  });

  it('a name of the model is no difference', async () => {
    const journal = memoryJournal();
    const table = await measure(runner, configs, { ...base, journal });
    const renamed = { device, model: { ...model, name: 'tuned' }, input };
    const again = await measure(runner, configs, { ...base, fingerprint: renamed, journal });
    expect(again.rows).toEqual(table.rows);
  });

  it('damage is refused with its line, and nothing of it becomes a number', async () => {
    const journal = memoryJournal();
    await measure(runner, configs, { ...base, journal });
    const lines = [...(await journal.readLines())];
    const at = lines.findIndex((line) => line.includes('"type":"stretch"'));
    const stretch = lines[at] ?? '';
    const damages: [number, string][] = [
      [0, '{}'],
      [0, 'no json'],
      [0, '{"format":"sparsevit-latency-journal","version":1}'],
      [at, stretch.slice(0, 40)],
      [at, stretch.replace('"attempt":0', '"attempt":1')],
      [at, stretch.replace(/"samplesMs":\[[\d.]+/, '"samplesMs":[-1')],
      [at, stretch.replace(/"samplesMs":\[[\d.]+/, '"samplesMs":[null')],
      [at, stretch.replace(/"config":\d+/, '"config":99')],
      [at, '[]'],
      [at, 'null'],
      [at, '{"type":"constructor"}'],
      [1, '{"type":"session","startedAt":5,"timerResolutionMs":null}'],
      [1, stretch],
    ];
    for (const [line, text] of damages) {
      const damaged = memoryJournal(lines.map((whole, i) => (i === line ? text : whole)));
      const result = measure(runner, configs, { ...base, journal: damaged });
      await expect(result, text.slice(0, 60)).rejects.toThrow(new RegExp(`\\(line ${line + 1}\\)`));
      await expect(result).rejects.toBeInstanceOf(CheckpointError);
    }
    const doubled = memoryJournal([...lines.slice(0, at + 1), stretch]);
    await expect(measure(runner, configs, { ...base, journal: doubled })).rejects.toThrow(
      /got stretch 0, attempt 0 where stretch 1, attempt 0 was due \(line \d+\)/,
    );
    const newer = (lines[0] ?? '').replace('"version":1', '"version":2');
    await expect(measure(runner, configs, { ...base, journal: memoryJournal([newer]) })).rejects.toThrow(
      /version 1 at most, got 2\. It was written by a newer/,
    );
  });
});

describe('fileJournal', () => {
  it('is made with the first line, and gives lines back', async () => {
    const path = join(folder, 'new.jsonl');
    const journal = fileJournal(path);
    expect(await journal.readLines()).toEqual([]);
    await journal.append('{"a":"ä"}');
    await journal.append('{"b":2}');
    expect(await journal.readLines()).toEqual(['{"a":"ä"}', '{"b":2}']);
    expect(await fileJournal(path).readLines()).toEqual(['{"a":"ä"}', '{"b":2}']);
    expect(readFileSync(path, 'utf8')).toBe('{"a":"ä"}\n{"b":2}\n');
  });

  it('survives a last line that is cut anywhere, with or without reading first', async () => {
    const path = join(folder, 'torn.jsonl');
    const whole = Buffer.from('{"first":1}\n{"second":"ä"}\n');
    for (let length = 0; length <= whole.length; length++) {
      const lines = ['{"first":1}', '{"second":"ä"}'].slice(0, length === whole.length ? 2 : length >= 12 ? 1 : 0);
      for (const reads of [true, false]) {
        writeFileSync(path, whole.subarray(0, length));
        const journal = fileJournal(path);
        if (reads) expect(await journal.readLines()).toEqual(lines);
        await journal.append('{"next":3}');
        expect(readFileSync(path, 'utf8')).toBe([...lines, '{"next":3}', ''].join('\n'));
      }
    }
  });

  it('says what the disk refuses', async () => {
    await expect(fileJournal(folder).readLines()).rejects.toThrow(/expected to read .* got EISDIR/);
    await expect(fileJournal(join(folder, 'none', 'x')).append('1')).rejects.toThrow(/add a line to .* got ENOENT/);
    await expect(fileJournal(folder).append('1')).rejects.toBeInstanceOf(CheckpointError);
  });

  it('keeps a measurement whose file was cut in the middle of a line', async () => {
    const path = join(folder, 'measure.jsonl');
    const simulation = createSimulation({ noise: 0.02 });
    const { runner, now, pause, onEvent } = simulation;
    const options: MeasureOptions = { fingerprint, now, pause, onEvent, protocol, timerResolutionMs: null };
    const whole = await measure(runner, configs, { ...options, journal: fileJournal(path) });
    const bytes = readFileSync(path);
    for (const length of [bytes.length - 1, bytes.length - 700, bytes.length >> 1, 900, 10]) {
      writeFileSync(path, bytes.subarray(0, length));
      const resumed = await measure(runner, configs, { ...options, journal: fileJournal(path) });
      expect(withoutClock(resumed)).toEqual(withoutClock(whole));
    }
  });
});
