import type { LatencyTable } from '@sparsevit/config';
import { createProtocol } from '@sparsevit/latency';
import { createRandom, sparsityModes } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import { createSimulatedDevice } from '../../../packages/latency/test/simulated-device';
import type { BenchPart } from '../src/bench/plan';
import { createBenchPlan } from '../src/bench/plan';
import { renderReport } from '../src/bench/report';

const named = ({ configs }: BenchPart): string[] => configs.map((config) => JSON.stringify(config));

describe.each([false, true])('the plan, quick: %s', (isQuick) => {
  const plan = createBenchPlan({ isQuick });
  const of = (role: BenchPart['role']): BenchPart[] => plan.parts.filter((part) => part.role === role);

  test('at most 100 to fit, none of them held out, the same for every number of threads', () => {
    const [fit, held] = [of('fit'), of('hold-out')];
    expect(fit.map(({ threads }) => threads)).toEqual([1, 2]);
    expect(fit[0]?.configs).toEqual(fit[1]?.configs);
    expect(held[0]?.configs).toEqual(held[1]?.configs);
    const [fitted, judged] = [fit[0], held[0]].map((part) => (part === undefined ? [] : named(part)));
    expect(fitted?.length).toBe(isQuick ? 40 : 100);
    expect(judged?.length).toBe(isQuick ? 16 : 40);
    expect(judged?.filter((name) => fitted?.includes(name))).toEqual([]);
    for (const { protocol } of plan.parts) expect(createProtocol(protocol).rounds).toBe(4);
  });

  test('every hold-out comes after everything that is fitted to', () => {
    const roles = plan.parts.map(({ role }) => role);
    expect(roles.indexOf('hold-out')).toBeGreaterThan(roles.lastIndexOf('fit'));
    expect(roles.indexOf('hold-out')).toBeGreaterThan(roles.lastIndexOf('calibration'));
    expect(new Set(plan.parts.map(({ name }) => name)).size).toBe(plan.parts.length);
  });
});

/** The tables of a simulated device, each visit off by a share. */
function simulatedTables(noise: number): Map<string, LatencyTable> {
  const { architecture, parts, preset } = createBenchPlan({ isQuick: true });
  const random = createRandom(3);
  return new Map(
    parts.map(({ name, sizePixels, threads, configs, protocol }): [string, LatencyTable] => {
      const input = { batch: 1, height: sizePixels, width: sizePixels };
      const device = createSimulatedDevice({ architecture, ...input });
      const rows = configs.map((prunedRatios) => {
        const ms = (device(prunedRatios) * (threads === 1 ? 1 : 0.55)) as number;
        const visitMs = Array.from({ length: 4 }, () => ms * Math.exp(noise * random.normal()));
        const visits = visitMs.map((one, round) => ({
          round,
          session: 0,
          startMs: 0,
          endMs: one,
          samplesMs: [one],
          driftRatio: 1,
        }));
        const ascending = [...visitMs].sort((a, b) => a - b);
        return { prunedRatios, ms: ((ascending[1] ?? ms) + (ascending[2] ?? ms)) / 2, visitMs, visits };
      });
      const table: LatencyTable = {
        format: 'sparsevit-latency-table',
        version: 1,
        device: {
          name: 'Simulated',
          driver: null,
          platform: 'test',
          runtime: 'Node 0',
          backend: 'engine',
          backendVersion: '0',
          kernels: 'none',
          threads,
        },
        model: { name: preset, hash: '0', architecture, rules: sparsityModes.clean },
        input,
        protocol: createProtocol(protocol),
        sessions: [{ startedAt: '2026-01-01T00:00:00.000Z', timerResolutionMs: null }],
        rows,
        excluded: [],
        sentinel: {
          prunedRatios: architecture.depths.map(() => [0]),
          ms: device(architecture.depths.map(() => [0])) * (threads === 1 ? 1 : 0.55),
          readings: [],
        },
        unsteady: [],
        noise: null,
      };
      return [name, table];
    }),
  );
}

describe('the report', () => {
  const plan = createBenchPlan({ isQuick: true });
  const report = (noise: number): string =>
    renderReport(plan, simulatedTables(noise), { loadBefore: null, command: 'bench' });

  test('figures of both numbers of threads, of every kind and of the moves; what is asked is met without noise', () => {
    const text = report(0.002);
    expect(text).toContain('Met.');
    expect(text.match(/^\| [12] threads? \| \d\.\d\d \| [\d.]+ \| 100\.0 \| 0\.9\d\d \| /gm)).toHaveLength(2);
    expect(text.match(/^\| [12] threads?, at the speed of the fit \| \d\.\d\d \| /gm)).toHaveLength(2);
    expect(text.match(/\*\*(macs|physical|table|boosted)\*\*/g)).toHaveLength(2);
    expect(text.match(/^\| 1 thread to 2 threads \| (not moved|5|10|20) \| /gm)).toHaveLength(4);
    expect(text.match(/^\| 224 to 112 pixels, 1 thread \| /gm)).toHaveLength(4);
    expect(text.match(/^\| nn-Meter, /gm)).toHaveLength(4);
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('what is asked is not met with much noise, and a table that is missing is named', () => {
    expect(report(0.3)).toContain('Not met.');
    const tables = simulatedTables(0);
    tables.delete('224-2-hold-out');
    expect(() => renderReport(plan, tables, { loadBefore: 0, command: 'bench' })).toThrow(/224-2-hold-out, got none/);
  });
});
