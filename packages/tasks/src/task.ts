/** A whole model: a backbone with a head, over whatever `T` an implementation computes with, the engine's plans included. */

import type { ForwardOptions, ForwardResult, HostTensor, SwinCheckpoint } from '@sparsevit/backbone';
import { buildWeights, createSwin, flattenWeights, listWeights, partsOf } from '@sparsevit/backbone';
import type { SwinArchitecture } from '@sparsevit/windows';
import { ConfigError, createRandom, stageChannels } from '@sparsevit/windows';
import type { TaskConfig } from './config';
import { checkTask } from './config';
import type { DetectionWeights } from './heads/detection';
import { detectionForward, detectionSlots } from './heads/detection';
import type { HeadOps } from './heads/feature-pyramid';
import type { SemanticWeights } from './heads/semantic';
import { semanticForward, semanticSlots } from './heads/semantic';
import type { HeadSlot, MakeWeight } from './heads/slots';
import { freshWeight } from './heads/slots';
import type { UpernetWeights } from './heads/upernet';
import { upernetForward, upernetSlots } from './heads/upernet';
import type { TaskInput } from './input';

/** A task with its weights on the host: what a file holds. */
export interface TaskCheckpoint {
  readonly config: TaskConfig;
  readonly backbone: Pick<SwinCheckpoint, 'architecture' | 'family' | 'weights' | 'sparsity'>;
  /** The head's weights by key; empty for classification, whose classifier belongs to the backbone's weights. */
  readonly head: ReadonlyMap<string, HostTensor>;
  /** How images are made ready for it; `taskInputOf` gives what is taken where nothing is said. */
  readonly input?: TaskInput;
}

/** What a forward gives, by the kind of task. */
export type TaskOutput<T> =
  | {
      readonly kind: 'classification';
      /** [B, classes] */
      readonly logits: T;
    }
  | {
      readonly kind: 'semantic';
      /** [B, H / 4, W / 4, classes] */
      readonly logits: T;
      /** [B, H / 16, W / 16, classes], of UperNet when it is asked for; else null. */
      readonly auxiliaryLogits: T | null;
    }
  | {
      readonly kind: 'detection';
      /** Logits [B, H / 4, W / 4, classes]. */
      readonly heatmap: T;
      /** `[B, H / 4, W / 4, 4]`: width and height in cells, offset in x and y. */
      readonly box: T;
    };

/** What is asked of a task's forward. */
export type TaskForwardOptions = Pick<
  ForwardOptions,
  'sparsity' | 'kept' | 'dropPath' | 'wantsWindows' | 'wantsImportance'
> & {
  /** Whether the loss of auxiliary logits will be taken; default false. */
  readonly wantsAuxiliary?: boolean;
};

/** What a task's forward returns. */
export interface TaskForwardResult<T> extends Pick<ForwardResult<T>, 'windows' | 'importance'> {
  readonly output: TaskOutput<T>;
}

/** A task that an implementation has taken in; `dispose` it when done. */
export interface Task<T> {
  readonly config: TaskConfig;
  readonly architecture: SwinArchitecture;
  readonly family: SwinCheckpoint['family'];
  /** Every weight: `backbone.…` and `head.…`. */
  readonly weights: ReadonlyMap<string, T>;
  /** Image [B, H, W, 3], normalised -> output, and what else is asked for: windows and importance are as a backbone's forward gives them. */
  forward(image: T, options?: TaskForwardOptions): TaskForwardResult<T>;
  dispose(): void;
}

type Head<T> =
  | { readonly kind: 'classification' }
  | { readonly kind: 'semantic'; readonly weights: SemanticWeights<T> }
  | { readonly kind: 'upernet'; readonly weights: UpernetWeights<T> }
  | { readonly kind: 'detection'; readonly weights: DetectionWeights<T> };

/** Makes the weights of a task's head, slot after slot. */
function headOf<T>(config: TaskConfig, architecture: SwinArchitecture, make: MakeWeight<T>): Head<T> {
  switch (config.kind) {
    case 'classification':
      return { kind: 'classification' };
    case 'semantic':
      return { kind: 'semantic', weights: semanticSlots(make, config, architecture) };
    case 'upernet':
      return { kind: 'upernet', weights: upernetSlots(make, config, architecture) };
    case 'detection':
      return { kind: 'detection', weights: detectionSlots(make, config, architecture) };
  }
}

/** The weights that a task's head has, in their order. */
export function headSlots(config: TaskConfig, architecture: SwinArchitecture): HeadSlot[] {
  const slots: HeadSlot[] = [];
  headOf(config, architecture, (slot) => slots.push(slot));
  return slots;
}

/**
 * A task with a fresh head on a backbone's weights. A classifier gets a new classifier; the others get a norm on the output of each stage where
 * the backbone has none.
 *
 * @param seed of the fresh weights
 * @throws ConfigError for a task that cannot be
 * @example
 * const checkpoint = newTask({ kind: 'detection', classes: ['car'] }, loadCheckpoint(bytes), { seed: 0 });
 */
export function newTask(
  config: TaskConfig,
  backbone: Pick<SwinCheckpoint, 'architecture' | 'family' | 'weights'> & Partial<Pick<SwinCheckpoint, 'sparsity'>>,
  { seed }: { seed: number },
): TaskCheckpoint {
  checkTask(config);
  const { architecture, family, weights, sparsity = null } = backbone;
  const random = createRandom(seed);
  const head = new Map(headSlots(config, architecture).map((slot) => [slot.key, freshWeight(slot, random)]));
  const last = stageChannels(architecture, architecture.depths.length - 1);
  const norm = (channels: number) => ({
    weight: { values: new Float32Array(channels).fill(1), shape: [channels] },
    bias: { values: new Float32Array(channels), shape: [channels] },
  });
  const classes = config.classes.length;
  const own =
    config.kind === 'classification'
      ? {
          ...weights,
          outputNorms: weights.outputNorms.map(() => null),
          finalNorm: weights.finalNorm ?? norm(last),
          classifier: {
            weight: freshWeight({ key: 'classifier.weight', shape: [last, classes], fill: 'small' }, random),
            bias: { values: new Float32Array(classes), shape: [classes] },
          },
        }
      : {
          ...weights,
          outputNorms: weights.outputNorms.map((given, stage) => given ?? norm(stageChannels(architecture, stage))),
          finalNorm: null,
          classifier: null,
        };
  return { config, backbone: { architecture, family, weights: own, sparsity }, head };
}

