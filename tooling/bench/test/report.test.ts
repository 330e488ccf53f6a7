import { describe, expect, it } from 'vitest';
import type { CaseSpec } from '../src/cases';
import { caseId } from '../src/cases';
import { mergeCold } from '../src/cold';
import { growthOf } from '../src/growth';
import { makePlan, protocolOf } from '../src/plan';
import { formatMs, table } from '../src/report/format';
import { judgeGoals } from '../src/report/goals';
import { reportMarkdown } from '../src/report/markdown';
import { readResult } from '../src/report/read';
import type { BenchResult, CaseResult, GroupResult, ProfileResult } from '../src/result';
import { spreadOf } from '../src/statistics';

const caseOf = (spec: Partial<CaseSpec>, roundsMs: readonly number[], gmacs = 10): CaseResult => {
  const whole: CaseSpec = { engine: 'sparsevit', configuration: 'dense', sizePixels: 512, kind: 'forward', ...spec };
  const spread = spreadOf(roundsMs);
  return {
    ...whole,
    ...spread,
    id: caseId(whole),
    roundsMs,
    unsteadyVisits: 0,
    gmacs,
    msPerGmac: spread.median / gmacs,
  };
};

const groupOf = (sizePixels: number, cases: readonly CaseResult[]): GroupResult => ({
  sizePixels,
  cases,
  raw: { visits: [], sentinels: [] },
  largestDrift: 0.02,
});

const cold = {
  configuration: 'dense',
  sizePixels: 1024,
  startMs: 900,
  firstMs: 400,
  steadyMs: 200,
  firstToSteady: 2,
  wasmHeapBytes: 2 ** 30,
  peakProcessBytes: 1.5 * 2 ** 30,
};

const resultOf = (runtime: string, kernels: string): BenchResult => ({
  version: 1,
  kind: 'sparsevit-bench',
  date: '2026-01-02T03:04:05.000Z',
  command: 'node tooling/bench/bench.mjs --peers',
  machine: {
    runtime,
    os: 'Linux',
    cpu: 'Some CPU',
    cores: 2,
    memoryBytes: 2 ** 33,
    backend: 'wasm (SIMD, 1 thread)',
    kernels,
    versions: { tool: '1.2.3' },
    gitCommit: 'abc',
    flags: [],
    loadBefore: 0,
  },
  protocol: protocolOf(makePlan({ runtime: 'node' }), 'dense'),
  seed: 0,
  groups: [
    groupOf(512, [
      caseOf({}, [1000, 1200, 1100]),
      caseOf({ configuration: '0.6' }, [400, 480, 440], 4),
      caseOf({ configuration: '.3|0|.1,.2,.2|0' }, [800, 960, 880], 8),
      caseOf({ engine: 'ort-web' }, [1667, 2000, 1833]),
      caseOf({ engine: 'ort-node-1' }, [640, 768, 704]),
    ]),
  ],
  training: groupOf(448, [
    caseOf({ configuration: '0.6', sizePixels: 448 }, [100, 110, 120]),
    caseOf({ configuration: '0.6', sizePixels: 448, kind: 'training-step' }, [330, 363, 396]),
  ]),
  profiles: [],
  cold: [cold],
  growth: { withMacs: [], pixelsExponent: null },
  warnings: [],
});

describe('goals', () => {
  const judge = (kernels: string): Record<string, { measured: string | null; isMet: boolean | null }> =>
    Object.fromEntries(judgeGoals(resultOf('Node', kernels)).map((goal) => [goal.figure, goal]));

  it('are judged by ratios of the same round', () => {
    const goal = judge('relaxed SIMD')['dense, 512 px, against onnxruntime-web WASM'];
    expect(goal?.measured).toBe('0.600x (0.600x to 0.600x)');
    expect(goal?.isMet).toBe(false);
  });

  it('are softer without relaxed SIMD', () => {
    expect(judge('SIMD')['dense, 512 px, against onnxruntime-web WASM']?.isMet).toBe(true);
  });

  it('that were not measured are neither met nor missed', () => {
    expect(judge('SIMD')['60 % pruned, 672 px, against own dense']).toMatchObject({ measured: null, isMet: null });
  });

  it('charge pruning with its kernels and the JavaScript that a dense forward has not', () => {
    const profileOf = (configuration: string, outside: number): ProfileResult => ({
      configuration,
      sizePixels: 672,
      kind: 'forward',
      runs: 3,
      totalMs: 1000,
      partsMs: { products: 900, attention: 40, scoring: 4, moving: 16, norms: 10, other: 0, outside },
      overheadShare: 0.06,
      selectionShare: 0.05,
      slowestKernelsMs: {},
      products: null,
    });
    const judgeWith = (outsidePruned: number): unknown =>
      judgeGoals({
        ...resultOf('Node', 'SIMD'),
        profiles: [profileOf('dense', 20), profileOf('0.6', outsidePruned)],
      }).find(({ figure }) => figure.startsWith('scoring'));
    expect(judgeWith(28)).toMatchObject({ measured: '2.8 %', isMet: true });
    expect(judgeWith(31)).toMatchObject({ measured: '3.1 %', isMet: false });
    expect(judgeWith(5)).toMatchObject({ measured: '2.0 %', isMet: true });
  });

  it('hold a training step against its own forward, memory against the process', () => {
    const goals = judge('SIMD');
    expect(goals['training step, 60 % pruned, 448 px, against its forward']).toMatchObject({ isMet: false });
    expect(goals['peak memory of the process, dense, 1024 px']).toMatchObject({ measured: '1.50 GiB', isMet: false });
    expect(goals['first run, of a steady one (the worst size)']).toMatchObject({ measured: '2.000x', isMet: true });
  });
});

