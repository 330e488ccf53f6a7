/**
 * An optimiser is a chain of gradient transforms, each a value with `init` and `update`: from gradients to what is taken off the parameters.
 * All tensors go by the keys of the parameters; a state is a plain map of tensors, so that it can be saved and loaded as it is.
 */

import type { Tensor } from './tensor';

/** Tensors by key. */
export type TensorMap = ReadonlyMap<string, Tensor>;

/** What a transform may look at. */
export interface TransformContext {
  /** Steps done before this one. */
  readonly step: number;
  readonly parameters: TensorMap;
}

/** One stage between gradients and updates. */
export interface GradientTransform {
  /** Names its part of the state. */
  readonly name: string;
  /** What it remembers, before the first step. */
  init(parameters: TensorMap): TensorMap;
  /**
   * From the updates of the stage before (first: gradients) to new ones, and the new state. Runs inside of `tidy`; what it keeps of the old
   * state it returns as it is.
   */
  update(
    updates: TensorMap,
    state: TensorMap,
    context: TransformContext,
  ): { readonly updates: TensorMap; readonly state: TensorMap };
}

/** Remembers nothing. */
export const noState: TensorMap = new Map();

/** Every tensor changed by itself. */
export function mapTensors(tensors: TensorMap, change: (tensor: Tensor, key: string) => Tensor): TensorMap {
  return new Map([...tensors].map(([key, tensor]) => [key, change(tensor, key)]));
}

/**
 * Transforms one after the other. The state of each stands under `<place>.<name>/`.
 *
 * @example
 * const adamW = chain(clipByGlobalNorm(1), scaleByAdam(), addDecayedWeights(0.05, decaysByRecipe), scaleByLearningRate(() => 1e-4));
 */
export function chain(...transforms: readonly GradientTransform[]): GradientTransform {
  const prefixes = transforms.map(({ name }, i) => `${i}.${name}/`);
  return {
    name: 'chain',
    init: (parameters) =>
      new Map(
        transforms.flatMap((transform, i) =>
          [...transform.init(parameters)].map(([key, tensor]) => [`${prefixes[i]}${key}`, tensor] as const),
        ),
      ),
    update(updates, state, context) {
      const next = new Map<string, Tensor>();
      let current = updates;
      for (const [i, transform] of transforms.entries()) {
        const prefix = prefixes[i] ?? '';
        const own = new Map(
          [...state]
            .filter(([key]) => key.startsWith(prefix))
            .map(([key, tensor]) => [key.slice(prefix.length), tensor]),
        );
        const result = transform.update(current, own, context);
        current = result.updates;
        for (const [key, tensor] of result.state) next.set(`${prefix}${key}`, tensor);
      }
      return { updates: current, state: next };
    },
  };
}