/**
 * Gives a task's weights to an implementation.
 *
 * @throws ConfigError when the weights are not those of the task
 * @example
 * const task = createTask(createTensorOps({ trainable: true }), checkpoint);
 * const { output } = task.forward(image, { sparsity: uniformSparsity(task.architecture, 0.6) });
 */
export function createTask<T>(ops: HeadOps<T>, checkpoint: TaskCheckpoint): Task<T> {
  const config = checkTask(checkpoint.config);
  const { architecture, weights: hostWeights } = checkpoint.backbone;
  checkClassifier(config, checkpoint);
  const backbone = createSwin(ops, checkpoint.backbone);
  const taken = new Map<string, T>();
  const weights = new Map<string, T>();
  const free = (): void => {
    for (const weight of taken.values()) ops.freeWeight(weight);
    backbone.dispose();
  };
  const backboneWeights = flattenWeights(backbone.weights);
  for (const [i, { slot }] of listWeights(architecture, hostWeights).entries()) {
    weights.set(`backbone.${slot.key}`, backboneWeights[i] as T);
  }
  let head: Head<T>;
  try {
    head = headOf(config, architecture, ({ key, shape }) => {
      const given = checkpoint.head.get(key);
      if (given === undefined || given.shape.join() !== shape.join()) {
        throw new ConfigError(
          `createTask: expected ${key} of [${shape.join(', ')}], got ${given === undefined ? 'none' : `[${given.shape.join(', ')}]`}. Config and weights must belong together.`,
        );
      }
      const weight = ops.fromWeights(given.values, given.shape, `head.${key}`);
      taken.set(key, weight);
      weights.set(`head.${key}`, weight);
      return weight;
    });
  } catch (error) {
    free();
    throw error;
  }
  let isDisposed = false;
  return {
    config,
    architecture,
    family: backbone.family,
    weights,
    forward(image, { wantsWindows = false, wantsAuxiliary = false, ...options } = {}) {
      return ops.scope(() => {
        const wantsLogits = head.kind === 'classification';
        const { features, logits, windows, importance } = backbone.forward(image, {
          ...options,
          wantsWindows,
          wantsLogits,
          ...(wantsLogits ? { outputs: [] } : {}),
        });
        return { output: runHead(ops, config, head, { features, logits, wantsAuxiliary }), windows, importance };
      });
    },
    dispose() {
      if (isDisposed) return;
      isDisposed = true;
      free();
    },
  };
}

function runHead<T>(
  ops: HeadOps<T>,
  config: TaskConfig,
  head: Head<T>,
  given: { features: readonly (T | null)[]; logits: T | null; wantsAuxiliary: boolean },
): TaskOutput<T> {
  const { features, logits, wantsAuxiliary } = given;
  if (head.kind === 'semantic' && config.kind === 'semantic') {
    return { kind: 'semantic', ...semanticForward(ops, config, head.weights, features), auxiliaryLogits: null };
  }
  if (head.kind === 'upernet' && config.kind === 'upernet') {
    return { kind: 'semantic', ...upernetForward(ops, config, head.weights, features, { wantsAuxiliary }) };
  }
  if (head.kind === 'detection') return { kind: 'detection', ...detectionForward(ops, head.weights, features) };
  return { kind: 'classification', logits: logits as T };
}

function checkClassifier(config: TaskConfig, { backbone }: TaskCheckpoint): void {
  if (config.kind !== 'classification') return;
  const classes = backbone.weights.classifier?.bias?.shape[0];
  if (classes !== config.classes.length) {
    throw new ConfigError(
      `createTask: expected a classifier of ${config.classes.length} classes, got ${classes ?? 'none'}. newTask gives a backbone a fresh one.`,
    );
  }
}

/** The weights of a task back on the host, as they are now. */
export async function readTask<T extends { data(): Promise<ArrayLike<number>>; readonly shape: readonly number[] }>(
  task: Task<T>,
  checkpoint: TaskCheckpoint,
): Promise<TaskCheckpoint> {
  const { architecture, weights } = checkpoint.backbone;
  const read = async (key: string): Promise<HostTensor> => {
    const tensor = task.weights.get(key);
    if (tensor === undefined) throw new ConfigError(`readTask: expected ${key}, got a task without it.`);
    return { values: Float32Array.from(await tensor.data()), shape: [...tensor.shape] };
  };
  const now = new Map<string, HostTensor>();
  for (const { slot } of listWeights(architecture, weights)) now.set(slot.key, await read(`backbone.${slot.key}`));
  const head = new Map<string, HostTensor>();
  for (const key of checkpoint.head.keys()) head.set(key, await read(`head.${key}`));
  return { ...checkpoint, backbone: { ...checkpoint.backbone, weights: rebuilt(checkpoint, now) }, head };
}

function rebuilt({ backbone }: TaskCheckpoint, now: ReadonlyMap<string, HostTensor>): SwinCheckpoint['weights'] {
  return buildWeights(backbone.architecture, partsOf(backbone.weights), ({ key }) => now.get(key) as HostTensor);
}
