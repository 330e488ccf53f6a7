/** Which plans are kept and which are disposed, with plans that only remember it; and real ones, whose memory comes back. */

import { ConfigError, createRandom } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import { createEngine, createPlanCache, type Plan } from '../src/index';

/** Makes plans that compute nothing, and tells which were made and which were disposed. */
function observed(maxPlans: number) {
  const made: string[] = [];
  const disposed: string[] = [];
  const cache = createPlanCache(
    (request: { readonly name: string }): Plan<string> => {
      made.push(request.name);
      return { name: request.name, dispose: () => void disposed.push(request.name) } as unknown as Plan<string>;
    },
    { maxPlans },
  );
  return { cache, made, disposed, use: (name: string) => cache.planFor({ name }) };
}

describe('a cache of plans', () => {
  test('compiles a request once, and lets go of the one that was used longest ago', () => {
    const { cache, made, disposed, use } = observed(2);
    const a = use('a');
    expect(use('a')).toBe(a);
    use('b');
    use('a'); // b is the older one now
    use('c');
    expect([made, disposed, cache.size]).toEqual([['a', 'b', 'c'], ['b'], 2]);
    expect(use('a')).toBe(a);
    use('b');
    expect([made, disposed, cache.size]).toEqual([['a', 'b', 'c', 'b'], ['b', 'c'], 2]);
  });

  test('equals a list of the latest used, whatever is asked for', () => {
    for (let seed = 0; seed < 50; seed++) {
      const random = createRandom(seed);
      const maxPlans = random.integer(1, 6);
      const { cache, made, disposed, use } = observed(maxPlans);
      let latest: string[] = [];
      let compiled = 0;
      for (let step = 0; step < 60; step++) {
        const name = String(random.integer(0, 8));
        if (!latest.includes(name)) compiled++;
        latest = [...latest.filter((other) => other !== name), name].slice(-maxPlans);
        use(name);
        expect([made.length, cache.size]).toEqual([compiled, latest.length]);
        expect(made.length - disposed.length).toBe(latest.length);
      }
      cache.dispose();
      expect(disposed.slice(-latest.length)).toEqual(latest);
      expect(disposed.toSorted()).toEqual(made.toSorted());
    }
  });

  test('after it was disposed it begins anew; a compile that fails leaves no plan', () => {
    const { cache, disposed, use } = observed(3);
    const first = use('a');
    cache.dispose();
    expect([disposed, cache.size]).toEqual([['a'], 0]);
    expect(use('a')).not.toBe(first);
    const failing = createPlanCache<number, never>(
      () => {
        throw new Error('no room');
      },
      { maxPlans: 1 },
    );
    expect(() => failing.planFor(1)).toThrow('no room');
    expect(failing.size).toBe(0);
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('of %f plans is refused', (maxPlans) => {
    expect(() => createPlanCache(() => ({}) as Plan<null>, { maxPlans })).toThrow(ConfigError);
  });

  test('plans that make room end the runs that were asked for, and give their memory back', async () => {
    const engine = await createEngine({ threads: 1 });
    const plans = createPlanCache(
      (side: number) =>
        engine.compile((image) => engine.ops.magnitude(image, 'l1-mean'), { shape: [1, side, side, 3] }),
      { maxPlans: 1 },
    );
    const asked = plans.planFor(4).run(new Float32Array(48).fill(-2));
    const { values, shape } = await plans.planFor(8).run(new Float32Array(192).fill(3));
    expect([shape, values[63]]).toEqual([[1, 8, 8], 3]);
    expect((await asked).values).toEqual(new Float32Array(16).fill(2));
    expect(plans.size).toBe(1);
    plans.dispose();
    await engine.dispose();
  });
});
