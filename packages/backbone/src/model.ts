/** A Swin whose weights an implementation has taken in, ready to run. */

import type { SwinArchitecture, SwinRules, WindowOps } from '@sparsevit/windows';
import { ConfigError, checkArchitecture, checkSparsity } from '@sparsevit/windows';
import type { SwinCheckpoint, SwinFamily } from './checkpoint';
import { familyRules } from './checkpoint';
import type { ForwardOptions, ForwardResult } from './forward';
import { swinForward } from './forward';
import type { SwinWeights } from './weights';
import { flattenWeights, takeWeights } from './weights';

/** A runnable Swin; `dispose` it when done. */
export interface SwinModel<T> {
  readonly architecture: SwinArchitecture;
  readonly family: SwinFamily;
  readonly rules: SwinRules;
  readonly weights: SwinWeights<T>;
  /**
   * Image [B, H, W, 3] (normalised as the weights expect) -> features, logits and windows.
   *
   * @throws ConfigError for a sparsity that this architecture cannot run
   * @throws ShapeError for an image smaller than a patch, or given windows that do not fit
   */
  forward(image: T, options?: ForwardOptions): ForwardResult<T>;
  dispose(): void;
}

/**
 * Gives the weights of a checkpoint to an implementation.
 *
 * @param options.rules rules that differ from the family's, such as `lastStageShifts` of a timm model built for a larger image
 * @throws ConfigError when weights, architecture and family do not belong together
 * @example
 * const model = createSwin(createTensorOps(), loadCheckpoint(bytes));
 * const { features } = model.forward(image, { sparsity: uniformSparsity(model.architecture, 0.6) });
 * model.dispose();
 */
export function createSwin<T>(
  ops: WindowOps<T>,
  checkpoint: Pick<SwinCheckpoint, 'architecture' | 'family' | 'weights'>,
  options: { rules?: Partial<SwinRules> } = {},
): SwinModel<T> {
  const architecture = checkArchitecture(checkpoint.architecture);
  if (!Object.hasOwn(familyRules, checkpoint.family)) {
    throw new ConfigError(
      `createSwin: expected a family of ${Object.keys(familyRules).join(', ')}, got ${checkpoint.family}.`,
    );
  }
  const rules: SwinRules = { ...familyRules[checkpoint.family], ...options.rules };
  const weights = takeWeights(ops, architecture, checkpoint.weights);
  let isDisposed = false;
  return {
    architecture,
    family: checkpoint.family,
    rules,
    weights,
    forward(image, options = {}) {
      if (isDisposed)
        throw new ConfigError('forward: expected a model that is in use, got one after dispose(). Make it again.');
      if (options.sparsity) checkSparsity(architecture, options.sparsity);
      return swinForward(ops, { architecture, rules, weights }, image, options);
    },
    dispose() {
      if (isDisposed) return;
      isDisposed = true;
      for (const weight of flattenWeights(weights)) ops.freeWeight(weight);
    },
  };
}
