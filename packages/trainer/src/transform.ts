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

/** The same function of a key, computed once for each: keys stay the same from step to step. */
export function oncePerKey<Value>(of: (key: string) => Value): (key: string) => Value {
  const known = new Map<string, { readonly value: Value }>();
  return (key) => {
    const found = known.get(key) ?? { value: of(key) };
    known.set(key, found);
    return found.value;
  };
}

/**
 * Transforms one after the other. The state of each stands under `<place>.<name>/`.
 *
 * @example
 * const adamW = chain(clipByGlobalNorm(1), scaleByAdam(), addDecayedWeights(0.05, decaysByRecipe), scaleByLearningRate(() => 1e-4));
 */
export function chain(...transforms: readonly GradientTransform[]): GradientTransform {
  const prefixes = transforms.map(({ name }, i) => `${i}.${name}/`);
  /** Whose a part of the state is, and what it is called there. */
  const placeOf = oncePerKey((name) => {
    const owner = prefixes.findIndex((prefix) => name.startsWith(prefix));
    return { owner, key: name.slice(prefixes[owner]?.length ?? 0) };
  });
  const namesOf = prefixes.map((prefix) => oncePerKey((key) => `${prefix}${key}`));
  return {
    name: 'chain',
    init: (parameters) =>
      new Map(
        transforms.flatMap((transform, i) =>
          [...transform.init(parameters)].map(([key, tensor]) => [namesOf[i]?.(key) ?? key, tensor] as const),
        ),
      ),
    update(updates, state, context) {
      const parts = transforms.map(() => new Map<string, Tensor>());
      for (const [name, tensor] of state) {
        const { owner, key } = placeOf(name);
        parts[owner]?.set(key, tensor);
      }
      const next = new Map<string, Tensor>();
      let current = updates;
      for (const [i, transform] of transforms.entries()) {
        const result = transform.update(current, parts[i] ?? noState, context);
        current = result.updates;
        for (const [key, tensor] of result.state) next.set(namesOf[i]?.(key) ?? key, tensor);
      }
      return { updates: current, state: next };
    },
  };
}
