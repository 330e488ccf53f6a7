/** The bench in a page; bundled and opened by `browser.mjs`, which serves the runtimes and the models beside it. */

import '@sparsevit/ops/gradients';
import { SparseViTError } from '@sparsevit/windows';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import type { DryRunResult, Environment } from '../bench';
import { dryRun, runBench } from '../bench';
import type { CaseSpec } from '../cases';
import type { ColdResult } from '../cold';
import { runCold } from '../cold';
import type { TensorEngine } from '../engines/tensorflow';
import { describeEngine, startTensorEngine } from '../engines/tensorflow';
import type { OnnxSource } from '../peers/onnx';
import { missingModel, onnxFileName, withThreads } from '../peers/onnx';
import type { Plan } from '../plan';
import type { BenchResult, Machine } from '../result';
import { BenchError } from '../runnable';
import { wasmHeapBytes } from '../wasm-heap';

/** What `browser.mjs` knows and a page does not. */
export type HostMachine = Pick<
  Machine,
  'runtime' | 'os' | 'cpu' | 'cores' | 'memoryBytes' | 'gitCommit' | 'flags' | 'loadBefore'
> & {
  readonly versions: Readonly<Record<string, string>>;
};

/** A result, or what was missing in one line. */
export type Outcome<Result> = { readonly result: Result } | { readonly problem: string };

/** What `browser.mjs` calls in the page, and what the page calls there. */
declare global {
  interface Window {
    bench: {
      run(plan: Plan, host: HostMachine, command: string): Promise<Outcome<BenchResult | DryRunResult[]>>;
      cold(plan: Plan, spec: CaseSpec): Promise<Outcome<ColdResult>>;
    };
    benchLog(line: string): Promise<void>;
    benchCold(spec: CaseSpec): Promise<ColdResult>;
  }
}

const now = (): number => performance.now();

function startEngine(plan: Plan, wantsKernels: boolean): Promise<TensorEngine> {
  tf.env().set('PROD', true);
  setWasmPaths('/tfjs-wasm/');
  return startTensorEngine({ backend: plan.backend, wantsKernels });
}

const onnx: OnnxSource = {
  async loadRuntime(engine) {
    if (engine === 'ort-web' || engine === 'ort-web-2') {
      const runtime = withThreads(await import('onnxruntime-web/wasm'), engine);
      runtime.env.wasm.wasmPaths = '/onnxruntime-web/';
      return runtime;
    }
    if (engine === 'ort-web-webgpu') {
      const runtime = await import('onnxruntime-web/webgpu');
      runtime.env.wasm.numThreads = 1;
      runtime.env.wasm.wasmPaths = '/onnxruntime-web/';
      return runtime;
    }
    throw new BenchError(`${engine}: expected Node, got a page. Use ort-web, or bench.mjs.`);
  },
  async loadModel(sizePixels) {
    const file = `/onnx/${onnxFileName(sizePixels)}`;
    const response = await fetch(file);
    if (!response.ok) throw missingModel(`tooling/bench/.cache${file}`, sizePixels);
    return new Uint8Array(await response.arrayBuffer());
  },
};

window.bench = {
  async run(plan, host, command) {
    const environment: Environment = {
      now,
      startEngine: ({ wantsKernels }) => startEngine(plan, wantsKernels),
      onnx,
      runCold: (spec) => window.benchCold(spec),
      describeMachine: async (engine) => ({
        ...host,
        ...describeEngine(engine),
        versions: { '@tensorflow/tfjs-core': engine.report.tensorFlowVersion, ...host.versions },
      }),
      command,
      log: (line) => void window.benchLog(line),
    };
    return outcomeOf<BenchResult | DryRunResult[]>(
      plan.isDryRun ? dryRun(plan, environment) : runBench(plan, environment),
    );
  },
  cold: (plan, spec) => {
    const surroundings = {
      now,
      start: () => startEngine(plan, true),
      wasmHeapBytes,
      peakProcessBytes: () => null,
    };
    return outcomeOf(runCold(spec, surroundings, { steadyRuns: 5 }));
  },
};

/** Errors lose their class on the way out of a page. */
async function outcomeOf<Result>(running: Promise<Result>): Promise<Outcome<Result>> {
  try {
    return { result: await running };
  } catch (error) {
    if (error instanceof BenchError || SparseViTError.isInstance(error)) return { problem: error.message };
    throw error;
  }
}
