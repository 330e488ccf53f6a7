/** The transforms that AdamW is made of. Source: Loshchilov & Hutter, Decoupled Weight Decay Regularization; checked against torch's. */

import { ConfigError } from '@sparsevit/windows';
import type { Tensor } from './tensor';
import { add, addN, div, minimum, mul, scalar, sqrt, square, sum, tidy, zerosLike } from './tensor';
import type { GradientTransform, TensorMap } from './transform';
import { mapTensors, noState, oncePerKey } from './transform';

/** Constants of Adam. */
export interface AdamOptions {
  /** Default 0.9. */
  readonly beta1?: number;
  /** Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8; added to the root of the second moment. */
  readonly epsilon?: number;
}

function checkRange(what: string, value: number, isValid: boolean, expected: string): void {
  if (!isValid) throw new ConfigError(`${what}: expected ${expected}, got ${value}.`);
}

/**
 * u = m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon), with m and v the running means of the gradient and of its square.
 *
 * @throws ConfigError for a beta outside of [0, 1), or an epsilon that is not above 0
 * @example
 * scaleByAdam({ beta2: 0.95 });
 */
export function scaleByAdam({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamOptions = {}): GradientTransform {
  for (const [name, beta] of Object.entries({ beta1, beta2 })) {
    checkRange(`adam ${name}`, beta, beta >= 0 && beta < 1, 'a number of at least 0 and below 1');
  }
  checkRange('adam epsilon', epsilon, epsilon > 0 && Number.isFinite(epsilon), 'a number above 0');
  const of = (state: TensorMap, key: string): Tensor => state.get(key) as Tensor;
  return {
    name: 'adam',
    init: (parameters) =>
      new Map(
        [...parameters].flatMap(([key, parameter]) => [
          [`mean/${key}`, zerosLike(parameter)] as const,
          [`square/${key}`, zerosLike(parameter)] as const,
        ]),
      ),
    update(updates, state, { step }) {
      const correction1 = 1 - beta1 ** (step + 1);
      const correction2 = Math.sqrt(1 - beta2 ** (step + 1));
      const next = new Map<string, Tensor>(state);
      const scaled = mapTensors(updates, (gradient, key) => {
        const mean = tidy(() => add(mul(of(state, `mean/${key}`), beta1), mul(gradient, 1 - beta1)));
        const squares = tidy(() => add(mul(of(state, `square/${key}`), beta2), mul(square(gradient), 1 - beta2)));
        next.set(`mean/${key}`, mean).set(`square/${key}`, squares);
        return tidy(() => div(mul(mean, 1 / correction1), add(mul(sqrt(squares), 1 / correction2), epsilon)));
      });
      return { updates: scaled, state: next };
    },
  };
}

/**
 * u + decay * parameter, for parameters that decay: decoupled from the gradient's scale when it stands after `scaleByAdam`.
 *
 * @param decays asked once for each parameter
 * @throws ConfigError for a decay that is not a number of at least 0
 * @example
 * addDecayedWeights(0.05, decaysByRecipe);
 */
export function addDecayedWeights(decay: number, decays: (key: string) => boolean): GradientTransform {
  checkRange('weight decay', decay, decay >= 0 && Number.isFinite(decay), 'a number of at least 0');
  const isDecayed = oncePerKey(decays);
  return {
    name: 'decay',
    init: () => noState,
    update: (updates, state, { parameters }) => ({
      updates: mapTensors(updates, (update, key) => {
        const parameter = parameters.get(key);
        return parameter !== undefined && isDecayed(key) ? tidy(() => add(update, mul(parameter, decay))) : update;
      }),
      state,
    }),
  };
}

/**
 * g * min(1, maxNorm / (norm + 1e-6)), the norm being that of all gradients together: sqrt(sum of squares), as torch's `clip_grad_norm_`.
 *
 * @throws ConfigError for a norm that is not above 0
 * @example
 * clipByGlobalNorm(1);
 */
export function clipByGlobalNorm(maxNorm: number): GradientTransform {
  checkRange('clip norm', maxNorm, maxNorm > 0, 'a number above 0');
  return {
    name: 'clip',
    init: () => noState,
    update(updates, state) {
      const factor = tidy(() => minimum(1, div(maxNorm, add(globalNorm(updates), 1e-6))));
      return { updates: mapTensors(updates, (gradient) => mul(gradient, factor)), state };
    },
  };
}

/**
 * sqrt of the sum of all squares, a scalar.
 *
 * @example
 * const [norm] = await globalNorm(gradients).data();
 */
export function globalNorm(tensors: TensorMap): Tensor {
  return tidy(() => {
    const squares = [...tensors.values()].map((tensor) => sum(square(tensor)));
    return squares.length === 0 ? scalar(0) : sqrt(addN(squares));
  });
}

/**
 * -rate(step) * u: what is added to the parameters. The rate of each parameter may be scaled (layer-wise decay, groups).
 *
 * @param rate of a step, from 0
 * @param scaleOf asked once for each parameter
 * @example
 * scaleByLearningRate(cosineSchedule({ base: 1e-3, steps: 1000 }), layerDecay(architecture, 0.9));
 */
export function scaleByLearningRate(
  rate: (step: number) => number,
  scaleOf: (key: string) => number = () => 1,
): GradientTransform {
  const scale = oncePerKey(scaleOf);
  return {
    name: 'rate',
    init: () => noState,
    update: (updates, state, { step }) => ({
      updates: mapTensors(updates, (update, key) => mul(update, -rate(step) * scale(key))),
      state,
    }),
  };
}
