import { readFileSync } from 'node:fs';
import { CheckpointError, ConfigError, createRandom, sparsityModes, uniformSparsity } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import type { SwinFamily } from '../../src/checkpoint';
import { resizeBiasTable } from '../../src/checkpoint/bias-table';
import type { LoadOptions } from '../../src/checkpoint/load';
import { loadCheckpoint } from '../../src/checkpoint/load';
import { saveCheckpoint } from '../../src/checkpoint/save';
import { readSafetensors } from '../../src/formats/safetensors';
import { writeSafetensors } from '../../src/formats/safetensors-writer';
import type { StoredTensor } from '../../src/formats/tensor';
import { listWeights, partsOf } from '../../src/weights';
import { allParts, classifierParts, detectorParts, edit, flat, foreign, sample, tiny, zeros } from './samples';

const classifiers: SwinFamily[] = ['microsoft', 'timm', 'torchvision', 'huggingface'];
const microsoft = foreign(saveCheckpoint(sample('microsoft')));
const timm = foreign(saveCheckpoint(sample('timm')));
const mmdet = foreign(saveCheckpoint(sample('mmdet', { parts: detectorParts })));

describe('what is read off keys and shapes', () => {
  test.each(classifiers)('a classifier of %s', (family) => {
    const original = sample(family);
    const loaded = loadCheckpoint(foreign(saveCheckpoint(original)));
    expect(loaded.family).toBe(family);
    expect(loaded.architecture).toEqual(tiny);
    expect(flat(loaded)).toEqual(flat(original));
    expect(partsOf(loaded.weights)).toEqual(classifierParts);
  });

  test.each<SwinFamily>(['microsoft-detection', 'mmdet', 'huggingface-backbone'])('a detector of %s', (family) => {
    const original = sample(family, { parts: detectorParts });
    const loaded = loadCheckpoint(foreign(saveCheckpoint(original)));
    expect(loaded.family).toBe(family);
    expect(flat(loaded)).toEqual(flat(original));
    expect(partsOf(loaded.weights)).toEqual(detectorParts);
  });

  test.each([
    { ...tiny, depths: [1], heads: [2] },
    { ...tiny, depths: [1, 3, 2, 1, 1], heads: [4, 1, 2, 8, 16] },
    { ...tiny, window: 1 },
    { ...tiny, window: 12, patchSize: 1 },
    { ...tiny, mlpRatio: 0.5 },
    { ...tiny, mlpRatio: 2.75, embedDim: 12 },
    { ...tiny, mlpRatio: 29 / 28, embedDim: 28 },
  ])('$depths, heads $heads, window $window, MLP ratio $mlpRatio, patch $patchSize', (architecture) => {
    const parts = { ...classifierParts, outputNorms: architecture.depths.map(() => false) };
    for (const family of classifiers) {
      const original = sample(family, { architecture, parts });
      const loaded = loadCheckpoint(foreign(saveCheckpoint(original)));
      expect(loaded.architecture).toEqual(architecture);
      expect(loaded.family, `${architecture.depths}`).toBe(family);
      expect(flat(loaded)).toEqual(flat(original));
    }
  });

  test('some output norms, or none of the optional parts', () => {
    const parts = { outputNorms: [false, true, false], hasFinalNorm: false, classes: 0 };
    expect(partsOf(loadCheckpoint(foreign(saveCheckpoint(sample('mmdet', { parts })))).weights)).toEqual(parts);
    const none = { ...parts, outputNorms: [false, false, false] };
    expect(partsOf(loadCheckpoint(foreign(saveCheckpoint(sample('timm', { parts: none })))).weights)).toEqual(none);
  });
});

