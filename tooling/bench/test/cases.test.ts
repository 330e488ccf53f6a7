import { describe, expect, it } from 'vitest';
import { allConfigurations, caseId, forwardCases, forwardGmacs, trainingCases } from '../src/cases';
import { channelsFirst, seededImage } from '../src/image';
import { makePlan, peersOf } from '../src/plan';

describe('cases', () => {
  it('are every configuration on our engine, and the others dense', () => {
    const cases = forwardCases(512, {
      configurations: allConfigurations,
      engines: ['sparsevit', 'ort-web', 'plain-tfjs'],
    });
    expect(cases.filter(({ engine }) => engine === 'sparsevit').map(({ configuration }) => configuration)).toEqual(
      allConfigurations,
    );
    expect(cases.filter(({ engine }) => engine === 'ort-web').map(({ configuration }) => configuration)).toEqual([
      'dense',
    ]);
    expect(cases.filter(({ engine }) => engine === 'plain-tfjs').map(({ configuration }) => configuration)).toEqual([
      'dense',
      '0.6',
    ]);
    expect(new Set(cases.map(caseId)).size).toBe(cases.length);
  });

  it('of training have names of their own', () => {
    expect(new Set(trainingCases().map(caseId)).size).toBe(3);
  });

  it('count the multiply-accumulates of the specification', () => {
    const gmacs = (configuration: string): number =>
      forwardGmacs({ engine: 'sparsevit', configuration, sizePixels: 672, kind: 'forward' });
    expect(gmacs('dense')).toBeCloseTo(40.4, 1);
    for (const configuration of allConfigurations.slice(1)) expect(gmacs(configuration)).toBeLessThan(gmacs('dense'));
  });
});

describe('the image', () => {
  it('is the same every time, and has the same pixels either way', () => {
    const side = 5;
    const pixels = seededImage(side);
    expect(pixels).toEqual(seededImage(side));
    const planes = channelsFirst(pixels, side);
    for (const [row, column, channel] of [
      [0, 0, 0],
      [4, 2, 1],
      [3, 4, 2],
    ] as const) {
      expect(planes[(channel * side + row) * side + column]).toBe(pixels[(row * side + column) * 3 + channel]);
    }
  });
});

describe('a plan', () => {
  it('is our rows alone, without the largest size', () => {
    const plan = makePlan({ runtime: 'node' });
    expect(plan).toMatchObject({ engines: ['sparsevit'], sizes: [224, 512, 672], wantsTraining: false });
  });

  it('with peers has the other runtimes, all sizes and training', () => {
    const plan = makePlan({ runtime: 'node', wantsPeers: true });
    expect(plan.engines).toEqual([
      'sparsevit',
      'plain-tfjs',
      'engine-1',
      'engine-2',
      'ort-web',
      'ort-node-1',
      'ort-node-2',
    ]);
    expect(plan.sizes).toEqual([224, 512, 672, 1024]);
    expect(plan.wantsTraining).toBe(true);
  });

  it('takes what was asked for', () => {
    const plan = makePlan({
      runtime: 'node',
      wantsPeers: true,
      isQuick: true,
      sizes: [672],
      rounds: 7,
      wantsTraining: true,
    });
    expect(plan).toMatchObject({ sizes: [672], rounds: 7, wantsTraining: true });
  });

  it('has peers that run where it runs', () => {
    expect(peersOf('wasm', 'browser')).toEqual(['plain-tfjs', 'engine-1', 'ort-web']);
    expect(peersOf('webgpu', 'node')).toEqual(['plain-tfjs', 'ort-node-webgpu']);
    expect(peersOf('webgpu', 'browser')).toEqual(['plain-tfjs', 'ort-web-webgpu']);
  });
});
