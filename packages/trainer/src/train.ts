/**
 * The loop: draw a sparsity, run the batches of a step, apply the gradients, tell, save. It knows no task and no data: a model is something
 * with parameters and a loss, data something that gives batches from a place on.
 */

import type { DropPathFactors } from '@sparsevit/backbone';
import type { RatioSparsity, Sparsity, SwinArchitecture } from '@sparsevit/windows';
import { ConfigError, SparseViTError } from '@sparsevit/windows';
import { globalNorm } from './adam';
import type { ParameterAverage } from './average';
import { createAverage } from './average';
import type { DataPosition, TrainingRecord } from './checkpoint';
import { readTrainingState, writeTrainingState } from './checkpoint';
import { drawDropPath } from './drop-path';
import type { TrainingEvent } from './events';
import type { Optimizer } from './optimizer';
import { createOptimizer } from './optimizer';
import type { CheckpointStore } from './store';
import { bestName, openLatest, saveStep } from './store';
import type { Scalar, Tensor, Variable } from './tensor';
import { add, dispose, keep, mul, tidy, variableGrads } from './tensor';
import type { GradientTransform, TensorMap } from './transform';

/** How a loss is to be computed. */
export interface LossOptions {
  readonly sparsity: Sparsity | null;
  readonly dropPath?: readonly (readonly DropPathFactors[])[];
}

/** What is trained. */
export interface Trainable<Batch> {
  readonly architecture: SwinArchitecture;
  /** The variables by key. */
  readonly parameters: ReadonlyMap<string, Variable>;
  /** The loss of a batch and what it is the sum of, scalars. Called while a gradient is recorded. */
  loss(
    batch: Batch,
    options: LossOptions,
  ): { readonly total: Scalar; readonly parts: Readonly<Record<string, Scalar>> };
}

/** One batch, what it is of, and where the data goes on after it. */
export interface TrainingBatch<Batch> {
  readonly batch: Batch;
  /** Images in it. */
  readonly size: number;
  /** What an error names. */
  readonly items: readonly string[];
  readonly next: DataPosition;
}

/** Gives batches from a place on, epoch after epoch; the same ones whenever it is asked for the same place. */
export interface TrainingData<Batch> {
  batches(from: DataPosition, signal: AbortSignal | undefined): AsyncIterable<TrainingBatch<Batch>>;
}

/** How to train. */
export interface TrainConfig {
  /** Steps in all; a run that is resumed does the rest. */
  readonly steps: number;
  /** Sparsities of a step; their losses are averaged. Dense training gives `[null]`. */
  readonly sparsitiesOf: (step: number) => readonly (RatioSparsity | Sparsity | null)[];
  readonly transform: GradientTransform;
  /** Batches whose gradients are averaged in a step; default 1. */
  readonly accumulate?: number;
  readonly dropPathRate?: number;
  /** Decay of the running mean of parameters; null (the default) for none. */
  readonly averageDecay?: number | null;
  readonly seed: number;
  /** A loss above it stops the run as one that is not finite does; default 1e4. */
  readonly largestLoss?: number;
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
    const resumed = await resume(model, optimizer, average, config, { store, onEvent });
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
      const facts = await step(model, batches, config, optimizer);
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
    const shadow = average === null ? null : new Map([...average.shadow].map(([key, value]) => [key, copy(value)]));
    return { step: optimizer.step, best, average: shadow };
  } finally {
    optimizer.dispose();
    average?.dispose();
  }
}

const copy = (value: Tensor): Tensor => keep(tidy(() => mul(value, 1)));

const isTurn = (step: number, every: number): boolean => every > 0 && step % every === 0;

/** Puts the latest checkpoint into place. */
async function resume<Batch>(
  model: Trainable<Batch>,
  optimizer: Optimizer,
  average: ParameterAverage | null,
  config: TrainConfig,
  { store, onEvent }: { store: CheckpointStore; onEvent: (event: TrainingEvent) => void },
): Promise<TrainingRecord | null> {
  const latest = await openLatest(store, readTrainingState, (name, reason) =>
    onEvent({ type: 'checkpoint-skipped', name, reason }),
  );
  if (latest === null) return null;
  const { name, opened } = latest;
  const { state, record } = opened;
  const free = (): void =>
    dispose([state.parameters, state.optimizer, state.average ?? new Map()].flatMap((map) => [...map.values()]));
  const refuse = (got: string): SparseViTError => {
    free();
    return new SparseViTError(
      'checkpoint',
      `train: expected ${name} to be of this run, got ${got}. Give another folder, or remove the checkpoints to begin anew.`,
    );
  };
  if (record.config !== config.identity) throw refuse('one with another configuration');
  for (const [key, variable] of model.parameters) {
    const stored = state.parameters.get(key);
    if (stored === undefined || stored.shape.join() !== variable.shape.join()) {
      throw refuse(`no ${key} of [${variable.shape.join(', ')}]`);
    }
  }
  if (state.parameters.size !== model.parameters.size) throw refuse('more parameters than the model has');
  if ((state.average === null) !== (average === null)) throw refuse('one with another running mean');
  try {
    optimizer.restore(record.step, state.optimizer);
  } catch (error) {
    free();
    throw error;
  }
  for (const [key, variable] of model.parameters) variable.assign(state.parameters.get(key) as Tensor);
  dispose([...state.parameters.values()]);
  if (state.average !== null) average?.restore(new Map([...state.average].map(([key, value]) => [key, keep(value)])));
  onEvent({ type: 'training-resumed', step: record.step, name });
  return record;
}

