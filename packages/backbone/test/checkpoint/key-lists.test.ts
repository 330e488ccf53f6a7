/**
 * The keys and shapes of real checkpoints (`fixtures/keys`, one tensor per line; of the largest only the backbone and a few others), with
 * channels divided by 32 so that the tensors are small.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { SwinFamily } from '../../src/checkpoint';
import { loadCheckpoint } from '../../src/checkpoint/load';
import { writeSafetensors } from '../../src/formats/safetensors-writer';
import type { StoredTensor } from '../../src/formats/tensor';
import { partsOf } from '../../src/weights';
import { zeros } from './samples';

function fileOf(list: string): Uint8Array {
  const lines = readFileSync(new URL(`../fixtures/keys/${list}.txt`, import.meta.url), 'utf8')
    .trim()
    .split('\n');
  const tensors = lines.map((line): [string, StoredTensor] => {
    const [key = '', shape = ''] = line.split('\t');
    const sides = (shape.match(/\d+/g) ?? []).map(Number);
    return [key, zeros(...sides.map((side) => (side % 96 === 0 ? side / 32 : Math.min(side, 2401))))];
  });
  return writeSafetensors(new Map(tensors));
}

const none = [false, false, false, false];
const all = [true, true, true, true];
const swinT = { embedDim: 3, depths: [2, 2, 6, 2], heads: [3, 6, 12, 24], window: 7, mlpRatio: 4, patchSize: 4 };

describe('keys of real checkpoints', () => {
  test.each<{ list: string; family: SwinFamily; note: RegExp | null; norms: boolean[] }>([
    { list: 'timm-swin-t', family: 'timm', note: null, norms: none },
    { list: 'torchvision-swin-t', family: 'torchvision', note: null, norms: none },
    {
      list: 'mmdet-mask-rcnn',
      family: 'mmdet',
      note: /^42 tensors outside backbone\. were left out: neck \(16\), rpn_head \(6\), roi_head \(20\)\.$/,
      norms: all,
    },
    {
      list: 'bevdet',
      family: 'mmdet',
      note: /outside img_backbone\. were left out: img_neck/,
      norms: [false, false, true, true],
    },
    {
      list: 'huggingface-upernet',
      family: 'huggingface-backbone',
      note: /outside backbone\. were left out: decode_head \(\d+\), auxiliary_head \(\d+\)\.$/,
      norms: all,
    },
    {
      list: 'huggingface-mask2former',
      family: 'huggingface-backbone',
      note: /outside model\.pixel_level_module\.encoder\. .*: model\.pixel_level_module\.decoder \(\d+\), model\.transformer_module \(\d+\)\.$/,
      norms: all,
    },
    {
      list: 'huggingface-mask2former-in-memory',
      family: 'huggingface-backbone',
      note: /outside model\.pixel_level_module\.encoder\.swin\. .*: model\.pixel_level_module\.decoder/,
      norms: all,
    },
  ])('$list is a Swin-T of $family', ({ list, family, note, norms }) => {
    const checkpoint = loadCheckpoint(fileOf(list));
    expect(checkpoint.family).toBe(family);
    expect(checkpoint.architecture).toEqual(swinT);
    expect(checkpoint.sparsity).toBeNull();
    const parts = partsOf(checkpoint.weights);
    expect(parts.classes > 0).toBe(norms === none);
    expect(parts.outputNorms).toEqual(norms);
    if (note === null) expect(checkpoint.notes).toEqual([]);
    else expect(checkpoint.notes.join(' ')).toMatch(note);
  });

  test('a ResNet is refused', () => {
    expect(() => loadCheckpoint(fileOf('torchvision-mask-rcnn-resnet50'))).toThrow(
      'got 108 tensors such as backbone.body.conv1.weight, backbone.body.bn1.weight, backbone.body.bn1.bias, backbone.body.bn1.running_mean.',
    );
  });
});
