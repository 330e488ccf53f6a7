/** A chain of transforms with the state it has come to. */

import { CheckpointError } from '@sparsevit/windows';
import type { Tensor, Variable } from './tensor';
import { add, dispose, keep, tidy } from './tensor';
import type { GradientTransform, TensorMap } from './transform';

/** Applies gradients to variables, step after step. */
export interface Optimizer {
  /** Steps done. */
  readonly step: number;
  /** The tensors that it remembers; they change with the next step. */
  readonly state: TensorMap;
  /** Changes the variables; the gradients stay the caller's. */
  apply(gradients: TensorMap): void;
  /**
   * Goes on from elsewhere; takes the tensors over.
   *
   * @throws CheckpointError when they are not those of this optimiser
   */
  restore(step: number, state: TensorMap): void;
  dispose(): void;
}

/**
 * Makes an optimiser of variables.
 *
 * @param parameters by key; `variableGrads` gives gradients by the names of the variables, so map them to keys first
 * @example
 * const optimizer = createOptimizer(chain(scaleByAdam(), scaleByLearningRate(() => 1e-3)), parameters);
 * optimizer.apply(gradients);
 */
export function createOptimizer(transform: GradientTransform, parameters: ReadonlyMap<string, Variable>): Optimizer {
  let step = 0;
  let state: TensorMap = keepAll(tidyMap(() => transform.init(parameters)));
  return {
    get step() {
      return step;
    },
    get state() {
      return state;
    },
    apply(gradients) {
      const before = state;
      const next = tidyMap(() => {
        const result = transform.update(gradients, before, { step, parameters });
        for (const [key, update] of result.updates) {
          const parameter = parameters.get(key);
          if (parameter === undefined) continue;
          parameter.assign(add(parameter, update));
        }
        return result.state;
      });
      state = keepAll(next);
      const kept = new Set(state.values());
      for (const tensor of before.values()) if (!kept.has(tensor)) tensor.dispose();
      step++;
    },
    restore(nextStep, tensors) {
      const shapes = (map: TensorMap): string =>
        JSON.stringify([...map].map(([key, tensor]) => [key, tensor.shape]).sort());
      if (shapes(tensors) !== shapes(state)) {
        throw new CheckpointError(
          'optimizer: expected the state of this optimiser, got tensors of other names or shapes. The checkpoint is of another model or of other transforms.',
        );
      }
      dispose([...state.values()]);
      state = keepAll(new Map(tensors));
      step = nextStep;
    },
    dispose() {
      dispose([...state.values()]);
      state = new Map();
    },
  };
}

/** `tidy` for a map of tensors. */
function tidyMap(run: () => TensorMap): TensorMap {
  let keys: string[] = [];
  const tensors = tidy(() => {
    const result = run();
    keys = [...result.keys()];
    return [...result.values()];
  });
  return new Map(keys.map((key, i) => [key, tensors[i] as Tensor]));
}

function keepAll(tensors: TensorMap): TensorMap {
  for (const tensor of tensors.values()) keep(tensor);
  return tensors;
}
