import { createRandom } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import { createGenome, levelsOf, prunedRatiosOf } from '../src/genome';
import { hypervolume } from '../src/hypervolume';
import { createProblem } from '../src/problem';
import { createRegion } from '../src/region';
import { createObservations } from '../src/surrogate/additive-model';
import { createBasis, negate, sumEffects } from '../src/surrogate/basis';
import { cholesky, solveLower, solveUpper } from '../src/surrogate/cholesky';
import { expectation, fitByEvidence, fitToEvidence } from '../src/surrogate/fit';
import { gainsMost } from '../src/surrogate/gain';
import { lowering, orderOf } from '../src/surrogate/order';
import { enumeratedPool } from '../src/surrogate/pool';
import { placesOfSmallest } from '../src/surrogate/smallest';
import { budgetOf, madeUp, seeds, smallSpace, swinTSpace } from './problems';

const objectives = [{ name: 'accuracy', direction: 'maximize' }] as const;
const genome = createGenome(swinTSpace);

const drawLevels = (seed: number, count: number): number[][] => {
  const random = createRandom(seed);
  const unconstrained = createRegion(genome, createProblem(objectives, []), { seed, enumerateUpTo: 0 });
  return Array.from({ length: count }, () => [...unconstrained.drawUniformly(random)]);
};

describe('triangular systems', () => {
  test.each(seeds(10))('solve what they were made from, seed %i', (seed) => {
    const random = createRandom(seed);
    const size = 1 + random.integer(0, 12);
    const root = Array.from({ length: size }, () => Array.from({ length: size }, random.normal));
    const matrix = new Float64Array(size * size);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        for (let k = 0; k < size; k++)
          matrix[i * size + j] = (matrix[i * size + j] ?? 0) + (root[i]?.[k] ?? 0) * (root[j]?.[k] ?? 0);
      }
      matrix[i * size + i] = (matrix[i * size + i] ?? 0) + 0.1;
    }
    const x = Float64Array.from({ length: size }, random.normal);
    const b = Float64Array.from(x, (_, i) => x.reduce((sum, value, j) => sum + (matrix[i * size + j] ?? 0) * value, 0));
    const lower = cholesky(matrix, size);
    expect(lower).not.toBe(null);
    const solved = solveUpper(lower ?? matrix, solveLower(lower ?? matrix, b));
    for (const [i, value] of solved.entries()) expect(value).toBeCloseTo(x[i] ?? 0, 6);
  });

  test('a matrix that is not positive definite is none', () => {
    expect(cholesky(Float64Array.of(1, 2, 2, 1), 2)).toBe(null);
  });
});

