/** Every kernel of the pack under its name. */

import type { KernelName } from '@sparsevit/windows';
import { kernelNames } from '@sparsevit/windows';
import type { KernelFunction } from '../tensorflow/kernel-function';
import { gelu, geluGradient } from './activation';
import { windowAttention } from './attention';
import { windowAttentionGradient } from './attention-gradient';
import { linear, linearInputGradient, linearWeightGradient } from './linear';
import { layerNorm } from './norm';
import { layerNormGradient } from './norm-gradient';
import { gatherRows, neighbourhoodRows, scatterRows } from './rows';
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
