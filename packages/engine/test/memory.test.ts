/** Long use: memory and threads stay what they were after the beginning. */

import { readdirSync } from 'node:fs';
import { createSwin } from '@sparsevit/backbone';
import { createEngine } from '@sparsevit/engine';
import { createRandom, uniformSparsity } from '@sparsevit/windows';
import { expect, test } from 'vitest';
import { pixelsOf, randomCheckpoint } from './cases/checkpoint';

/** Threads of this process, as the system counts them; null where it does not tell. */
function threadsOfProcess(): number | null {
  try {
    return readdirSync('/proc/self/task').length;
  } catch {
    return null;
  }
}

test.each([1, 2])(
  '10,000 runs over plans made and disposed, %i threads',
  async (threads) => {
    const engine = await createEngine({ threads });
    const checkpoint = randomCheckpoint();
    const { architecture } = checkpoint;
    const model = createSwin(engine.ops, checkpoint);
    const random = createRandom(3);
    const runsPerPlan = 50;
    let warm: { memoryBytes: number; threads: number | null } | null = null;
    const between: number[] = [];
    for (let round = 0; round < 10_000 / runsPerPlan; round++) {
      const sparsity = random.uniform() < 0.2 ? null : uniformSparsity(architecture, random.integer(0, 10) / 10);
      const side = 4 * random.integer(1, 11);
      const plan = engine.compile((image) => model.forward(image, { sparsity, outputs: [1] }).features[1], {
        shape: [random.integer(1, 4), side, side, 3],
      });
      const pixels = pixelsOf(plan.shape);
      for (let run = 0; run < runsPerPlan; run++) await plan.run(pixels);
      plan.dispose();
      await new Promise((resolve) => setImmediate(resolve));
      between.push(engine.usedBytes);
      if (round === 50) warm = { memoryBytes: engine.memoryBytes, threads: threadsOfProcess() };
    }
    expect(new Set(between)).toEqual(new Set([between[0]])); // the weights and what a grid needs, nothing of a plan
    expect(engine.memoryBytes).toBe(warm?.memoryBytes);
    expect(threadsOfProcess()).toBe(warm?.threads);
    const before = engine.usedBytes;
    model.dispose();
    expect(engine.usedBytes).toBeLessThan(before);
    await engine.dispose();
  },
  120_000,
);

test('200 models made and disposed leave nothing', async () => {
  const engine = await createEngine({ threads: 1 });
  const used: number[] = [];
  for (let round = 0; round < 200; round++) {
    const model = createSwin(engine.ops, randomCheckpoint());
    const plan = engine.compile((image) => model.forward(image, { outputs: [1] }).features[1], {
      shape: [1, 28, 28, 3],
    });
    plan.runSync(pixelsOf(plan.shape));
    plan.dispose();
    model.dispose();
    await new Promise((resolve) => setImmediate(resolve));
    used.push(engine.usedBytes);
  }
  expect(new Set(used.slice(1))).toEqual(new Set([used[0]])); // masks of a grid are made once and stay
  await engine.dispose();
});
