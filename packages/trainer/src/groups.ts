/** Which parameters decay, and how fast each learns. */

import type { SwinArchitecture } from '@sparsevit/windows';
import { ConfigError } from '@sparsevit/windows';

/**
 * The published recipe: everything decays but norms and tables of position biases. Source: the paper's configs (`paramwise_cfg`).
 *
 * @example
 * decaysByRecipe('stages.0.blocks.0.qkv.bias'); // true
 */
export function decaysByRecipe(key: string): boolean {
  return !/norm|biasTable|absolutePosition/i.test(key);
}

/**
 * What many other recipes do: norms, tables of position biases and every bias are left out.
 *
 * @example
 * decaysMatrices('stages.0.blocks.0.qkv.bias'); // false
 */
export function decaysMatrices(key: string): boolean {
  return decaysByRecipe(key) && !/\.bias$/.test(key);
}

/**
 * Layer-wise decay of the learning rate: a block that is n blocks below the last learns factor^n times as fast; the patch embedding one
 * below the first, everything else (heads, norms on outputs) at the full rate.
 *
 * @throws ConfigError for a factor outside of (0, 1]
 * @example
 * const scaleOf = layerDecay(architecture, 0.9);
 * scaleOf('stages.3.blocks.1.qkv.weight'); // 1
 */
export function layerDecay({ depths }: Pick<SwinArchitecture, 'depths'>, factor: number): (key: string) => number {
  if (!(factor > 0 && factor <= 1)) {
    throw new ConfigError(`layer decay: expected a factor above 0 and at most 1, got ${factor}.`);
  }
  const before = depths.map((_, stage) => depths.slice(0, stage).reduce((sum, depth) => sum + depth, 0));
  const total = depths.reduce((sum, depth) => sum + depth, 0);
  return (key) => {
    if (/(^|\.)patchEmbed\./.test(key)) return factor ** total;
    const block = /(?:^|\.)stages\.(\d+)\.blocks\.(\d+)\./.exec(key);
    const merging = /(?:^|\.)stages\.(\d+)\.merging\./.exec(key);
    if (block !== null) return factor ** (total - 1 - ((before[Number(block[1])] ?? 0) + Number(block[2])));
    if (merging !== null) {
      const stage = Number(merging[1]);
      return factor ** (total - ((before[stage] ?? 0) + (depths[stage] ?? 0)));
    }
    return 1;
  };
}