describe('a safetensors file that was read already', () => {
  test('is the same checkpoint, without the tensors that somebody took out', () => {
    for (const bytes of [microsoft, timm, mmdet, saveCheckpoint(sample('timm'))]) {
      expect(loadCheckpoint(readSafetensors(bytes))).toEqual(loadCheckpoint(bytes));
    }
    const { tensors, metadata } = readSafetensors(saveCheckpoint(sample('timm')));
    const [first] = tensors.keys();
    const lacking = new Map([...tensors].filter(([key]) => key !== first));
    expect(() => loadCheckpoint({ tensors: lacking, metadata })).toThrow(CheckpointError);
  });

  test.each([null, {}, { tensors: {}, metadata: {} }, 'file'])('%o is none', (file) => {
    expect(() => loadCheckpoint(file as never)).toThrow(/expected a Uint8Array/);
  });
});

describe('Microsoft and timm share their keys', () => {
  test('without a head, the place of the merging tells', () => {
    const parts = { ...classifierParts, classes: 0 };
    expect(loadCheckpoint(foreign(saveCheckpoint(sample('timm', { parts })))).family).toBe('timm');
    const loaded = loadCheckpoint(foreign(saveCheckpoint(sample('microsoft', { parts }))));
    expect(loaded.family).toBe('microsoft');
    expect(loaded.notes).toEqual([
      'Microsoft and timm before 0.9 share these keys: rules of microsoft; family timm can be forced.',
    ]);
  });

  test('a merging that is missing does not turn one into the other', () => {
    const cut = edit(timm, (tensors) => tensors.delete('layers.1.downsample.norm.weight'));
    expect(() => loadCheckpoint(cut)).toThrow(
      /layout of timm .* got 1 missing: layers\.1\.downsample\.norm\.weight\.$/,
    );
  });

  test('old timm files take the rules of timm when asked', () => {
    const loaded = loadCheckpoint(microsoft, { family: 'timm' });
    expect(loaded.family).toBe('timm');
    expect(flat(loaded)).toEqual(flat(sample('microsoft')));
    expect(loaded.notes).toEqual(['Rules of timm as asked, instead of microsoft.']);
  });

  test.each<[Uint8Array, SwinFamily]>([
    [mmdet, 'microsoft'],
    [timm, 'torchvision'],
    [microsoft, 'mmdet'],
  ])('a family of another layout is refused', (bytes, family) => {
    expect(() => loadCheckpoint(bytes, { family })).toThrow(`a family of the layout that the keys follow`);
  });
});

describe('prefixes', () => {
  const rename = (prefix: string, bytes: Uint8Array): Uint8Array => foreign(bytes, (key) => `${prefix}${key}`);

  test.each(['backbone.', 'img_backbone.', 'module.', 'module.backbone.', 'backbone.bottom_up.', 'backbone.0.'])(
    '%s',
    (prefix) => {
      for (const bytes of [microsoft, timm, mmdet]) {
        expect(flat(loadCheckpoint(rename(prefix, bytes)))).toEqual(flat(loadCheckpoint(bytes)));
      }
    },
  );

  test('Hugging Face: a bare backbone, one below "swin.", one below "model." with norms numbered from 0', () => {
    const original = sample('huggingface-backbone', { parts: detectorParts });
    const bare = foreign(saveCheckpoint(original));
    const isNorm = (key: string): boolean => key.startsWith('hidden_states_norms.');
    const files = [
      bare,
      rename('backbone.', bare),
      rename('model.pixel_level_module.encoder.', bare),
      foreign(bare, (key) => (isNorm(key) ? key : `swin.${key}`)),
      foreign(bare, (key) => {
        const numbered = key.replace(/norms\.stage(\d)/, (_, stage: string) => `norms.${Number(stage) - 1}`);
        return `model.pixel_level_module.encoder.${isNorm(key) ? numbered : `model.${key}`}`;
      }),
    ];
    for (const bytes of files) {
      const loaded = loadCheckpoint(bytes);
      expect(loaded.family).toBe('huggingface-backbone');
      expect(flat(loaded)).toEqual(flat(original));
      expect(loaded.notes).toEqual([]);
    }
  });

  test('two Swins in one file need the option', () => {
    const both = edit(rename('student.', mmdet), (tensors) => {
      for (const [key, tensor] of [...tensors]) tensors.set(key.replace('student.', 'teacher.'), tensor);
    });
    expect(() => loadCheckpoint(both)).toThrow(
      'expected one Swin, got 2, with the prefixes student., teacher.. Say which',
    );
    for (const prefix of ['teacher', 'teacher.']) {
      const loaded = loadCheckpoint(both, { prefix });
      expect(flat(loaded)).toEqual(flat(loadCheckpoint(mmdet)));
      expect(loaded.notes.at(-1)).toMatch(/^\d+ tensors outside teacher\. were left out: student \(\d+\)\.$/);
    }
    expect(() => loadCheckpoint(both, { prefix: 'ema' })).toThrow('expected a Swin under the prefix "ema."');
  });
});

