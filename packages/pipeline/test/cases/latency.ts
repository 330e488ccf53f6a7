/** What is measured in the tests of the latency runners, in Node and in a page. */

import { randomWeights } from '@sparsevit/backbone';
import type {
  DeviceFingerprint,
  LatencyInput,
  LatencyRunner,
  LatencyTable,
  MeasureEvent,
  MeasureProtocol,
} from '@sparsevit/latency';
import { measure } from '@sparsevit/latency';
import type { TaskConfig } from '@sparsevit/tasks';
import { newTask } from '@sparsevit/tasks';
import type { PrunedRatios, SwinArchitecture } from '@sparsevit/windows';
import type { LatencySubject } from '../../src/index';
import { latencyModelOf } from '../../src/index';

export const architecture: SwinArchitecture = {
  patchSize: 4,
  embedDim: 16,
  depths: [2, 2],
  heads: [1, 2],
  window: 4,
  mlpRatio: 2,
};
export const input: LatencyInput = { batch: 1, height: 64, width: 96 };
export const backbone: LatencySubject = {
  architecture,
  family: 'mmdet',
  weights: randomWeights(architecture, 1),
};
export const taskOf = (config: TaskConfig, seed = 1): LatencySubject => {
  const weights = randomWeights(architecture, seed);
  return newTask(config, { architecture, family: 'mmdet', weights }, { seed });
};
export const detector: LatencySubject = taskOf({ kind: 'detection', classes: ['a', 'b'], channels: 8 });
export const configs: readonly PrunedRatios[] = [
  [[0], [0]],
  [[0.5], [0]],
  [[0], [0.5]],
  [[0.8], [0.8]],
];

/** On what, as far as it matters here. */
function fingerprintOf(subject: LatencySubject, backend: string): DeviceFingerprint {
  const device = {
    name: 'test',
    driver: null,
    platform: 'test',
    runtime: 'test',
    backend,
    backendVersion: '0',
    kernels: null,
    threads: 1,
  };
  return { device, model: latencyModelOf(subject), input };
}

/** A whole measurement, short, whatever the machine is busy with. */
export async function measureBriefly(
  runner: LatencyRunner,
  subject: LatencySubject,
  options: {
    backend: string;
    protocol?: Partial<MeasureProtocol>;
    configs?: readonly PrunedRatios[];
    onEvent?: (event: MeasureEvent) => void;
  },
): Promise<LatencyTable> {
  return measure(runner, options.configs ?? configs, {
    fingerprint: fingerprintOf(subject, options.backend),
    now: () => performance.now(),
    protocol: {
      rounds: 2,
      samplesPerVisit: 2,
      samplesPerSentinel: 2,
      mostWarmUpRuns: 5,
      largestMove: 1e6,
      ...options.protocol,
    },
    ...(options.onEvent ? { onEvent: options.onEvent } : {}),
  });
}
