import { describe, expect, test } from 'vitest';
import { layoutByName } from '../../src/checkpoint/layouts';
import { fromStored, noPrefixes, storedSlot, toStored } from '../../src/checkpoint/stored-slots';

function slot(layout: keyof typeof layoutByName, key: string, shape: number[]) {
  const stored = storedSlot(layoutByName[layout], noPrefixes, { key, shape });
  if (stored === null) throw new Error(`no ${key} in ${layout}`);
  return stored;
}

const count = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => i);

describe('keys', () => {
  test.each<[keyof typeof layoutByName, string, number[], string[], number[]]>([
    ['microsoft', 'patchEmbed.projection.weight', [48, 8], ['patch_embed.proj.weight'], [8, 3, 4, 4]],
    ['mmdet', 'patchEmbed.projection.bias', [8], ['patch_embed.projection.bias'], [8]],
    ['torchvision', 'patchEmbed.norm.weight', [8], ['features.0.2.weight'], [8]],
    ['torchvision', 'stages.2.blocks.5.expand.weight', [32, 128], ['features.5.5.mlp.0.weight'], [128, 32]],
    ['torchvision', 'stages.2.merging.reduction.weight', [128, 64], ['features.6.reduction.weight'], [64, 128]],
    ['timm', 'stages.0.merging.norm.bias', [32], ['layers.1.downsample.norm.bias'], [32]],
    ['microsoft', 'stages.0.merging.norm.bias', [32], ['layers.0.downsample.norm.bias'], [32]],
    ['timm', 'classifier.weight', [64, 10], ['head.fc.weight'], [10, 64]],
    ['mmdet', 'outputNorms.3.weight', [64], ['norm3.weight'], [64]],
    ['huggingface', 'outputNorms.3.weight', [64], ['hidden_states_norms.stage4.weight'], [64]],
    [
      'huggingface',
      'stages.1.blocks.0.qkv.weight',
      [16, 48],
      ['query', 'key', 'value'].map((part) => `encoder.layers.1.blocks.0.attention.self.${part}.weight`),
      [16, 16],
    ],
    [
      'huggingface',
      'stages.1.blocks.0.qkv.bias',
      [48],
      ['query', 'key', 'value'].map((part) => `encoder.layers.1.blocks.0.attention.self.${part}.bias`),
      [16],
    ],
    [
      'mmdet',
      'stages.1.blocks.0.biasTable',
      [169, 2],
      ['stages.1.blocks.0.attn.w_msa.relative_position_bias_table'],
      [169, 2],
    ],
  ])('%s has %s', (layout, key, shape, keys, storedShape) => {
    expect(slot(layout, key, shape)).toMatchObject({ keys, shape: storedShape });
  });

  test.each<[keyof typeof layoutByName, string]>([
    ['mmdet', 'finalNorm.weight'],
    ['mmdet', 'classifier.weight'],
    ['timm', 'outputNorms.0.weight'],
    ['torchvision', 'outputNorms.0.bias'],
  ])('%s has no place for %s', (layout, key) => {
    expect(storedSlot(layoutByName[layout], noPrefixes, { key, shape: [8] })).toBeNull();
  });
});

describe('orders', () => {
  test('a linear weight is transposed', () => {
    const stored = slot('timm', 'stages.0.blocks.0.projection.weight', [2, 3]);
    expect([...fromStored(stored, Float32Array.of(0, 1, 10, 11, 20, 21))]).toEqual([0, 10, 20, 1, 11, 21]);
  });

  test('a patch is (row, column, channel) here and (channel, row, column) in a convolution', () => {
    const stored = slot('timm', 'patchEmbed.projection.weight', [12, 2]);
    const convolution = Float32Array.from({ length: 24 }, (_, i) => {
      const [out, channel, row, column] = [Math.floor(i / 12), Math.floor(i / 4) % 3, Math.floor(i / 2) % 2, i % 2];
      return out * 1000 + row * 100 + column * 10 + channel;
    });
    const rows = [0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, 112];
    expect([...fromStored(stored, convolution)]).toEqual(rows.flatMap((value) => [value, 1000 + value]));
  });

  test('an unfold is channel by channel, its neighbours in rows', () => {
    // mmdet index = 4 channel + 2 row + column; here (0,0), (1,0), (0,1), (1,1) of (row, column), each with all channels.
    const norm = slot('mmdet', 'stages.0.merging.norm.weight', [8]);
    const stored = Float32Array.of(0, 1, 10, 11, 100, 101, 110, 111); // channel 0 then 1; row * 10 + column
    expect([...fromStored(norm, stored)]).toEqual([0, 100, 10, 110, 1, 101, 11, 111]);
  });

  test("the unfold order is the inverse of mmdetection's converter", () => {
    // Its rule from the other side: view [out, 4, C], take blocks 0, 2, 1, 3, transpose the last two axes.
    const [channels, outputs] = [3, 2];
    const here = Float32Array.from({ length: outputs * 4 * channels }, (_, i) => i * i + 1); // [out, 4C], neighbour-major
    const converted: number[] = [];
    for (let out = 0; out < outputs; out++) {
      for (let channel = 0; channel < channels; channel++) {
        for (const block of [0, 2, 1, 3]) converted.push(here[(out * 4 + block) * channels + channel] ?? -1);
      }
    }
    const shape = [4 * channels, outputs];
    const fromUnfold = fromStored(
      slot('mmdet', 'stages.0.merging.reduction.weight', shape),
      Float32Array.from(converted),
    );
    const fromBlocks = fromStored(slot('microsoft', 'stages.0.merging.reduction.weight', shape), here);
    expect(fromUnfold).toEqual(fromBlocks);
  });

  test.each<[keyof typeof layoutByName, string, number[]]>([
    ['mmdet', 'stages.0.merging.reduction.weight', [20, 10]],
    ['mmdet', 'stages.0.merging.norm.weight', [20]],
    ['mmdet', 'patchEmbed.projection.weight', [27, 4]],
    ['timm', 'stages.0.merging.reduction.weight', [20, 10]],
    ['huggingface', 'stages.0.blocks.0.qkv.weight', [4, 12]],
    ['timm', 'stages.0.blocks.0.biasTable', [9, 2]],
  ])('%s %s goes there and back, as a permutation', (layout, key, shape) => {
    const stored = slot(layout, key, shape);
    const values = count(shape.reduce((a, b) => a * b, 1));
    expect(fromStored(stored, toStored(stored, values))).toEqual(values);
    expect(toStored(stored, fromStored(stored, values))).toEqual(values);
    expect(toStored(stored, values).sort()).toEqual(values);
  });
});
