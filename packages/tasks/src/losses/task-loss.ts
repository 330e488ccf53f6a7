/** The loss of a task, whichever it is, and a task as something to train. */

import type { DropPathFactors } from '@sparsevit/backbone';
import type { Sparsity, SwinArchitecture } from '@sparsevit/windows';
import { ConfigError } from '@sparsevit/windows';
import type { TaskBatch } from '../batch';
import { learnsFrom } from '../config';
import { upernetAuxiliaryLossWeight } from '../heads/upernet';
import { detectionTargets } from '../targets';
import type { Task, TaskOutput } from '../task';
import { focalLoss, weightedL1 } from './centres';
import { crossEntropy } from './cross-entropy';
import { guidanceLoss } from './guidance';
import type { Scalar, Tensor, Tensor2D, Variable } from './tensor';
import { add, mean, mul, reshape, square, sub, tensor, tensor4d, tidy } from './tensor';

/** What resizing logits to the size of masks needs. */
type Upsample = (x: Tensor, height: number, width: number) => Tensor;

/** A loss, and what it is the sum of. */
export interface TaskLoss {
  readonly total: Scalar;
  readonly parts: Readonly<Record<string, Scalar>>;
}

/** Share of the sizes of boxes in the loss of a detector. Source: Objects as Points, equation 4. */
const sizeShare = 0.1;

/**
 * The loss of an output. Classification and segmentation: cross entropy (of pixels: logits are resized to the masks). Detection: focal loss of the
 * heatmap + 0.1 * L1 of sizes + L1 of offsets.
 *
 * @throws ConfigError when batch and output are of different tasks
 * @example
 * const { total } = taskLoss(task.config, output, batch, ops.upsample);
 */
export function taskLoss(
  config: Task<Tensor>['config'],
  output: TaskOutput<Tensor>,
  { targets, shape }: TaskBatch,
  upsample: Upsample,
): TaskLoss {
  const wanted = learnsFrom(config);
  if (wanted !== targets.kind) {
    throw new ConfigError(
      `taskLoss: expected a batch with ${wanted} for ${config.kind}, got one with ${targets.kind}.`,
    );
  }
  return tidy(
    () => lossOf(config, output, targets, shape, upsample) as unknown as Record<string, Scalar>,
  ) as unknown as TaskLoss;
}

function lossOf(
  config: Task<Tensor>['config'],
  output: TaskOutput<Tensor>,
  targets: TaskBatch['targets'],
  shape: TaskBatch['shape'],
  upsample: Upsample,
): TaskLoss {
  if (output.kind === 'classification' && targets.kind === 'labels') {
    const smoothing = config.kind === 'classification' ? (config.labelSmoothing ?? 0) : 0;
    const loss = crossEntropy(output.logits as Tensor2D, targets.labels, { smoothing });
    return { total: loss, parts: {} };
  }
  if (output.kind === 'semantic' && targets.kind === 'masks') {
    const [, height, width] = shape;
    const lossOfLogits = (map: Tensor): Scalar => {
      const logits = upsample(map, height, width);
      const rows = reshape(logits, [logits.size / config.classes.length, config.classes.length]) as Tensor2D;
      return crossEntropy(rows, targets.masks);
    };
    const own = lossOfLogits(output.logits);
    if (output.auxiliaryLogits === null) return { total: own, parts: {} };
    const auxiliary = mul(lossOfLogits(output.auxiliaryLogits), upernetAuxiliaryLossWeight) as Scalar;
    return { total: add(own, auxiliary) as Scalar, parts: { logits: own, auxiliary } };
  }
  if (output.kind === 'detection' && targets.kind === 'boxes') {
    const [, height = 1, width = 1] = output.heatmap.shape;
    const wanted = detectionTargets(targets.boxes, { height, width }, { classes: config.classes.length });
    const [batch] = wanted.shape;
    const box = tensor(wanted.box, [batch, height, width, 4]);
    const at = tensor(wanted.mask, [batch, height, width, 1]);
    const heatmap = focalLoss(
      output.heatmap,
      tensor(wanted.heatmap, [batch, height, width, config.classes.length]),
      wanted.heatmapCentres,
    );
    const size = weightedL1(output.box, box, mul(at, tensor([sizeShare, sizeShare, 0, 0])), wanted.centres);
    const offset = weightedL1(output.box, box, mul(at, tensor([0, 0, 1, 1])), wanted.centres);
    return { total: add(heatmap, add(size, offset)) as Scalar, parts: { heatmap, size, offset } };
  }
  throw new ConfigError(`taskLoss: expected a known task, got ${output.kind}.`);
}

