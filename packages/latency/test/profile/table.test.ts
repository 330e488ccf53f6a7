import { parseLatencyTable, type LatencyTable as TableDocument } from '@sparsevit/config';
import { ConfigError } from '@sparsevit/windows';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { DeviceFingerprint, LatencyRow, LatencyTable } from '../../src/index';
import {
  agree,
  checkSameDevice,
  differencesOf,
  fingerprintKey,
  measure,
  median,
  quantile,
  stableHash,
  timerResolution,
} from '../../src/index';
import { createSimulation, drawConfigs, fingerprint } from './simulated-runner';

const { device, model, input } = fingerprint;

describe('the table', () => {
  it('is the document of @sparsevit/config', async () => {
    expectTypeOf<TableDocument>().toExtend<LatencyTable>();
    expectTypeOf<LatencyTable>().toExtend<TableDocument>();
    expectTypeOf<LatencyTable['rows'][number]>().toExtend<LatencyRow>();
    const { runner, now, pause, onEvent } = createSimulation({
      noise: 0.08,
      outliers: 0.1,
      onRun: (ratios) => {
        if (ratios[0]?.[0] === 0.8) throw new Error('no');
      },
    });
    const options = { fingerprint, now, pause, onEvent, timerResolutionMs: null, startedAt: '2026-01-01T00:00:00Z' };
    const table = await measure(runner, drawConfigs(30), { ...options, protocol: { visitsPerStretch: 4 } });
    for (const list of [table.rows, table.excluded, table.unsteady]) expect(list.length).toBeGreaterThan(0);
    expect(parseLatencyTable(JSON.parse(JSON.stringify(table)))).toEqual(table);
  });

  it('says where each number comes from', async () => {
    const { runner, now, pause, onEvent } = createSimulation({ noise: 0.03, seed: 8 });
    const options = { fingerprint, now, pause, onEvent, timerResolutionMs: null };
    const { rows, sentinel, noise } = await measure(runner, drawConfigs(12), options);
    for (const { ms, visitMs, visits } of rows) {
      expect(visits.map(({ samplesMs, driftRatio }) => median(samplesMs) / driftRatio)).toEqual(visitMs);
      expect(median(visitMs)).toBe(ms);
      expect(visits.map(({ round }) => round)).toEqual([0, 1, 2, 3, 4]);
      for (const { startMs, endMs, samplesMs } of visits) {
        expect(endMs - startMs).toBeCloseTo(
          samplesMs.reduce((sum, sample) => sum + sample, 0),
          9,
        );
      }
    }
    // one look before the first stretch, one behind each of the ten
    expect(sentinel.readings.length).toBe(11);
    expect(noise?.visit).toBeGreaterThan(0.008);
    expect(noise?.visit).toBeLessThan(0.04);
    expect(noise?.row).toBeCloseTo(((noise?.visit ?? 0) * Math.sqrt(Math.PI / 2)) / Math.sqrt(5), 12);
  });

  it('has no noise floor of a single round', async () => {
    const { runner, now, pause } = createSimulation();
    const options = { fingerprint, now, pause, timerResolutionMs: null, protocol: { rounds: 1 } };
    expect(await measure(runner, drawConfigs(3), options)).toMatchObject({ noise: null, rows: [{}, {}, {}] });
  });
});

describe('a fingerprint', () => {
  const other = (changes: Partial<DeviceFingerprint>): DeviceFingerprint => ({ ...fingerprint, ...changes });

  it.each<[string, DeviceFingerprint]>([
    ['device', other({ device: { ...device, name: 'Another processor' } })],
    ['driver', other({ device: { ...device, driver: '550.54' } })],
    ['platform', other({ device: { ...device, platform: 'darwin arm64' } })],
    ['runtime', other({ device: { ...device, runtime: 'Node 1' } })],
    ['backend', other({ device: { ...device, backend: 'webgpu' } })],
    ['backend version', other({ device: { ...device, backendVersion: '@sparsevit/engine 9.0.0' } })],
    ['kernels', other({ device: { ...device, kernels: 'relaxed SIMD' } })],
    ['threads', other({ device: { ...device, threads: 8 } })],
    ['model', other({ model: { ...model, hash: '0000000000000000' } })],
    ['sparsity rules', other({ model: { ...model, rules: { ...model.rules, minKept: 0 } } })],
    ['input', other({ input: { ...input, width: 225 } })],
    ['batch', other({ input: { ...input, batch: 2 } })],
  ])('another %s is another key, and is named', (field, changed) => {
    expect(fingerprintKey(changed)).not.toBe(fingerprintKey(fingerprint));
    expect(differencesOf(fingerprint, changed).map((difference) => difference.field)).toEqual([field]);
    expect(() => checkSameDevice(fingerprint, changed)).toThrow(
      new RegExp(`measured on this device, got another: ${field} .*, not .*\\. Measure here`),
    );
    expect(() => checkSameDevice(fingerprint, changed)).toThrow(ConfigError);
    expect(checkSameDevice(fingerprint, changed, { takesOther: true })).toHaveLength(1);
  });

  it('is the same whatever the model is called, and in whatever order fields are', () => {
    const renamed = other({ model: { ...model, name: null } });
    const reordered = { input: { width: 224, height: 224, batch: 1 }, model, device } as const;
    for (const same of [renamed, reordered]) {
      expect(fingerprintKey(same)).toBe(fingerprintKey(fingerprint));
      expect(checkSameDevice(fingerprint, same)).toEqual([]);
    }
  });

  it('keeps its key from version to version', () => {
    expect(fingerprintKey(fingerprint)).toMatch(/^[0-9a-f]{16}$/);
    expect(fingerprintKey(fingerprint)).toBe('8e82f87278a63457');
  });

  it('a long name does not flood a message', () => {
    const long = other({ device: { ...device, name: 'x'.repeat(10_000) } });
    expect(() => checkSameDevice(fingerprint, long)).toThrow(/^.{0,400}$/);
  });
});

describe('stableHash', () => {
  it('is FNV-1a of sorted JSON', () => {
    // of "": 4 bytes '""' ... compared with a plain implementation over numbers
    const plain = (text: string): string => {
      let hash = 14695981039346656037n;
      for (const byte of Buffer.from(text)) hash = ((hash ^ BigInt(byte)) * 1099511628211n) % 2n ** 64n;
      return hash.toString(16).padStart(16, '0');
    };
    expect(stableHash({ b: [1, { d: 'ä', c: null }], a: 0.1 })).toBe(plain('{"a":0.1,"b":[1,{"c":null,"d":"ä"}]}'));
    expect(stableHash([2, 1])).not.toBe(stableHash([1, 2]));
  });
});

describe('statistics', () => {
  it('takes quantiles between neighbours', () => {
    expect([0, 0.25, 0.5, 1].map((share) => quantile([4, 1, 3, 2], share))).toEqual([1, 1.75, 2.5, 4]);
    expect(median([7])).toBe(7);
    expect(() => median([])).toThrow(RangeError);
  });

  it('says whether values agree', () => {
    expect([agree([100, 105, 102], 0.05), agree([100, 105.1], 0.05), agree([3], 0)]).toEqual([true, false, true]);
  });

  it('sees the steps of a clock, and that one does not move', () => {
    let reads = 0;
    expect(timerResolution(() => Math.floor(reads++ / 7) * 0.25)).toBe(0.25);
    expect(timerResolution(() => 5)).toBeNull();
    expect(timerResolution(() => performance.now())).toBeGreaterThan(0);
  });
});