describe('the section', () => {
  const text = reportMarkdown([resultOf('Node 20.1.0', 'SIMD'), resultOf('Node 24.1.0', 'relaxed SIMD')]);

  it('has the runs side by side', () => {
    expect(text).toContain(
      '|  | GMACs | Node 20.1.0 | of own dense | ms per GMAC | Node 24.1.0 | of own dense | ms per GMAC |',
    );
    expect(text).toContain(
      '| SparseViT, 60 % pruned | 4.00 | 440 (420 to 460) | 0.400 | 110 | 440 (420 to 460) | 0.400 | 110 |',
    );
  });

  it('escapes the notation, so that the table holds', () => {
    const row = text.split('\n').find((line) => line.includes('.1,.2,.2'));
    expect(row).toContain('`.3\\|0\\|.1,.2,.2\\|0`');
    expect(row?.split(/(?<!\\)\|/)).toHaveLength(10);
  });

  it('says the machine, the command and what goals were met', () => {
    expect(text).toContain('Node 24.1.0: Some CPU, 2 cores');
    expect(text).toContain('`node tooling/bench/bench.mjs --peers`');
    expect(text).toMatch(/against onnxruntime-web WASM \| Node 20\.1\.0 \| at most 0\.680x \| .* \| met \|/);
    expect(text).toMatch(/against onnxruntime-web WASM \| Node 24\.1\.0 \| at most 0\.550x \| .* \| not met \|/);
  });

  it('shows a row that only one run has', () => {
    const [first, second] = [resultOf('A', 'SIMD'), resultOf('B', 'SIMD')];
    const without = { ...second, groups: second.groups.map((group) => ({ ...group, cases: group.cases.slice(0, 1) })) };
    expect(reportMarkdown([first, without])).toContain('| 440 (420 to 460) | 0.400 | 110 | - | - | - |');
  });
});

describe('growth', () => {
  it('is a line through the uniform rows, and a power of pixels', () => {
    const small = [
      caseOf({}, [100], 10),
      caseOf({ configuration: '0.6' }, [46], 4),
      caseOf({ configuration: '0|0|0,0,0|.6' }, [1], 9),
    ];
    const large = [caseOf({ sizePixels: 1024 }, [400], 40)];
    const growth = growthOf([groupOf(512, small), groupOf(1024, large)]);
    expect(growth.withMacs).toHaveLength(1);
    expect(growth.withMacs[0]?.atZero).toBeCloseTo(0.1, 9);
    expect(growth.withMacs[0]?.perShare).toBeCloseTo(0.9, 9);
    expect(growth.pixelsExponent).toBeCloseTo(1, 9);
  });
});

describe('result files', () => {
  it('come back as they were', () => {
    const result = resultOf('Node', 'SIMD');
    expect(readResult(JSON.stringify(result), 'a.json')).toEqual(result);
  });

  it.each(['', 'null', '{}', '{"kind":"sparsevit-bench","version":2}', '[]'])('refuses %j', (text) => {
    expect(() => readResult(text, 'a.json')).toThrow('markdown: expected a result of the bench (version 1) in a.json');
  });
});

it('first runs of several processes are their medians, with the largest peak', () => {
  const merged = mergeCold([
    cold,
    { ...cold, firstMs: 900, firstToSteady: 4.5 },
    { ...cold, peakProcessBytes: 2 ** 31 },
  ]);
  expect(merged).toEqual({ ...cold, peakProcessBytes: 2 ** 31 });
});

it('numbers have the digits that mean something', () => {
  expect([1.234, 12.34, 123.4, 1234.5].map(formatMs)).toEqual(['1.23', '12.3', '123', '1235']);
  expect(table(['a', 'b'], [['x|y', '1']])).toBe('| a | b |\n| --- | ---: |\n| x\\|y | 1 |');
});