describe('what does not fit is listed in one error', () => {
  test('missing, unexpected and misshapen', () => {
    const broken = edit(mmdet, (tensors) => {
      tensors.delete('stages.0.blocks.1.norm2.bias');
      tensors.delete('norm1.weight');
      tensors.set('stages.0.blocks.0.attn.w_msa.extra', zeros(1));
      tensors.set('stages.1.downsample.reduction.weight', zeros(16, 31));
    });
    expect(() => loadCheckpoint(broken)).toThrow(
      'checkpoint: expected the 68 tensors of a Swin in the layout of mmdet (embed 4, depths 2,1,1, heads 1,2,2, window 3, MLP ratio 2, patch 2), ' +
        'got 2 missing: stages.0.blocks.1.norm2.bias, norm1.weight; 1 unexpected: stages.0.blocks.0.attn.w_msa.extra; ' +
        '1 misshapen: stages.1.downsample.reduction.weight [16, 31] instead of [16, 32].',
    );
  });

  test('long lists are cut', () => {
    const broken = edit(timm, (tensors) => {
      for (const key of [...tensors.keys()]) if (key.includes('norm')) tensors.delete(key);
      for (let i = 0; i < 40; i++) tensors.set(`extra.${i}`, zeros(1));
    });
    expect(() => loadCheckpoint(broken)).toThrow(
      /24 missing: (\S+, ){11}\S+ \.\.\. and 12 more; 40 unexpected: .* \.\.\. and 28 more\.$/,
    );
  });

  test('buffers are no tensors of a Swin', () => {
    const withBuffers = edit(microsoft, (tensors) => {
      tensors.set('layers.0.blocks.0.attn.relative_position_index', {
        dtype: 'I64',
        shape: [1],
        bytes: new Uint8Array(8),
      });
      tensors.set('layers.0.blocks.1.attn_mask', zeros(4, 9, 9));
    });
    expect(flat(loadCheckpoint(withBuffers))).toEqual(flat(loadCheckpoint(microsoft)));
  });

  test.each([['absolute_pos_embed'], ['embeddings.position_embeddings']])('%s is refused by name', (key) => {
    const huggingface = foreign(saveCheckpoint(sample('huggingface', { parts: detectorParts })));
    const bytes = key.startsWith('embeddings') ? huggingface : microsoft;
    const positioned = edit(bytes, (tensors) => tensors.set(key, zeros(1, 4, 4)));
    expect(() => loadCheckpoint(positioned)).toThrow(
      `expected a Swin without absolute position embeddings, got ${key}. They are not supported.`,
    );
  });

  test('tensors of integers, and values that are not finite', () => {
    const integers = edit(timm, (tensors) =>
      tensors.set('norm.weight', { dtype: 'I32', shape: [16], bytes: new Uint8Array(64) }),
    );
    expect(() => loadCheckpoint(integers)).toThrow('norm.weight: expected a tensor of F32, F16, BF16 or F64, got I32.');
    for (const value of [Number.NaN, Number.NEGATIVE_INFINITY]) {
      const bytes = new Uint8Array(Float32Array.from({ length: 16 }, (_, i) => (i === 9 ? value : 1)).buffer);
      const notFinite = edit(timm, (tensors) => tensors.set('norm.weight', { dtype: 'F32', shape: [16], bytes }));
      expect(() => loadCheckpoint(notFinite)).toThrow(
        'expected finite weights, got NaN or infinite values in norm.weight.',
      );
    }
  });
});