describe('the additive model', () => {
  test('finds a function that is one of its own', () => {
    const truth = (levels: readonly number[]): number =>
      50 -
      2 * ((levels[0] ?? 0) / 8) ** 2 -
      (levels[3] ?? 0) / 8 -
      0.7 * ((levels[0] ?? 0) / 8) * ((levels[5] ?? 0) / 8);
    const model = fitToEvidence(
      genome,
      drawLevels(1, 120).map((levels) => ({ levels, value: truth(levels) })),
    );
    for (const levels of drawLevels(2, 50)) expect(model?.predict(levels)).toBeCloseTo(truth(levels), 1);
    // the more it has seen, the surer it is
    const early = fitToEvidence(
      genome,
      drawLevels(1, 12).map((levels) => ({ levels, value: truth(levels) })),
    );
    const sum = (of: typeof model): number =>
      drawLevels(3, 20).reduce((total, levels) => total + (of?.uncertainty(levels) ?? Number.NaN), 0);
    expect(sum(model)).toBeLessThan(0.5 * sum(early));
  });

  test('equals Bayesian regression by its definition: a normal distribution of all values', () => {
    // with n observations: mean k^T (K + noise^2)^-1 y, variance k(x, x) - k^T (K + noise^2)^-1 k
    const basis = createBasis(genome, expectation);
    const levels = drawLevels(4, 15);
    const random = createRandom(4);
    const raw = levels.map(() => 40 + 3 * random.normal());
    const noise = 0.1;
    const observations = createObservations(basis);
    observations.add(levels, raw);
    const model = observations.fit(noise);
    const mean = raw.reduce((sum, value) => sum + value, 0) / raw.length;
    const scale = Math.sqrt(raw.reduce((sum, value) => sum + (value - mean) ** 2, 0) / raw.length);
    const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
    const rows = levels.map((one) => basis.features([one]));
    const kernel = new Float64Array(rows.length ** 2);
    rows.forEach((a, i) => {
      rows.forEach((b, j) => {
        kernel[i * rows.length + j] = dot(a, b) + (i === j ? noise * noise : 0);
      });
    });
    const lower = cholesky(kernel, rows.length) ?? kernel;
    const y = Float64Array.from(raw, (value) => (value - mean) / scale);
    const half = solveLower(lower, y);
    for (const one of drawLevels(5, 10)) {
      const own = basis.features([one]);
      const k = solveLower(
        lower,
        Float64Array.from(rows, (row) => dot(row, own)),
      );
      expect(model?.predict(one)).toBeCloseTo(mean + scale * dot(k, half), 6);
      expect(model?.uncertainty(one)).toBeCloseTo(scale * Math.sqrt(dot(own, own) - dot(k, k)), 6);
    }
    const logDeterminant = rows.reduce((sum, _, i) => sum + 2 * Math.log(lower[i * rows.length + i] ?? 1), 0);
    const evidence = -0.5 * (dot(half, half) + logDeterminant + rows.length * Math.log(2 * Math.PI));
    expect(model?.logEvidence).toBeCloseTo(evidence, 6);
  });

  test('what is drawn spreads as it is uncertain', () => {
    const observations = createObservations(createBasis(genome, expectation));
    const random = createRandom(7);
    observations.add(drawLevels(6, 20), Array.from({ length: 20 }, random.normal));
    const model = observations.fit(0.2);
    if (model === null) throw new Error('expected a model');
    const places = drawLevels(8, 5);
    const rows = model.features(places);
    const count = 2000;
    const sums = places.map(() => ({ ofEffects: 0, ofDifferences: 0 }));
    for (let i = 0; i < count; i++) {
      const drawn = model.draw(random);
      const differences = model.drawDifferences(rows, random);
      for (const [at, sum] of sums.entries()) {
        const levels = places[at] ?? [];
        sum.ofEffects += (sumEffects(drawn, levels) - model.predict(levels)) ** 2;
        sum.ofDifferences += (differences[at] ?? 0) ** 2;
      }
    }
    for (const [at, { ofEffects, ofDifferences }] of sums.entries()) {
      const deviation = model.uncertainty(places[at] ?? []);
      expect(Math.sqrt(ofEffects / count) / deviation).toBeCloseTo(1, 1);
      expect(Math.sqrt(ofDifferences / count) / deviation).toBeCloseTo(1, 1);
    }
  });

  test('chooses the noise that is there', () => {
    const noiseOf = (deviation: number): number | undefined => {
      const random = createRandom(9);
      const observations = createObservations(createBasis(genome, expectation));
      for (const levels of drawLevels(10, 300)) {
        const metric = levels.reduce((sum, level) => sum - level / 8, 0);
        observations.add([levels], [metric + deviation * random.normal()]);
      }
      return fitByEvidence(observations)?.noise;
    };
    expect(noiseOf(0)).toBe(0.01);
    expect(noiseOf(0.12)).toBeGreaterThanOrEqual(0.1);
  });

  test('nothing, one, and equal observations make no NaN', () => {
    const observations = createObservations(createBasis(genome, expectation));
    expect(observations.fit(0.1)).toBe(null);
    expect(fitByEvidence(observations)).toBe(null);
    observations.add([[0, 0, 0, 0, 0, 0]], [42]);
    expect(observations.fit(0.1)?.predict([8, 8, 8, 8, 8, 8])).toBeCloseTo(42);
    observations.add([[1, 0, 0, 0, 0, 0]], [42]);
    expect(fitByEvidence(observations)?.model.predict([8, 8, 8, 8, 8, 8])).toBeCloseTo(42);
  });

  test('a space with one choice makes no NaN', () => {
    const lone = createGenome({ pairsPerStage: [1, 2], choices: [0] });
    const model = fitToEvidence(lone, [{ levels: [0, 0, 0], value: 3 }]);
    expect(model?.predict([0, 0, 0])).toBeCloseTo(3);
  });
});

