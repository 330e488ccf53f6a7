/** What times a model where nothing else is given: the engine. */

import { createEngine } from '@sparsevit/engine';
import type { TaskCheckpoint } from '@sparsevit/tasks';
import { engineLatencyRunner } from '../../latency/engine-runner';
import type { LatencyRunnerOptions } from '../../latency/subject';
import type { LatencyHost } from '../latency-device';
import { engineDevice } from '../latency-device';
import type { TimedModel } from './context';

/** Starts an engine for a model. */
export async function startEngineModel(
  checkpoint: TaskCheckpoint,
  { threads, ...options }: LatencyRunnerOptions & { readonly threads: number | undefined },
): Promise<TimedModel> {
  const engine = await createEngine(threads === undefined ? {} : { threads });
  const runner = engineLatencyRunner(engine, checkpoint, options);
  const { backend, backendVersion, kernels, threads: used } = engineDevice(engine, unknownHost);
  return {
    runner,
    device: { backend, backendVersion, kernels, threads: used },
    async dispose() {
      runner.dispose();
      await engine.dispose();
    },
  };
}

const unknownHost: LatencyHost = { name: '', driver: null, platform: '', runtime: '' };
