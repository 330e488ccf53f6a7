/** The file of `--features`: what the sparse run computed, in the layout that PyTorch users expect. */

import type { WritableTensor } from '@sparsevit/backbone';
import { writeSafetensors } from '@sparsevit/backbone';
import type { KeptWindowIds } from '@sparsevit/windows';
import type { RunOutput } from './runner';

/**
 * Writes `out0..` [B, C, h, w], `logits` [B, classes] where there is a classifier, and `kept.{stage}.{block}` int32 [B, k] in score order for
 * the pruned blocks ([n] global ids where a threshold decided how many). Frees each map as soon as it is read.
 *
 * @returns the bytes of a safetensors file
 */
export async function createFeaturesFile(
  { maps }: RunOutput,
  options: { kept: readonly KeptWindowIds[]; facts: Readonly<Record<string, string>> },
): Promise<Uint8Array> {
  const tensors = new Map<string, WritableTensor>();
  for (const { stage, shape, read, release } of maps) {
    const values = await read();
    release();
    if (stage === null) {
      tensors.set('logits', { values, shape });
      continue;
    }
    const [batch = 0, height = 0, width = 0, channels = 0] = shape;
    tensors.set(`out${stage}`, {
      values: toChannelsFirst(values, { batch, tokens: height * width, channels }),
      shape: [batch, channels, height, width],
    });
  }
  for (const { stage, block, ids } of options.kept) if (ids !== null) tensors.set(`kept.${stage}.${block}`, ids);
  return writeSafetensors(tensors, options.facts);
}

/** [B, tokens, C] -> [B, C, tokens] */
function toChannelsFirst(
  values: Float32Array,
  { batch, tokens, channels }: { batch: number; tokens: number; channels: number },
): Float32Array {
  const moved = new Float32Array(values.length);
  for (let image = 0; image < batch; image++) {
    const first = image * tokens * channels;
    for (let channel = 0; channel < channels; channel++) {
      const to = first + channel * tokens;
      for (let token = 0; token < tokens; token++) moved[to + token] = values[first + token * channels + channel] ?? 0;
    }
  }
  return moved;
}
