/** What runs the model, and how a fingerprint calls it. */

import { createEngine } from '@sparsevit/engine';
import type { LatencyDevice, LatencyRunner } from '@sparsevit/latency';
import type { LatencySubject } from '@sparsevit/pipeline';
import { engineLatencyRunner, tensorLatencyRunner } from '@sparsevit/pipeline';
import { engineDevice } from '@sparsevit/pipeline/node';
import { version } from '../../package.json';
import { startBackend } from '../backend';
import type { CliIo } from '../io';
import type { ProfilePlan } from './plan';

/** A model on a backend, ready to be measured. */
export interface StartedProfile {
  readonly runner: LatencyRunner;
  readonly device: LatencyDevice;
  /** `engine, relaxed SIMD, 2 threads` */
  readonly detail: string;
  dispose(): Promise<void>;
}

/**
 * Starts the backend and takes the model in.
 *
 * @throws BackendError when it is not installed, or this machine cannot run it
 */
export async function startProfile(
  plan: ProfilePlan,
  subject: LatencySubject,
  io: Pick<CliIo, 'machine'>,
): Promise<StartedProfile> {
  const { cpu, platform, runtime } = io.machine();
  const host = { name: cpu, driver: null, platform, runtime };
  return plan.backend === 'engine'
    ? startInEngine(plan, subject, host)
    : startOnTensorFlow(plan, subject, { backend: plan.backend, host });
}

type Host = Pick<LatencyDevice, 'name' | 'driver' | 'platform' | 'runtime'>;

async function startInEngine(
  { input, rules, threads }: ProfilePlan,
  subject: LatencySubject,
  host: Host,
): Promise<StartedProfile> {
  const engine = await createEngine(threads === undefined ? {} : { threads });
  const runner = engineLatencyRunner(engine, subject, { input, rules });
  const count = `${engine.threads} ${engine.threads === 1 ? 'thread' : 'threads'}`;
  return {
    runner,
    device: engineDevice(engine, host),
    detail: `engine, ${engine.build}, ${count}`,
    async dispose() {
      runner.dispose();
      await engine.dispose();
    },
  };
}

async function startOnTensorFlow(
  { input, rules }: ProfilePlan,
  subject: LatencySubject,
  { backend, host }: { backend: 'webgpu' | 'wasm' | 'cpu'; host: Host },
): Promise<StartedProfile> {
  const { detail, packs, tensorFlowVersion } = await startBackend(backend);
  const runner = tensorLatencyRunner(subject, { input, rules });
  const kernels = packs.length === 0 ? 'plain ops' : packs.map((pack) => pack.detail).join(', ');
  const isCard = backend === 'webgpu';
  return {
    runner,
    device: {
      ...host,
      ...(isCard ? { name: detail } : {}),
      backend,
      backendVersion: `TensorFlow.js ${tensorFlowVersion}, kernels ${version}`,
      kernels: isCard ? kernels : `${kernels}; ${detail}`,
      threads: isCard ? null : 1, // in Node its wasm has one
    },
    detail: `${backend}, ${detail}, kernels: ${kernels}`,
    dispose: async () => runner.dispose(),
  };
}
