/** What a task sees of an image: how it is resized, and how its values are scaled. It is saved with the weights. */

import { imagenetNormalization } from '@sparsevit/config/presets';
import { ConfigError } from '@sparsevit/windows';

/** What a task sees of an image. */
export interface TaskInput {
  /** Pixels that every image is resized to; null for each its own. */
  readonly size: { readonly height: number; readonly width: number } | null;
  /** Whether the ratio of the sides is kept, with borders. */
  readonly keepRatio: boolean;
  /** Mean and standard deviation of red, green and blue on the scale 0 to 1. */
  readonly normalization: { readonly mean: readonly number[]; readonly std: readonly number[] };
}

const largestSide = 100_000;

/**
 * How images are made ready for a task: as it is saved with the weights, else each at its own size with ImageNet's normalisation.
 *
 * @example
 * const { size, normalization } = taskInputOf(loadTask(bytes));
 */
export function taskInputOf({ input }: { readonly input?: TaskInput | undefined }): TaskInput {
  return input ?? { size: null, keepRatio: false, normalization: imagenetNormalization };
}

/**
 * Returns the input, if it is one.
 *
 * @throws ConfigError naming the field that is wrong
 */
export function checkTaskInput(input: TaskInput): TaskInput {
  const { size, keepRatio, normalization } = input ?? {};
  const refuse = (expected: string, got: unknown): never => {
    throw new ConfigError(`task input: expected ${expected}, got ${String(JSON.stringify(got)).slice(0, 100)}.`);
  };
  if (typeof input !== 'object' || input === null) return refuse('size, keepRatio and normalization', input);
  if (size === undefined || (size !== null && !(isSide(size.height) && isSide(size.width)))) {
    return refuse(`size to be null, or height and width from 1 to ${largestSide}`, size);
  }
  if (typeof keepRatio !== 'boolean') return refuse('keepRatio to be true or false', keepRatio);
  const { mean, std } = normalization ?? {};
  if (!isColour(mean)) return refuse('three numbers as normalization.mean', mean);
  if (!isColour(std) || !std.every((value) => value > 0)) {
    return refuse('three numbers above 0 as normalization.std', std);
  }
  return {
    size: size === null ? null : { height: size.height, width: size.width },
    keepRatio,
    normalization: { mean, std },
  };
}

const isSide = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= largestSide;

const isColour = (value: unknown): value is [number, number, number] =>
  Array.isArray(value) && value.length === 3 && value.every((one) => typeof one === 'number' && Number.isFinite(one));
