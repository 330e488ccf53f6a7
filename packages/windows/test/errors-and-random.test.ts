import { describe, expect, test, vi } from 'vitest';
import { CheckpointError, createRandom, mixSeeds, randomOrder, ShapeError, SparseViTError } from '../src/index';

describe('errors', () => {
  test('carry a code, a name and a cause', () => {
    const cause = new Error('inner');
    const error = new CheckpointError('outer', { cause });
    expect([error.code, error.name, error.message, error.cause]).toEqual([
      'checkpoint',
      'CheckpointError',
      'outer',
      cause,
    ]);
  });
  test('are known across copies of the package', async () => {
    vi.resetModules();
    const other = await import('../src/index');
    const error = new other.ShapeError('from another copy');
    expect(error instanceof SparseViTError).toBe(false);
    expect(SparseViTError.isInstance(error)).toBe(true);
    expect([null, undefined, 'text', {}, new Error('plain')].some(SparseViTError.isInstance)).toBe(false);
    expect(SparseViTError.isInstance(new ShapeError('own'))).toBe(true);
  });
});

describe('createRandom', () => {
  test('the same seed gives the same stream, another seed another', () => {
    const draw = (seed: number): number[] => {
      const random = createRandom(seed);
      return [random.uniform(), random.integer(0, 1000), random.normal()];
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });
  test('uniform and normal have their moments', () => {
    const random = createRandom(1);
    const count = 20_000;
    const uniform = Array.from({ length: count }, () => random.uniform());
    const normal = Array.from({ length: count }, () => random.normal());
    const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / count;
    // four standard errors
    expect(Math.abs(mean(uniform) - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 12 / count));
    expect(Math.abs(mean(normal))).toBeLessThan(4 / Math.sqrt(count));
    expect(Math.abs(mean(normal.map((v) => v * v)) - 1)).toBeLessThan(4 * Math.sqrt(2 / count));
    expect(uniform.every((v) => v >= 0 && v < 1)).toBe(true);
  });
  test('integers cover their range and no more', () => {
    const random = createRandom(2);
    expect(new Set(Array.from({ length: 500 }, () => random.integer(-2, 3)))).toEqual(new Set([-2, -1, 0, 1, 2]));
  });
});

describe('seeds', () => {
  test('mix without collisions of small numbers, and the same everywhere', () => {
    const seen = new Set<number>();
    for (let a = 0; a < 40; a++) {
      for (let b = 0; b < 40; b++) for (let c = 0; c < 10; c++) seen.add(mixSeeds([a, b, c]));
    }
    expect(seen.size).toBeGreaterThan(15_990); // by chance 0.03 of 16000 pairs collide in 32 bits
    expect(mixSeeds([1, 2])).not.toBe(mixSeeds([2, 1]));
    expect(mixSeeds([0])).not.toBe(mixSeeds([0, 0]));
    expect(mixSeeds([2 ** 40])).not.toBe(mixSeeds([0]));
  });

  test('order every permutation about as often', () => {
    const counts = new Map<string, number>();
    const draw = { uniform: () => 0, normal: () => 0, integer: () => 0 };
    expect([...randomOrder(3, draw)]).toEqual([1, 2, 0]);
    for (let seed = 0; seed < 6000; seed++) {
      let state = mixSeeds([seed]) >>> 0;
      const integer = (low: number, high: number): number => {
        state = mixSeeds([state]) >>> 0;
        return low + (state % (high - low));
      };
      const key = randomOrder(3, { ...draw, integer }).join();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    expect(Math.min(...counts.values())).toBeGreaterThan(850);
  });
});
