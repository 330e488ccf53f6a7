/** What Node brings to a run: onnxruntime, models from disk, fresh processes. */

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { Environment } from '../bench';
import type { BenchBackend, CaseSpec } from '../cases';
import { caseId } from '../cases';
import type { ColdResult } from '../cold';
import { runCold } from '../cold';
import { startTensorEngine } from '../engines/tensorflow';
import type { OnnxSource } from '../peers/onnx';
import { missingModel, onnxFileName, withThreads } from '../peers/onnx';
import type { Plan } from '../plan';
import { BenchError } from '../runnable';
import { wasmHeapBytes } from '../wasm-heap';
import { describeHost, describeNode } from './machine';

/** The first word of the command line of a process that runs one case for the first time. */
export const coldCommand = 'cold-process';

const steadyRuns = 5;
const now = (): number => performance.now();

/** The environment of a plan in this process. */
export function nodeEnvironment(plan: Plan, options: { command: string; log: (line: string) => void }): Environment {
  const host = describeHost(); // now, for the load before the run
  return {
    now,
    startEngine: ({ wantsKernels }) => startTensorEngine({ backend: plan.backend, wantsKernels, loadDawn }),
    onnx: nodeOnnx,
    runCold: (spec) => runColdProcess(spec, plan.backend),
    describeMachine: async (engine) => describeNode(engine, host),
    ...options,
  };
}

/** The work of a fresh process: prints the result as JSON. */
export async function coldProcess(task: string): Promise<void> {
  const { spec, backend } = JSON.parse(task) as { spec: CaseSpec; backend: BenchBackend };
  const result = await runCold(
    spec,
    {
      now,
      start: () => startTensorEngine({ backend, wantsKernels: true, loadDawn }),
      wasmHeapBytes,
      peakProcessBytes: () => process.resourceUsage().maxRSS * 1024,
    },
    { steadyRuns },
  );
  process.stdout.write(JSON.stringify(result));
  process.exit(0); // Dawn keeps a process alive
}

async function runColdProcess(spec: CaseSpec, backend: BenchBackend): Promise<ColdResult> {
  const script = process.argv[1] ?? '';
  const task = JSON.stringify({ spec, backend });
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, script, coldCommand, task]);
    return JSON.parse(stdout) as ColdResult;
  } catch (cause) {
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : String(cause);
    throw new BenchError(`bench: expected a fresh process to run ${caseId(spec)}, got an error: ${said}`, { cause });
  }
}

const nodeOnnx: OnnxSource = {
  async loadRuntime(engine) {
    if (engine === 'ort-web-webgpu') {
      throw new BenchError('ort-web-webgpu: expected a browser, got Node. Use ort-node-webgpu, or browser.mjs.');
    }
    try {
      if (engine !== 'ort-web' && engine !== 'ort-web-2') return await import('onnxruntime-node');
      return withThreads(await import('onnxruntime-web'), engine);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new BenchError(`${engine}: expected the runtime to load, got an error (${reason}). Run pnpm install.`, {
        cause,
      });
    }
  },
  async loadModel(sizePixels) {
    const path = join(import.meta.dirname, 'onnx', onnxFileName(sizePixels));
    try {
      return await readFile(path);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') throw missingModel(path, sizePixels);
      throw error;
    }
  },
};

/** WebGPU for Node, from the workspace or from the folder that the command runs in. */
async function loadDawn(): Promise<unknown> {
  for (const from of [import.meta.url, resolve('index.js')]) {
    try {
      return await import(pathToFileURL(createRequire(from).resolve('webgpu')).href);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND')) throw error;
    }
  }
  throw Object.assign(new Error('webgpu is not installed'), { code: 'MODULE_NOT_FOUND' });
}
