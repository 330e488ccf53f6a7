/** Times the engine: a plan for each configuration, made before the clock starts. */

import type { Engine, EngineValue, Plan } from '@sparsevit/engine';
import type { LatencyRunner } from '@sparsevit/latency';
import { BackendError, sparsityModes } from '@sparsevit/windows';
import type { LatencyRunnerOptions, LatencySubject } from './subject';
import { noiseImage, sparsityOf, takeSubject } from './subject';

/**
 * A backbone or a task in the engine, which stays the caller's, as something to measure: from pixels in an array to outputs in arrays. One plan is
 * alive at a time; making it (milliseconds) does not count.
 *
 * @throws BackendError, ShapeError when a plan cannot be made; BackendError when a thread is lost (the next run has a new one)
 * @example
 * const runner = engineLatencyRunner(await createEngine({ threads: 1 }), checkpoint, { input: { batch: 1, height: 224, width: 224 } });
 * const table = await measure(runner, configs, { fingerprint, now: () => performance.now() });
 * runner.dispose();
 */
export function engineLatencyRunner(
  engine: Engine,
  subject: LatencySubject,
  { input, rules = sparsityModes.clean }: LatencyRunnerOptions,
): LatencyRunner & { dispose(): void } {
  const taken = takeSubject(engine.ops, subject);
  const pixels = noiseImage(input);
  const shape = [input.batch, input.height, input.width, 3] as const;
  let plan: Plan<readonly EngineValue[]> | null = null;
  const release = (): void => {
    plan?.dispose();
    plan = null;
  };
  return {
    prepare(prunedRatios) {
      release();
      const sparsity = sparsityOf(prunedRatios, rules);
      plan = engine.compile((image) => taken.forward(image, sparsity), { shape });
    },
    async run() {
      if (plan === null) {
        throw new BackendError('engineLatencyRunner: expected prepare() before run(), got none.');
      }
      await plan.run(pixels);
    },
    release,
    dispose() {
      release();
      taken.dispose();
    },
  };
}