describe('another architecture', () => {
  const of = (entries: Record<string, StoredTensor>): Uint8Array => writeSafetensors(new Map(Object.entries(entries)));

  test.each<[string, Uint8Array, string | RegExp]>([
    ['no tensors', of({}), 'got no tensors.'],
    [
      'a ResNet',
      of({ 'conv1.weight': zeros(8, 3, 7, 7), 'bn1.weight': zeros(8) }),
      'got 2 tensors such as conv1.weight, bn1.weight.',
    ],
    [
      'a ViT',
      of({ 'patch_embed.proj.weight': zeros(8, 3, 4, 4), 'blocks.0.attn.qkv.weight': zeros(24, 8) }),
      'There is a patch embedding but no bias table of a block: another architecture.',
    ],
    [
      'a ConvNeXt of torchvision',
      of({ 'features.0.0.weight': zeros(8, 3, 4, 4), 'features.1.0.block.0.weight': zeros(8, 1, 7, 7) }),
      'another architecture',
    ],
    [
      'a Swin V2',
      of({ 'patch_embed.proj.weight': zeros(8, 3, 4, 4), 'layers.0.blocks.0.attn.logit_scale': zeros(1, 1, 1) }),
      'This is a Swin V2, which is not supported.',
    ],
    [
      'a video Swin',
      edit(microsoft, (tensors) => tensors.set('patch_embed.proj.weight', zeros(4, 3, 2, 4, 4))),
      'expected patch_embed.proj.weight to be [channels, 3, patch, patch], got [4, 3, 2, 4, 4].',
    ],
    [
      'patches that are not square',
      edit(microsoft, (tensors) => tensors.set('patch_embed.proj.weight', zeros(4, 3, 2, 4))),
      '[4, 3, 2, 4]',
    ],
    [
      'grey images',
      edit(microsoft, (tensors) => tensors.set('patch_embed.proj.weight', zeros(4, 1, 2, 2))),
      '[4, 1, 2, 2]',
    ],
    [
      'windows that are not square',
      edit(microsoft, (tensors) => {
        for (const [key, { shape }] of [...tensors])
          if (key.includes('bias_table')) tensors.set(key, zeros(15, shape[1] ?? 1));
      }),
      'bias tables with (2M - 1)² rows',
    ],
    [
      'heads that do not divide the channels',
      edit(microsoft, (tensors) => tensors.set('layers.1.blocks.0.attn.relative_position_bias_table', zeros(25, 3))),
      'heads of stage 1 to divide its 8 channels, got 3',
    ],
    [
      'a stage left out',
      foreign(microsoft, (key) => key.replace('layers.2.', 'layers.3.')),
      'blocks in each of 4 stages, got none in stage 2',
    ],
    [
      'a stage far away',
      foreign(microsoft, (key) => key.replace('layers.2.', 'layers.999999999.')),
      'at most 16 stages of 1000 blocks',
    ],
    [
      'a block far away',
      foreign(microsoft, (key) => key.replace('blocks.1.', 'blocks.99999.')),
      'at most 16 stages of 1000 blocks',
    ],
    [
      'a block left out',
      foreign(microsoft, (key) => key.replace('layers.0.blocks.1.', 'layers.0.blocks.2.')),
      '13 missing: layers.0.blocks.1.norm1.weight',
    ],
    [
      'no first layer of an MLP',
      edit(microsoft, (tensors) =>
        [...tensors.keys()].filter((key) => key.includes('fc1.weight')).map((key) => tensors.delete(key)),
      ),
      'the first layer of an MLP in stage 0',
    ],
    [
      'no channels',
      edit(microsoft, (tensors) => tensors.set('patch_embed.proj.weight', zeros(0, 3, 2, 2))),
      'embedDim to be an integer of at least 1',
    ],
  ])('%s', (_, bytes, message) => {
    expect(() => loadCheckpoint(bytes)).toThrow(CheckpointError);
    expect(() => loadCheckpoint(bytes)).toThrow(message);
  });

  test.each<[string, Uint8Array, string]>([
    ['an empty file', new Uint8Array(0), 'got an empty file'],
    ['a few bytes', Uint8Array.of(1, 2, 3), 'got neither'],
    [
      'text',
      new TextEncoder().encode('<!DOCTYPE html><html></html>'),
      'safetensors or a PyTorch zip file, got neither',
    ],
    [
      'a bare pickle',
      Uint8Array.of(0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9),
      'a bare pickle (PyTorch before 1.6, or a .pkl). Convert it where you have PyTorch: python -c',
    ],
    ['a tar archive', Uint8Array.from({ length: 600 }, (_, i) => 'ustar'.charCodeAt(i - 257) || 0), 'a tar archive'],
    ['a zip cut off', Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0), 'The file is cut off.'],
  ])('%s', (_, bytes, message) => {
    expect(() => loadCheckpoint(bytes)).toThrow(CheckpointError);
    expect(() => loadCheckpoint(bytes)).toThrow(message);
  });

  test('no bytes at all', () => {
    expect(() => loadCheckpoint('swin.pth' as unknown as Uint8Array)).toThrow(
      'checkpoint: expected a Uint8Array, got string.',
    );
  });
});

