/** A running mean of the parameters, which is often better than the last ones. */

import { ConfigError } from '@sparsevit/windows';
import type { Tensor, Variable } from './tensor';
import { add, dispose, keep, mul, tidy } from './tensor';
import type { TensorMap } from './transform';

/** shadow = d * shadow + (1 - d) * parameter after each step. */
export interface ParameterAverage {
  readonly shadow: TensorMap;
  update(parameters: TensorMap, step: number): void;
  /** Takes the tensors over. */
  restore(shadow: TensorMap): void;
  dispose(): void;
}

/**
 * An exponential mean with `d = min(decay, (1 + step) / (10 + step))`, so that the first steps do not weigh for ever.
 *
 * @throws ConfigError for a decay outside of [0, 1)
 * @example
 * const average = createAverage(parameters, 0.999);
 */
export function createAverage(parameters: TensorMap, decay: number): ParameterAverage {
  if (!(decay >= 0 && decay < 1)) throw new ConfigError(`average: expected a decay from 0 to below 1, got ${decay}.`);
  let shadow: TensorMap = copyOf(parameters);
  const replace = (next: TensorMap): void => {
    dispose([...shadow.values()]);
    shadow = next;
  };
  return {
    get shadow() {
      return shadow;
    },
    update(current, step) {
      const share = Math.min(decay, (1 + step) / (10 + step));
      replace(
        new Map(
          [...shadow].map(([key, tensor]): [string, Tensor] => [
            key,
            keep(tidy(() => add(mul(tensor, share), mul(current.get(key) ?? tensor, 1 - share)))),
          ]),
        ),
      );
    },
    restore: (next) => replace(new Map(next)),
    dispose: () => replace(new Map()),
  };
}

/** The same values in tensors of their own, the caller's to free. */
export function copyOf(tensors: TensorMap): TensorMap {
  return new Map([...tensors].map(([key, tensor]) => [key, keep(tidy(() => mul(tensor, 1)))]));
}

/** Runs with the running mean in the place of the parameters. */
export async function withAverage<Result>(
  parameters: ReadonlyMap<string, Variable>,
  average: ParameterAverage | null,
  run: () => Promise<Result>,
): Promise<Result> {
  if (average === null) return run();
  const own = copyOf(parameters);
  try {
    for (const [key, variable] of parameters) variable.assign(average.shadow.get(key) as Tensor);
    return await run();
  } finally {
    for (const [key, variable] of parameters) variable.assign(own.get(key) as Tensor);
    dispose([...own.values()]);
  }
}
