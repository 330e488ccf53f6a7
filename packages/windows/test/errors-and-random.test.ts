import { describe, expect, test, vi } from 'vitest';
import { CheckpointError, createRandom, ShapeError, SparseViTError } from '../src/index';

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