describe('a PyTorch file', () => {
  const bytes = new Uint8Array(readFileSync(new URL('../fixtures/swin-microsoft.pth', import.meta.url)));

  test('is loaded with its strides, views and types undone', () => {
    const loaded = loadCheckpoint(bytes);
    expect(loaded.family).toBe('microsoft');
    expect(loaded.architecture).toEqual({
      embedDim: 4,
      depths: [2, 1],
      heads: [1, 2],
      window: 3,
      mlpRatio: 2,
      patchSize: 2,
    });
    expect(loaded.notes).toEqual([
      'The weights were under "model" of the file. Left out: optimizer, epoch, best, names, big, flag, none.',
      'Microsoft and timm before 0.9 share these keys: rules of microsoft; family timm can be forced.',
      '4 weights are stored as F64.',
      '8 weights are stored as F16.',
      '8 weights are stored as BF16.',
    ]);
    // Value i of the t-th stored tensor is (1000 t + i) / 1024: the patch convolution [4, 3, 2, 2] is the first.
    const { weight } = loaded.weights.patchEmbed.projection;
    expect(weight.shape).toEqual([12, 4]);
    expect([...weight.values.subarray(0, 8)].map((value) => value * 1024)).toEqual([0, 12, 24, 36, 4, 16, 28, 40]);
  });

  test('goes to safetensors and back bit for bit', () => {
    const loaded = loadCheckpoint(bytes);
    expect(flat(loadCheckpoint(saveCheckpoint(loaded)))).toEqual(flat(loaded));
  });
});

