/**
 * The loop: draw a sparsity, run the batches of a step, apply the gradients, tell, save. It knows no task and no data: a model is something
 * with parameters and a loss, data something that gives batches from a place on.
 */

import { ConfigError } from '@sparsevit/windows';
import { copyOf, createAverage, withAverage } from './average';
import type { DataPosition, TrainingRecord } from './checkpoint';
import { writeTrainingState } from './checkpoint';
import type { TrainingEvent } from './events';
import { createOptimizer } from './optimizer';
import { resume } from './resume';
import type { StepConfig } from './step';
import { takeStep } from './step';
import type { CheckpointStore } from './store';
import { bestName, saveStep } from './store';
import type { Trainable, TrainingBatch, TrainingData } from './trainable';
import type { GradientTransform, TensorMap } from './transform';

/** How to train. */
export interface TrainConfig extends StepConfig {
  /** Steps in all; a run that is resumed does the rest. */
  readonly steps: number;
  readonly transform: GradientTransform;
  /** Batches whose gradients are averaged in a step; default 1. */
  readonly accumulate?: number;
  /** Decay of the running mean of parameters; null (the default) for none. */
  readonly averageDecay?: number | null;
  /** What the run is, as JSON: one with another text is not resumed. */
  readonly identity: string;
  /** Steps between checkpoints; 0 for only the last. Default 0. */
  readonly saveEvery?: number;
  /** Checkpoints of steps that are kept; default 2. */
  readonly keepLast?: number;
  /** Steps between evaluations; 0 for only the last. Default 0. */
  readonly evaluateEvery?: number;
}

/** What a run needs from outside. */
export interface TrainSurroundings {
  readonly store: CheckpointStore;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TrainingEvent) => void;
  /** Milliseconds; default `performance.now`. */
  readonly now?: () => number;
  /**
   * Called at evaluations with the model in evaluation state (the running mean in its variables, if there is one); `score` decides which
   * checkpoint is the best.
   */
  readonly evaluate?: (
    step: number,
  ) => Promise<{ readonly score: number; readonly metrics: Readonly<Record<string, unknown>> }>;
}

/** What came of it. */
export interface TrainResult {
  readonly step: number;
  readonly best: TrainingRecord['best'];
  /** The running mean of the parameters; null without one. The caller's to free. */
  readonly average: TensorMap | null;
}

/**
 * Trains a model. When the store has a checkpoint of the same run it goes on from there, to the same weights (on one backend: bit for bit) as
 * if it had never stopped.
 *
 * @throws SparseViTError with code `training` for a loss that is not finite or explodes, with the step, the items and the sparsity
 * @throws CheckpointError when the store has checkpoints of another run, or the disk refuses
 * @throws ConfigError for counts that are none; the signal's reason when stopped, after saving
 * @example
 * await train(model, data, { steps: 1000, sparsitiesOf: createSampler(...), transform, seed: 0, identity: '{}' }, { store });
 */
export async function train<Batch>(
  model: Trainable<Batch>,
  data: TrainingData<Batch>,
  config: TrainConfig,
  surroundings: TrainSurroundings,
): Promise<TrainResult> {
  const { steps, accumulate = 1, averageDecay = null, saveEvery = 0, keepLast = 2, evaluateEvery = 0 } = config;
  for (const [name, value, least] of [
    ['steps', steps, 0],
    ['accumulate', accumulate, 1],
    ['saveEvery', saveEvery, 0],
    ['keepLast', keepLast, 1],
    ['evaluateEvery', evaluateEvery, 0],
  ] as const) {
    if (!Number.isInteger(value) || value < least) {
      throw new ConfigError(`train: expected ${name} to be a whole number of at least ${least}, got ${value}.`);
    }
  }
  const { store, signal, onEvent = () => {}, now = () => performance.now(), evaluate } = surroundings;
  const optimizer = createOptimizer(config.transform, model.parameters);
  const average = averageDecay === null ? null : createAverage(model.parameters, averageDecay);
  let position: DataPosition = { epoch: 0, position: 0 };
  let best: TrainingRecord['best'] = null;
  try {
    const resumed = await resume(model, optimizer, average, config.identity, { store, onEvent });
    if (resumed !== null) ({ data: position, best } = resumed);
    let savedStep = optimizer.step;

    const save = async (name?: string): Promise<void> => {
      const record: TrainingRecord = { step: optimizer.step, data: position, config: config.identity, best };
      const state = { parameters: model.parameters, optimizer: optimizer.state, average: average?.shadow ?? null };
      const bytes = await writeTrainingState(state, record);
      if (name === undefined) name = await saveStep(store, optimizer.step, bytes, keepLast);
      else await store.write(name, bytes);
      if (name !== bestName) savedStep = optimizer.step;
      onEvent({ type: 'checkpoint-saved', step: optimizer.step, name });
    };
    const judge = async (): Promise<void> => {
      if (evaluate === undefined) return;
      const { score, metrics } = await withAverage(model.parameters, average, () => evaluate(optimizer.step));
      onEvent({ type: 'evaluation-end', step: optimizer.step, score, metrics });
      if (best !== null && !(score > best.value)) return;
      best = { step: optimizer.step, value: score };
      await save(bestName);
    };

    const begin = { step: optimizer.step, timeMs: now() };
    const advance = async (batches: readonly TrainingBatch<Batch>[]): Promise<void> => {
      const started = now();
      const facts = await takeStep(model, batches, config, optimizer);
      average?.update(model.parameters, optimizer.step - 1);
      position = batches.at(-1)?.next ?? position;
      const images = batches.reduce((sum, { size }) => sum + size, 0);
      const done = now();
      const perStepMs = (done - begin.timeMs) / (optimizer.step - begin.step);
      onEvent({
        type: 'step-end',
        step: optimizer.step,
        ...facts,
        imagesPerSecond: (images * 1000) / Math.max(1e-6, done - started),
        remainingMs: perStepMs * (steps - optimizer.step),
      });
      const isLast = optimizer.step === steps;
      if (isLast || isTurn(optimizer.step, evaluateEvery)) await judge();
      if (isLast || isTurn(optimizer.step, saveEvery)) await save();
    };

    try {
      let pending: TrainingBatch<Batch>[] = [];
      if (optimizer.step < steps) {
        for await (const batch of data.batches(position, signal)) {
          pending.push(batch);
          if (pending.length < accumulate) continue;
          await advance(pending);
          pending = [];
          if (optimizer.step === steps) break;
          signal?.throwIfAborted();
        }
      }
      signal?.throwIfAborted();
    } catch (error) {
      if (signal?.aborted && optimizer.step > savedStep) await save();
      throw error;
    }
    if (optimizer.step < steps) {
      throw new ConfigError(`train: expected data for ${steps} steps, got an end after ${optimizer.step}.`);
    }
    onEvent({ type: 'training-end', step: optimizer.step, best });
    return { step: optimizer.step, best, average: average === null ? null : copyOf(average.shadow) };
  } finally {
    optimizer.dispose();
    average?.dispose();
  }
}

const isTurn = (step: number, every: number): boolean => every > 0 && step % every === 0;
