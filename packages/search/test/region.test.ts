import type { PrunedRatios } from '@sparsevit/windows';
import { checkInSpace, createRandom, drawSorted, everySparsity, placeOfPrunedRatios } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import { createGenome, levelsOf, prunedRatiosOf, sortInStages, withGene } from '../src/genome';
import { drawSteps, stepMutation, takeWhere } from '../src/operators';
import { createProblem } from '../src/problem';
import type { Region } from '../src/region';
import { createRegion, mostDraws } from '../src/region';
import { budgetOf, largeSpace, madeUp, seeds, smallSpace, swinTSpace } from './problems';

const small = madeUp(smallSpace, 3);
const objectives = [{ name: 'accuracy', direction: 'maximize' }] as const;

function regionOf(problem: typeof small, share: number, enumerateUpTo = 2e6): Region {
  const atMost = budgetOf(problem, share);
  const constraints = [{ name: 'latencyMs', of: problem.latencyMs, atMost }];
  return createRegion(createGenome(problem.space), createProblem(objectives, constraints), { seed: 1, enumerateUpTo });
}

describe('genes', () => {
  const genome = createGenome(largeSpace);

  test('go to ratios and back', () => {
    const random = createRandom(1);
    for (let i = 0; i < 100; i++) {
      const at = drawSorted(largeSpace, random);
      expect(prunedRatiosOf(genome, levelsOf(genome, at))).toEqual(at);
    }
  });

  test.each(seeds(30))('sorting and setting one gene keep them legal, seed %i', (seed) => {
    const random = createRandom(seed);
    const levels = Array.from({ length: genome.genes }, () => random.integer(0, genome.levels));
    const sorted = sortInStages(genome, levels);
    checkInSpace(largeSpace, prunedRatiosOf(genome, sorted));
    const byStage = (list: readonly number[]): number[][] =>
      largeSpace.pairsPerStage.map((_, stage) => list.slice(genome.stageStarts[stage], genome.stageStarts[stage + 1]));
    expect(byStage(sorted)).toEqual(byStage(levels).map((stage) => stage.sort((a, b) => a - b)));
    const gene = random.integer(0, genome.genes);
    const level = random.integer(0, genome.levels);
    const changed = withGene(genome, sorted, gene, level);
    checkInSpace(largeSpace, prunedRatiosOf(genome, changed));
    expect(changed[gene]).toBe(level);
  });

  test('operators do what masks and steps say', () => {
    expect(takeWhere([1, 2, 3], [7, 8, 9], [false, true, false])).toEqual([1, 8, 3]);
    expect(stepMutation([0, 4, 8], [-2, 1, 2], 9)).toEqual([0, 5, 8]);
    const random = createRandom(3);
    const steps = drawSteps(
      Array.from({ length: 6000 }, () => true),
      random,
    );
    const share = (step: number): number => steps.filter((one) => one === step).length / steps.length;
    for (const [step, expected] of [
      [-2, 1 / 6],
      [-1, 1 / 3],
      [1, 1 / 3],
      [2, 1 / 6],
      [0, 0],
    ] as const) {
      expect(share(step)).toBeCloseTo(expected, 1);
    }
    expect(drawSteps([false, false], random)).toEqual([0, 0]);
  });
});

describe('the allowed region', () => {
  const allowed = [...everySparsity(smallSpace)].filter((at) => small.latencyMs(at) <= budgetOf(small, 0.5));

  test('is enumerated exactly', () => {
    const region = regionOf(small, 0.5);
    const all = region.enumeration();
    expect([...(all?.places ?? [])]).toEqual(allowed.map((at) => placeOfPrunedRatios(smallSpace, at)));
    expect([...(all?.computed.get('latencyMs') ?? [])]).toEqual(allowed.map(small.latencyMs));
    for (const [i, place] of (all?.places ?? []).entries()) {
      expect(region.prunedRatios(all?.levelsAt(place) ?? [])).toEqual(allowed[i]);
    }
    expect(region.share()).toEqual({ value: allowed.length / 2625, isExact: true });
  });

  test('draws are uniform over it', () => {
    const region = regionOf(small, 0.45);
    const size = region.enumeration()?.places.length ?? 0;
    const random = createRandom(11);
    const counts = new Map<string, number>();
    const draws = 40 * size;
    for (let i = 0; i < draws; i++) {
      const key = String(region.drawUniformly(random));
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(size);
    // chi-square of size - 1 degrees: mean size - 1, variance 2 (size - 1)
    let chiSquare = 0;
    for (const count of counts.values()) chiSquare += (count - 40) ** 2 / 40;
    expect(Math.abs(chiSquare - (size - 1))).toBeLessThan(4 * Math.sqrt(2 * (size - 1)));
  });

  test('sorted draws are those of the published code as far as they are allowed', () => {
    const region = regionOf(small, 2);
    const random = createRandom(5);
    const expected = createRandom(5);
    for (let i = 0; i < 50; i++) {
      expect(region.prunedRatios(region.drawSorted(random))).toEqual(drawSorted(smallSpace, expected));
    }
  });

  test.each(seeds(20))('repair leads into it, and leaves alone what is in it, seed %i', (seed) => {
    const problem = madeUp(swinTSpace, seed);
    const region = regionOf(problem, 0.35 + 0.02 * seed);
    const random = createRandom(seed);
    const levels = levelsOf(region.genome, drawSorted(swinTSpace, random));
    const repaired = region.repair(levels, random);
    expect(region.violation(repaired)).toBe(0);
    checkInSpace(swinTSpace, region.prunedRatios(repaired));
    expect(region.repair(repaired, random)).toEqual(repaired);
  });

  test('where next to nothing is allowed, draws end after so many tries', () => {
    // a needle in 17.7 million
    const needle = largeSpace.pairsPerStage.map((pairs) => Array.from({ length: pairs }, () => 0.4));
    let calls = 0;
    const of = (at: PrunedRatios): number => {
      calls++;
      return at.flat().filter((ratio) => ratio !== 0.4).length;
    };
    const problem = createProblem(objectives, [{ name: 'distance', of, atMost: 0 }]);
    const region = createRegion(createGenome(largeSpace), problem, { seed: 0, enumerateUpTo: 2e6 });
    calls = 0;
    const random = createRandom(0);
    expect(region.prunedRatios(region.drawUniformly(random))).toEqual(needle);
    expect(calls).toBeGreaterThan(mostDraws);
    expect(calls).toBeLessThan(mostDraws + 2 * 12 * 12 * 9);
    expect(region.enumeration()).toBe(null);
    expect(region.share()).toEqual({ value: 0, isExact: false });
  });
});