describe('options', () => {
  test('another window resizes every bias table and says so', () => {
    const original = sample('mmdet', { parts: detectorParts });
    const loaded = loadCheckpoint(mmdet, { window: 5 });
    expect(loaded.architecture).toEqual({ ...tiny, window: 5 });
    expect(loaded.notes).toEqual(['Bias tables were resized from window 3 to 5 (bicubic).']);
    const resized = Object.entries(flat(original)).map(([key, value]) => [
      key,
      key.endsWith('.biasTable') ? resizeBiasTable(value as Parameters<typeof resizeBiasTable>[0], 5) : value,
    ]);
    expect(flat(loaded)).toEqual(Object.fromEntries(resized));
    for (const { slot, value } of listWeights(loaded.architecture, loaded.weights))
      expect(value.shape).toEqual(slot.shape);
  });

  test('its own window changes nothing', () => {
    expect(loadCheckpoint(mmdet, { window: 3 })).toEqual(loadCheckpoint(mmdet));
  });

  test('tables of different windows are refused, and made equal by the option', () => {
    const mixed = edit(timm, (tensors) =>
      tensors.set('layers.2.blocks.0.attn.relative_position_bias_table', zeros(9, 2)),
    );
    expect(() => loadCheckpoint(mixed)).toThrow(
      /1 misshapen: layers\.2\S+ \[9, 2\] instead of \[25, 2\]\. Bias tables of another window can be resized: ask for it with window \(--window\)\.$/,
    );
    const loaded = loadCheckpoint(mixed, { window: 3 });
    expect(loaded.notes).toEqual(['Bias tables were resized from window 2 to 3 (bicubic).']);
    expect(loaded.architecture).toEqual(tiny);
  });

  test('a table of another number of heads is not resized', () => {
    const other = edit(timm, (tensors) =>
      tensors.set('layers.0.blocks.1.attn.relative_position_bias_table', zeros(25, 3)),
    );
    expect(() => loadCheckpoint(other, { window: 5 })).toThrow('[25, 3] instead of [25, 1]');
  });

  test('a forced architecture must fit', () => {
    expect(loadCheckpoint(timm, { architecture: tiny }).architecture).toEqual(tiny);
    expect(() => loadCheckpoint(timm, { architecture: { ...tiny, depths: [2, 2, 1] } })).toThrow(
      '13 missing: layers.1.blocks.1.',
    );
    expect(() => loadCheckpoint(timm, { architecture: { ...tiny, embedDim: 8 } })).toThrow(
      'misshapen: patch_embed.proj.weight [4, 3, 2, 2] instead of [8, 3, 2, 2]',
    );
    expect(() => loadCheckpoint(timm, { architecture: { ...tiny, depths: [2, 1], heads: [1, 2] } })).toThrow(
      'unexpected: layers.2.',
    );
    expect(() => loadCheckpoint(timm, { architecture: { ...tiny, window: 7 } })).toThrow('ask for it with window');
  });

  test.each<[LoadOptions, string]>([
    [{ window: 0 }, 'window to be an integer from 1 to 256, got 0'],
    [{ window: 7.5 }, 'got 7.5'],
    [{ window: 1e9 }, 'got 1000000000'],
    [{ family: 'swin' as SwinFamily }, 'family to be one of microsoft, microsoft-detection, mmdet'],
    [{ family: 'toString' as SwinFamily }, 'family to be one of'],
    [{ architecture: { ...tiny, heads: [1] } }, 'one head count per stage'],
  ])('%j is refused before anything is read', (options, message) => {
    expect(() => loadCheckpoint(new Uint8Array(0), options)).toThrow(ConfigError);
    expect(() => loadCheckpoint(new Uint8Array(0), options)).toThrow(message);
  });
});