/** How a loss of a step is computed: the shape that `@sparsevit/trainer` asks with. */
interface StepOptions {
  readonly sparsity: Sparsity | null;
  readonly dropPath?: readonly (readonly DropPathFactors[])[];
}

/** What `@sparsevit/trainer` trains. */
export interface TrainableTask {
  readonly architecture: SwinArchitecture;
  readonly parameters: ReadonlyMap<string, Variable>;
  loss(batch: TaskBatch, options: StepOptions): TaskLoss;
}

/** What a task learns from beside the labels. */
export interface TrainableOptions {
  readonly upsample: Upsample;
  /**
   * A frozen model whose dense outputs this one shall keep: `weight` times the mean squared difference of each output map is added to the loss.
   */
  readonly teacher?: { readonly task: Task<Tensor>; readonly weight: number };
  /** `weight` times `guidanceLoss` of the boxes is added to the loss: the norms of windows learn where objects are. */
  readonly guidance?: { readonly weight: number };
}

/**
 * A task as something to train. Its weights must be variables: `createTensorOps({ trainable: true })`.
 *
 * @throws ConfigError when a weight is none
 * @example
 * const ops = createTensorOps({ trainable: true });
 * await train(trainableTask(createTask(ops, checkpoint), { upsample: ops.upsample }), data, config, { store });
 */
export function trainableTask(task: Task<Tensor>, { upsample, teacher, guidance }: TrainableOptions): TrainableTask {
  if (guidance !== undefined && learnsFrom(task.config) !== 'boxes') {
    throw new ConfigError(
      `trainableTask: expected a task that learns from boxes for guidance, got ${task.config.kind}. Leave guidance out.`,
    );
  }
  const parameters = new Map<string, Variable>();
  for (const [key, weight] of task.weights) {
    if (!('assign' in weight)) {
      throw new ConfigError(
        `trainableTask: expected variables, got a tensor for ${key}. Make the task with createTensorOps({ trainable: true }).`,
      );
    }
    parameters.set(key, weight as Variable);
  }
  return {
    architecture: task.architecture,
    parameters,
    loss(batch, options) {
      const image = tensor4d(batch.pixels, [...batch.shape]);
      const wantsImportance = guidance !== undefined;
      const { output, importance } = task.forward(image, { ...options, wantsAuxiliary: true, wantsImportance });
      const own = taskLoss(task.config, output, batch, upsample);
      const added: { distillation?: Scalar; guidance?: Scalar } = {};
      if (teacher !== undefined) {
        const wanted = teacher.task.forward(image, { sparsity: null }).output;
        added.distillation = mul(differenceOf(output, wanted), teacher.weight) as Scalar;
      }
      if (guidance !== undefined && batch.targets.kind === 'boxes') {
        added.guidance = mul(guidanceLoss(importance, batch.targets.boxes, task.architecture), guidance.weight);
      }
      const total = Object.values(added).reduce((sum, part) => add(sum, part) as Scalar, own.total);
      return { total, parts: { ...own.parts, ...added } };
    },
  };
}

function differenceOf(output: TaskOutput<Tensor>, wanted: TaskOutput<Tensor>): Tensor {
  const maps = (of: TaskOutput<Tensor>): Tensor[] => (of.kind === 'detection' ? [of.heatmap, of.box] : [of.logits]);
  const others = maps(wanted);
  return maps(output)
    .map((map, i) => mean(square(sub(map, others[i] as Tensor))))
    .reduce((sum, part) => add(sum, part));
}