interface StepFacts {
  readonly loss: number;
  readonly parts: Readonly<Record<string, number>>;
  readonly gradientNorm: number;
  readonly sparsities: readonly (Sparsity | null)[];
  readonly items: readonly string[];
}

/** One step: gradients of every batch at every sparsity, averaged and applied. */
async function step<Batch>(
  model: Trainable<Batch>,
  batches: readonly TrainingBatch<Batch>[],
  { sparsitiesOf, dropPathRate = 0, seed, largestLoss = 1e4 }: TrainConfig,
  optimizer: Optimizer,
): Promise<StepFacts> {
  const sparsities = sparsitiesOf(optimizer.step);
  const share = 1 / (batches.length * sparsities.length);
  const items = batches.flatMap((batch) => batch.items);
  const keyOf = new Map([...model.parameters].map(([key, variable]) => [variable.name, key]));
  let gradients: TensorMap = new Map();
  const total: Record<string, number> = {};
  let loss = 0;
  try {
    for (const [number, { batch, size }] of batches.entries()) {
      const drops = { rate: dropPathRate, batch: size, seed, step: optimizer.step * batches.length + number };
      const dropPath = drawDropPath(model.architecture, drops);
      for (const sparsity of sparsities) {
        let parts: Readonly<Record<string, Scalar>> = {};
        const { value, grads } = variableGrads(() => {
          const result = model.loss(batch, { sparsity, ...(dropPath ? { dropPath } : {}) });
          parts = Object.fromEntries(Object.entries(result.parts).map(([name, part]) => [name, keep(part)]));
          return result.total;
        }, [...model.parameters.values()]);
        const values = await Promise.all(
          [value, ...Object.values(parts)].map(async (scalar) => (await scalar.data())[0]),
        );
        dispose([value, ...Object.values(parts)]);
        loss += (values[0] ?? Number.NaN) * share;
        for (const [i, name] of Object.keys(parts).entries()) {
          total[name] = (total[name] ?? 0) + (values[i + 1] ?? Number.NaN) * share;
        }
        gradients = accumulated(gradients, grads, keyOf, share);
      }
    }
    const norm = globalNorm(gradients);
    const [gradientNorm = Number.NaN] = await norm.data();
    norm.dispose();
    const facts = { loss, parts: total, gradientNorm, sparsities, items };
    if (!Number.isFinite(loss) || loss > largestLoss || !Number.isFinite(gradientNorm))
      throw exploded(optimizer.step, facts, largestLoss);
    optimizer.apply(gradients);
    return facts;
  } finally {
    dispose([...gradients.values()]);
  }
}

/** Sum of gradients by the keys of their parameters; takes over what it is given. */
function accumulated(
  sum: TensorMap,
  grads: Readonly<Record<string, Tensor>>,
  keyOf: ReadonlyMap<string, string>,
  share: number,
): TensorMap {
  const next = new Map<string, Tensor>(sum);
  for (const [name, gradient] of Object.entries(grads)) {
    const key = keyOf.get(name) ?? name;
    const before = sum.get(key);
    next.set(
      key,
      share === 1 && before === undefined
        ? gradient
        : tidy(() => (before === undefined ? mul(gradient, share) : add(before, mul(gradient, share)))),
    );
    if (next.get(key) !== gradient) gradient.dispose();
    before?.dispose();
  }
  return next;
}

function exploded(
  step: number,
  { loss, gradientNorm, sparsities, items }: StepFacts,
  largestLoss: number,
): SparseViTError {
  const ratios = sparsities.map((sparsity) => JSON.stringify(sparsity)).join(' and ');
  return new SparseViTError(
    'training',
    `train: expected a finite loss of at most ${largestLoss}, got ${loss} with gradients of norm ${gradientNorm} in step ${step}, on ${items.join(', ')}, at sparsity ${ratios}. A smaller learning rate, warm-up or clipping helps; the last checkpoint is before this step.`,
  );
}

/** Runs with the running mean in the place of the parameters. */
async function withAverage<Result>(
  parameters: ReadonlyMap<string, Variable>,
  average: ParameterAverage | null,
  run: () => Promise<Result>,
): Promise<Result> {
  if (average === null) return run();
  const own = new Map([...parameters].map(([key, variable]) => [key, copy(variable)]));
  try {
    for (const [key, variable] of parameters) variable.assign(average.shadow.get(key) as Tensor);
    return await run();
  } finally {
    for (const [key, variable] of parameters) variable.assign(own.get(key) as Tensor);
    dispose([...own.values()]);
  }
}