describe('predictions of a whole space', () => {
  test.each([
    ['Swin-T', swinTSpace],
    ['a last stage of several pairs', smallSpace],
    ['one stage', { pairsPerStage: [3], choices: [0, 0.3, 0.6] }],
    ['an empty stage', { pairsPerStage: [1, 0, 2], choices: [0, 0.3, 0.6] }],
    ['an empty last stage', { pairsPerStage: [2, 0], choices: [0, 0.3, 0.6] }],
  ])('equal single ones: %s', (_, space) => {
    const problem = madeUp(space, 2);
    const own = createGenome(space);
    const constraints = [{ name: 'latencyMs', of: problem.latencyMs, atMost: budgetOf(problem, 0.6) }];
    const region = createRegion(own, createProblem(objectives, constraints), { seed: 0, enumerateUpTo: 2e6 });
    const pool = enumeratedPool(region);
    const random = createRandom(1);
    const rows = Array.from({ length: 30 }, () => ({ levels: region.drawUniformly(random), value: random.normal() }));
    const model = fitToEvidence(own, rows);
    if (pool === null || model === null) throw new Error('expected a pool and a model');
    const predicted = pool.predict(model, 0);
    expect(predicted).toHaveLength(pool.size);
    const latencies = pool.computed('latencyMs', 1);
    const negative = pool.computed('latencyMs', -1);
    const seen = new Set<string>();
    for (let place = 0; place < pool.size; place++) {
      const levels = pool.levelsAt(place);
      seen.add(levels.join());
      const latencyMs = problem.latencyMs(region.prunedRatios(levels));
      if (latencies[place] !== latencyMs || negative[place] !== -latencyMs) throw new Error(`wrong at place ${place}`);
    }
    expect(seen.size).toBe(region.enumeration()?.places.length);
    const inOrder = [...pool.order(latencies).places].map((place) => latencies[place] ?? 0);
    expect(inOrder).toEqual([...latencies].sort((a, b) => a - b));
    expect(pool.order(latencies)).toBe(pool.order(latencies)); // kept
    for (let place = 0; place < pool.size; place += Math.ceil(pool.size / 3000)) {
      expect(predicted[place]).toBeCloseTo(sumEffects(model, pool.levelsAt(place)), 9);
    }
    expect(pool.predict(negate(model), 1)[0]).toBeCloseTo(-(predicted[0] ?? 0), 9);
    expect(levelsOf(own, prunedRatiosOf(own, pool.levelsAt(0)))).toEqual(pool.levelsAt(0));
  });
});

describe('the smallest of many', () => {
  test.each([
    [10, 3, 10],
    [100_000, 50, 1e9],
    [100_000, 50, 10],
    [20_000, 300, 2],
    [20_000, 30_000, 1e9],
    [0, 5, 1],
  ])('%i scores, %i of them, drawn from %i values', (size, count, values) => {
    const random = createRandom(size + count);
    const scores = Float64Array.from({ length: size }, () => random.integer(0, values));
    const expected = [...scores.keys()].sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0) || a - b).slice(0, count);
    expect(placesOfSmallest(scores, count)).toEqual(expected);
  });

  test('scores in order deceive no guess', () => {
    const scores = Float64Array.from({ length: 50_000 }, (_, i) => -i);
    expect(placesOfSmallest(scores, 3)).toEqual([49_999, 49_998, 49_997]);
    // none of the small ones is among those that the guess looks at
    const hidden = Float64Array.from({ length: 102_400 }, (_, i) => (i % 100 === 1 ? -i : 1));
    expect(placesOfSmallest(hidden, 2)).toEqual([102_301, 102_201]);
  });
});

describe('a front along an order', () => {
  test.each(seeds(12))('is what lowers the values one by one, seed %i', (seed) => {
    const random = createRandom(seed);
    const size = random.integer(0, 700);
    const ordered = Float64Array.from({ length: size }, () => random.integer(0, 200));
    const values = Float64Array.from({ length: size }, (_, i) => random.integer(0, 400) - (ordered[i] ?? 0));
    const isTaken = (place: number): boolean => place % 3 !== seed % 3;
    const order = orderOf(ordered);
    const expected: number[] = [];
    let least = Number.POSITIVE_INFINITY;
    for (const place of [...ordered.keys()].sort((a, b) => (ordered[a] ?? 0) - (ordered[b] ?? 0) || a - b)) {
      if (!isTaken(place) || !((values[place] ?? 0) < least)) continue;
      least = values[place] ?? 0;
      expected.push(place);
    }
    expect(lowering(order, values, isTaken)).toEqual(expected);
  });
});

describe('what a front gains', () => {
  test.each(seeds(15))('is what the hypervolume grows by, seed %i', (seed) => {
    const random = createRandom(seed);
    const draw = (): number[] => [random.uniform(), random.uniform()];
    const reached = Array.from({ length: random.integer(0, 8) }, draw);
    const candidates = Array.from({ length: 12 }, () => ({ point: draw() }));
    const all = [...reached, ...candidates.map(({ point }) => point)];
    const corner = [0, 1].map((axis) => {
      const values = all.map((point) => point[axis] ?? 0);
      return Math.max(...values) + 0.1 * (Math.max(...values) - Math.min(...values));
    });
    const chosen = gainsMost(reached, candidates, 3);
    expect(chosen).toHaveLength(3);
    const front = [...reached];
    for (const { point } of chosen) {
      const volumes = candidates.map((candidate) => hypervolume([...front, candidate.point], corner));
      expect(hypervolume([...front, point], corner)).toBeCloseTo(Math.max(...volumes), 9);
      front.push(point);
    }
  });

  test('no more than there are', () => {
    expect(gainsMost([], [{ point: [1, 1] }], 5)).toHaveLength(1);
    expect(gainsMost([[0, 0]], [], 5)).toEqual([]);
  });
});
