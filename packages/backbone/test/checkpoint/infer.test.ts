import { CheckpointError } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import { inferArchitecture } from '../../src/checkpoint/infer';
import { layoutByName } from '../../src/checkpoint/layouts';
import { noPrefixes } from '../../src/checkpoint/stored-slots';
import type { StoredTensor } from '../../src/formats/tensor';
import { zeros } from './samples';

const found = { layout: layoutByName.microsoft, prefixes: noPrefixes };
const names = ['norm1', 'norm2', 'attn.qkv', 'attn.proj', 'mlp.fc1', 'mlp.fc2'].flatMap((name) => [
  `${name}.weight`,
  `${name}.bias`,
]);

/** Every tensor of every block, all of them one and the same. */
function blocks(stages: number, depth: number): Map<string, StoredTensor> {
  const tensors = new Map([['patch_embed.proj.weight', zeros(8, 3, 4, 4)]]);
  const shared = zeros(16);
  const table = zeros(9, 2);
  for (let stage = 0; stage < stages; stage++) {
    for (let block = 0; block < depth; block++) {
      const root = `layers.${stage}.blocks.${block}`;
      for (const name of names) tensors.set(`${root}.${name}`, shared);
      tensors.set(`${root}.attn.relative_position_bias_table`, table);
    }
  }
  return tensors;
}

describe('an architecture read off names', () => {
  test('208 000 tensors of blocks', () => {
    expect(inferArchitecture(blocks(16, 1000), found)).toEqual({
      embedDim: 8,
      depths: Array<number>(16).fill(1000),
      heads: Array<number>(16).fill(2),
      window: 2,
      mlpRatio: 2,
      patchSize: 4,
    });
  });

  test('a stage too far, and a patch convolution without blocks', () => {
    expect(() => inferArchitecture(blocks(17, 1), found)).toThrow('at most 16 stages of 1000 blocks');
    expect(() => inferArchitecture(blocks(0, 0), found)).toThrow(CheckpointError);
    expect(() => inferArchitecture(blocks(0, 0), found)).toThrow('checkpoint: expected blocks, got none.');
  });
});
