/** What computes a model: a graphics card where there is one, else the engine. */

import { createEngine } from '@sparsevit/engine';
import { BackendError, SparseViTError } from '@sparsevit/windows';
import { createEngineModel } from './engine-model';
import type { LoadModelOptions } from './load-model';
import type { ModelSubject, RunnableModel, RuntimeBackend } from './model';

/**
 * Gives a model to the first backend that works here.
 *
 * @throws BackendError when the one that was asked for by name does not
 */
export async function startModel(
  subject: ModelSubject,
  backend: RuntimeBackend | 'auto',
  maxPlans: number,
  { threads, workerUrl, signal }: LoadModelOptions,
): Promise<RunnableModel> {
  signal?.throwIfAborted();
  const isAuto = backend === 'auto';
  const chosenBecause = isAuto ? 'the first of webgpu, engine that works here' : 'asked for by name';
  const refused: { what: string; reason: string }[] = [];
  if (backend !== 'engine') {
    try {
      return await startWebgpu(subject, { takesSoftware: !isAuto, chosenBecause });
    } catch (error) {
      if (!isAuto || !SparseViTError.isInstance(error) || error.code !== 'backend') throw error;
      refused.push({ what: 'webgpu', reason: error.message });
    }
  }
  signal?.throwIfAborted();
  const engine = await createEngine({
    ...(threads === undefined ? {} : { threads }),
    ...(workerUrl === undefined ? {} : { workerUrl }),
  });
  try {
    return createEngineModel(engine, subject, { maxPlans, why: { chosenBecause, refused } });
  } catch (error) {
    await engine.dispose();
    throw error;
  }
}

/** @throws BackendError when TensorFlow.js is not installed, or there is no WebGPU, or no adapter */
async function startWebgpu(
  subject: ModelSubject,
  options: { takesSoftware: boolean; chosenBecause: string },
): Promise<RunnableModel> {
  const hasOwn = (globalThis.navigator as { gpu?: unknown } | undefined)?.gpu !== undefined;
  // In Node WebGPU is a package: without it there is no need to load TensorFlow.js
  if (!hasOwn) await loadDawn();
  let createWebgpuModel: typeof import('./webgpu-model').createWebgpuModel;
  try {
    ({ createWebgpuModel } = await import('./webgpu-model'));
  } catch (cause) {
    throw new BackendError(
      `webgpu: expected @sparsevit/ops, @sparsevit/kernels-webgpu, @tensorflow/tfjs-core and @tensorflow/tfjs-backend-webgpu to be installed, got ${messageOf(cause)}`,
      { cause },
    );
  }
  return createWebgpuModel(subject, { ...options, loadDawn });
}

/** The optional peer `webgpu` (Dawn), for Node. */
async function loadDawn(): Promise<unknown> {
  const name = 'webgpu'; // only in Node: a name that no bundler follows
  try {
    return await import(/* @vite-ignore */ /* webpackIgnore: true */ name);
  } catch (cause) {
    throw new BackendError(
      `webgpu: expected navigator.gpu, or in Node the npm package webgpu, got neither (${messageOf(cause)}).`,
      { cause },
    );
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
