/** Every kernel of the pack under its name. */

import type { KernelName } from '@sparsevit/windows';
import { kernelNames } from '@sparsevit/windows';
import { windowAttention, windowAttentionGradient } from './attention';
import type { KernelFunction } from './kernel-function';
import { linear, linearInputGradient, linearWeightGradient } from './linear';
import { gatherRows, gelu, geluGradient, layerNorm, layerNormGradient, neighbourhoodRows, scatterRows } from './rows';
import { magnitude, selectWindows, windowScores } from './scores';

/** What computes each kernel. */
export const kernelFunctions: { readonly [Name in KernelName]: KernelFunction<Name> } = {
  [kernelNames.linear]: linear,
  [kernelNames.linearInputGradient]: linearInputGradient,
  [kernelNames.linearWeightGradient]: linearWeightGradient,
  [kernelNames.gelu]: gelu,
  [kernelNames.geluGradient]: geluGradient,
  [kernelNames.layerNorm]: layerNorm,
  [kernelNames.layerNormGradient]: layerNormGradient,
  [kernelNames.gatherRows]: gatherRows,
  [kernelNames.scatterRows]: scatterRows,
  [kernelNames.windowAttention]: windowAttention,
  [kernelNames.windowAttentionGradient]: windowAttentionGradient,
  [kernelNames.magnitude]: magnitude,
  [kernelNames.windowScores]: windowScores,
  [kernelNames.selectWindows]: selectWindows,
  [kernelNames.neighbourhoodRows]: neighbourhoodRows,
};