describe('metadata of ours', () => {
  const sparsity = { prunedRatios: [[0.3], [0], [0.1]], ...sparsityModes.official };

  test('gives family and sparsity back', () => {
    const saved = saveCheckpoint({ ...sample('mmdet', { parts: detectorParts }), sparsity }, { layout: 'microsoft' });
    const loaded = loadCheckpoint(saved);
    expect(loaded.family).toBe('mmdet');
    expect(loaded.sparsity).toEqual(sparsity);
    expect(loaded.notes).toEqual([]);
    expect(loadCheckpoint(saved, { family: 'mmdet' }).notes).toEqual([]);
    expect(loadCheckpoint(saved, { family: 'timm' })).toMatchObject({
      family: 'timm',
      notes: ['Rules of timm as asked, instead of mmdet.'],
    });
  });

  test('a sparsity survives another window', () => {
    const saved = saveCheckpoint({ ...sample('timm'), sparsity: uniformSparsity(tiny, 0.5) });
    expect(loadCheckpoint(saved, { window: 4 }).sparsity).toEqual(uniformSparsity(tiny, 0.5));
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['embedDim', { embedDim: 8 }, 'expected embedDim 8 as its metadata says, got 4.'],
    ['depths', { depths: [2, 2, 1] }, 'expected depths 2,2,1 as its metadata says, got 2,1,1.'],
    ['heads', { heads: [1, 2, 4] }, 'expected heads 1,2,4 as its metadata says, got 1,2,2.'],
    ['window', { window: 7 }, 'expected window 7 as its metadata says, got 3.'],
    ['mlpRatio', { mlpRatio: 4 }, 'expected the MLP width of stage 0 16 as its metadata says, got 8.'],
    ['patchSize', { patchSize: 4 }, 'expected patchSize 4 as its metadata says, got 2.'],
  ])('that contradicts the tensors in %s is refused', (_, change, message) => {
    const document = { version: 1, architecture: { ...tiny, ...change }, family: 'timm', sparsity: null };
    const bytes = edit(timm, () => {}, { sparsevit: JSON.stringify(document) });
    expect(() => loadCheckpoint(bytes)).toThrow(CheckpointError);
    expect(() => loadCheckpoint(bytes)).toThrow(message);
  });

  test('that is no document is refused; that of others is not ours', () => {
    expect(() => loadCheckpoint(edit(timm, () => {}, { sparsevit: '{}' }))).toThrow(
      'checkpoint metadata: expected the document to have',
    );
    expect(loadCheckpoint(edit(timm, () => {}, { format: 'pt', toString: '{}' })).sparsity).toBeNull();
  });
});

describe('limits on what a file may ask for', () => {
  test('weights that would be much larger than the file: bias tables of a window of 256', () => {
    const architecture = { ...tiny, depths: [40], heads: [4], window: 1 };
    const parts = { ...classifierParts, outputNorms: [false] };
    const bytes = foreign(saveCheckpoint(sample('timm', { architecture, parts })));
    expect(loadCheckpoint(bytes, { window: 12 }).architecture.window).toBe(12);
    expect(() => loadCheckpoint(bytes, { window: 256 })).toThrow(
      /^checkpoint: expected weights of at most \d+ bytes for a file of \d+, got \d+\./,
    );
  });
});

test('any bits flipped in a checkpoint are read or refused, nothing else', () => {
  const random = createRandom(5);
  const parts = allParts;
  const architecture = { ...tiny, embedDim: 2, depths: [1, 1], heads: [1, 2], window: 2 };
  const files = [
    saveCheckpoint(sample('huggingface', { architecture, parts: { ...parts, outputNorms: [true, true] } })),
    saveCheckpoint(sample('timm', { architecture, parts: { ...classifierParts, outputNorms: [false, false] } })),
  ];
  let refused = 0;
  for (let round = 0; round < 1500; round++) {
    const flipped = (files[round % 2] ?? new Uint8Array(0)).slice();
    const header = new DataView(flipped.buffer).getUint32(0, true);
    for (let flips = 1 + (round % 3); flips > 0; flips--) {
      const at = random.integer(0, round % 5 === 0 ? flipped.length : 8 + header);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << random.integer(0, 8));
    }
    try {
      loadCheckpoint(flipped);
    } catch (error) {
      refused++;
      if (!(error instanceof CheckpointError)) throw error;
      expect(error.message).not.toMatch(/[\n\u2028]/);
    }
  }
  expect(refused).toBeGreaterThan(1000);
});
