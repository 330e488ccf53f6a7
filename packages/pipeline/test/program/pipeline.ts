/** Runs a pipeline on TensorFlow.js's wasm and on a simulated clock: prints each event's type, at the end the SHA-256 of the file to deploy. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parsePipelineRun } from '@sparsevit/config';
import { wasmKernels } from '@sparsevit/kernels-wasm';
import { countMacs } from '@sparsevit/latency';
import { initBackend } from '@sparsevit/ops';
import type { PrunedRatios } from '@sparsevit/windows';
import { sparsityModes } from '@sparsevit/windows';
import { runPipeline } from '../../src/node';
import { tinyPipeline } from '../pipeline-document';

const [folder = ''] = process.argv.slice(2);
const { signal } = new AbortController();
let timeMs = 0;

const outcome = await runPipeline(parsePipelineRun(tinyPipeline), {
  now: () => timeMs,
  date: () => new Date('2026-01-01T00:00:00Z'),
  host: { name: 'Test CPU', driver: null, platform: 'test', runtime: 'Node', cores: 2, memoryBytes: 1e9 },
  command: 'test',
  signal,
  resolvePath: (path) => resolve(folder, path),
  async startTraining() {
    await initBackend({
      prefer: 'wasm',
      packs: [wasmKernels],
      load: { wasm: () => import('@tensorflow/tfjs-backend-wasm') },
    });
    await import('@sparsevit/ops/gradients');
  },
  // every run takes what its work says, so that the times of two runs of the pipeline are the same
  async startTimedModel({ backbone }, { input, rules = sparsityModes.clean }) {
    return {
      device: { backend: 'simulated', backendVersion: '1', kernels: null, threads: 1 },
      runner: {
        run(prunedRatios: PrunedRatios) {
          const sparsity = { ...rules, prunedRatios };
          const { totalMacs } = countMacs(backbone.architecture, { ...input, accounting: 'fair', sparsity });
          timeMs += 1 + totalMacs / 1e6;
        },
      },
      dispose: async () => {},
    };
  },
  onEvent(event) {
    process.stderr.write(
      event.type === 'stage-progress' ? `${event.stage} ${event.event.type}\n` : `${event.stage} ${event.type}\n`,
    );
  },
});
process.stdout.write(
  createHash('sha256')
    .update(readFileSync(outcome.model ?? ''))
    .digest('hex'),
);
