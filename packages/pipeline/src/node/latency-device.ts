/** What a measurement on the engine says of the device that it ran on. */

import type { Engine } from '@sparsevit/engine';
import type { LatencyDevice } from '@sparsevit/latency';
import { version } from '../../package.json';

/** The machine that a process runs on. */
export type LatencyHost = Pick<LatencyDevice, 'name' | 'driver' | 'platform' | 'runtime'>;

/**
 * The engine on a machine, as a fingerprint names it.
 *
 * @example
 * const device = engineDevice(engine, { name: 'AMD EPYC', driver: null, platform: 'linux x64', runtime: 'Node 24.0.0' });
 */
export function engineDevice({ build, threads }: Pick<Engine, 'build' | 'threads'>, host: LatencyHost): LatencyDevice {
  return {
    ...host,
    backend: 'engine',
    backendVersion: `@sparsevit/engine ${version}`, // all packages have one version
    kernels: build,
    threads,
  };
}
