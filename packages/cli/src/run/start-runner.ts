/** Which runner: each is loaded only when it is chosen, so that the engine runs without TensorFlow.js. */

import type { SwinCheckpoint } from '@sparsevit/backbone';
import { SparseViTError } from '@sparsevit/windows';
import type { Refusal, Runner } from './runner';

/** What `--backend` takes. */
export const backendChoices = ['auto', 'engine', 'webgpu', 'wasm', 'cpu'] as const;

/** A backend by name, or webgpu on a graphics card and else the engine. */
export type BackendChoice = (typeof backendChoices)[number];

/** What was asked for. */
export interface RunnerChoice {
  readonly backend: BackendChoice;
  readonly wantsKernels: boolean;
  readonly threads: number | undefined;
  now(): number;
}

/**
 * Starts what runs the model.
 *
 * @throws BackendError when it is not installed, or this machine cannot run it
 */
export async function startRunner(
  readModel: () => Pick<SwinCheckpoint, 'architecture' | 'family' | 'weights'>,
  { backend, wantsKernels, threads, now }: RunnerChoice,
): Promise<Runner> {
  if (backend !== 'auto' && backend !== 'engine') {
    const { createTensorRunner } = await import('./tensor-runner');
    return createTensorRunner(readModel, { backend, wantsKernels });
  }
  const refused: Refusal[] = [];
  if (backend === 'auto') {
    try {
      const { createTensorRunner } = await import('./tensor-runner');
      return await createTensorRunner(readModel, { backend: 'graphics card', wantsKernels });
    } catch (error) {
      if (!SparseViTError.isInstance(error) || error.code !== 'backend') throw error;
      refused.push({ reason: `webgpu: ${error.message}` });
    }
  }
  const { createEngineRunner } = await import('./engine-runner');
  const chosenBecause = backend === 'auto' ? 'the first of webgpu, engine that works here' : null;
  return createEngineRunner(readModel, { threads, refused, chosenBecause, now });
}
