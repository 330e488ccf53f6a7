import { describeGolden, requireGolden } from '@sparsevit/testing';
import { CheckpointError, ConfigError } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import type { SwinCheckpoint, SwinFamily } from '../../src/checkpoint';
import type { CheckpointLayout } from '../../src/checkpoint/layouts';
import { loadCheckpoint } from '../../src/checkpoint/load';
import { saveCheckpoint } from '../../src/checkpoint/save';
import { readSafetensors } from '../../src/formats/safetensors';
import { toFloat32 } from '../../src/formats/tensor';
import { allParts, classifierParts, detectorParts, differing, flat, foreign, sample, tiny } from './samples';

const families: SwinFamily[] = [
  'microsoft',
  'microsoft-detection',
  'mmdet',
  'timm',
  'torchvision',
  'huggingface',
  'huggingface-backbone',
];
const layouts: CheckpointLayout[] = ['microsoft', 'mmdet', 'timm', 'torchvision', 'huggingface'];
/** Who can express which parts. */
const able: Record<string, CheckpointLayout[]> = {
  classifier: ['microsoft', 'timm', 'torchvision', 'huggingface'],
  detector: ['microsoft', 'mmdet', 'huggingface'],
  all: ['microsoft', 'huggingface'],
};
const parts = { classifier: classifierParts, detector: detectorParts, all: allParts };

describe('there and back, bit for bit', () => {
  for (const kind of ['classifier', 'detector', 'all'] as const) {
    for (const layout of able[kind] ?? []) {
      test.each(families)(`a ${kind} of %s in the layout of ${layout}`, (family) => {
        const original = sample(family, { parts: parts[kind], seed: 9 });
        const loaded = loadCheckpoint(saveCheckpoint(original, { layout }));
        expect(loaded).toEqual(original);
      });
    }
  }

  test('an MLP ratio that misses the whole width by a rounding', () => {
    expect(28 * (29 / 28)).not.toBe(29);
    const original = sample('timm', { architecture: { ...tiny, embedDim: 28, mlpRatio: 29 / 28 } });
    expect(original.weights.stages[2]?.blocks[0]?.expand.weight.shape).toEqual([112, 116]);
    expect(loadCheckpoint(saveCheckpoint(original))).toEqual(original);
    expect(loadCheckpoint(foreign(saveCheckpoint(original)))).toEqual(original);
  });

  test('in 16 bits, what 16 bits hold', () => {
    const original = sample('timm');
    for (const [precision, dtype] of [
      ['f16', 'F16'],
      ['bf16', 'BF16'],
    ] as const) {
      const bytes = saveCheckpoint(original, { precision });
      expect(new Set([...readSafetensors(bytes).tensors.values()].map((tensor) => tensor.dtype))).toEqual(
        new Set([dtype]),
      );
      const once = loadCheckpoint(bytes);
      expect(once.notes).toEqual([expect.stringMatching(new RegExp(`^\\d+ weights are stored as ${dtype}\\.$`))]);
      expect(flat(once)).not.toEqual(flat(original));
      expect(flat(loadCheckpoint(saveCheckpoint(once, { precision })))).toEqual(flat(once));
    }
  });
});

describe('the file', () => {
  test('says what it is, and is the same every time', () => {
    const checkpoint = sample('timm');
    const bytes = saveCheckpoint(checkpoint);
    expect(saveCheckpoint(checkpoint)).toEqual(bytes);
    const { metadata } = readSafetensors(bytes);
    expect(Object.keys(metadata)).toEqual(['format', 'sparsevit']);
    expect(metadata.format).toBe('pt');
    expect(JSON.parse(metadata.sparsevit ?? '')).toEqual({
      version: 1,
      architecture: tiny,
      family: 'timm',
      sparsity: null,
    });
  });

  test('of Hugging Face splits queries, keys and values and has a prefix only beside a classifier', () => {
    const checkpoint = sample('huggingface');
    const { tensors } = readSafetensors(saveCheckpoint(checkpoint));
    const { qkv } = checkpoint.weights.stages[1]?.blocks[0] ?? {};
    const stored = ['query', 'key', 'value'].map((name) =>
      tensors.get(`swin.encoder.layers.1.blocks.0.attention.self.${name}.weight`),
    );
    for (const [part, tensor] of stored.entries()) {
      if (tensor === undefined || qkv === undefined) throw new Error('missing');
      expect(tensor.shape).toEqual([8, 8]);
      const values = toFloat32(tensor);
      for (const [output, input] of [
        [0, 0],
        [3, 5],
        [7, 7],
      ] as const) {
        expect(values[output * 8 + input]).toBe(qkv.weight.values[input * 24 + part * 8 + output]);
      }
    }
    expect(tensors.has('classifier.weight')).toBe(true);
    const bare = saveCheckpoint(sample('huggingface-backbone', { parts: detectorParts }));
    expect([...readSafetensors(bare).tensors.keys()].filter((key) => key.startsWith('swin.'))).toEqual([]);
  });
});

describe('what cannot be saved', () => {
  test.each<[CheckpointLayout, SwinCheckpoint, string]>([
    ['torchvision', sample('torchvision', { parts: detectorParts }), 'also outputNorms.0.weight, outputNorms.0.bias'],
    ['timm', sample('timm', { parts: detectorParts }), 'Layouts that can hold them: microsoft, mmdet, huggingface.'],
    [
      'mmdet',
      sample('mmdet'),
      'also finalNorm.weight, finalNorm.bias, classifier.weight, classifier.bias. Layouts that can hold them: microsoft, timm, torchvision, huggingface.',
    ],
    ['mmdet', sample('microsoft', { parts: allParts }), 'Layouts that can hold them: microsoft, huggingface.'],
  ])('the layout of %s has no keys for it', (layout, checkpoint, message) => {
    expect(() => saveCheckpoint(checkpoint, { layout })).toThrow(CheckpointError);
    expect(() => saveCheckpoint(checkpoint, { layout })).toThrow(message);
  });

  const withNorm = (values: Float32Array): SwinCheckpoint => {
    const checkpoint = sample('timm');
    const norm = { weight: { values, shape: [values.length] }, bias: { values, shape: [values.length] } };
    return { ...checkpoint, weights: { ...checkpoint.weights, finalNorm: norm } };
  };

  test('weights that are misshapen, not finite, or too large for the precision', () => {
    expect(() => saveCheckpoint(withNorm(new Float32Array(5)))).toThrow(
      'finalNorm.weight to be [16], got [5] of 5 values',
    );
    expect(() => saveCheckpoint(withNorm(new Float32Array(16).fill(Number.NaN)))).toThrow(
      'NaN or infinite values in finalNorm.weight',
    );
    const large = withNorm(new Float32Array(16).fill(65520));
    expect(() => saveCheckpoint(large, { precision: 'f16' })).toThrow(
      'weights that f16 can hold, got a larger one in finalNorm.weight',
    );
    expect(loadCheckpoint(saveCheckpoint(large, { precision: 'bf16' })).weights.finalNorm?.bias.values[0]).toBe(65536);
    const largest = withNorm(new Float32Array(16).fill(65519));
    expect(loadCheckpoint(saveCheckpoint(largest, { precision: 'f16' })).weights.finalNorm?.bias.values[0]).toBe(65504);
    const huge = withNorm(new Float32Array(16).fill(3.4e38));
    expect(() => saveCheckpoint(huge, { precision: 'bf16' })).toThrow('weights that bf16 can hold');
    expect(loadCheckpoint(saveCheckpoint(huge)).weights.finalNorm?.bias.values[0]).toBe(Math.fround(3.4e38));
  });

  test('a classifier without the norm before it', () => {
    const checkpoint = sample('timm', { parts: { ...classifierParts, hasFinalNorm: false } });
    expect(() => saveCheckpoint(checkpoint)).toThrow(
      'the final norm that every layout has before a classifier, got none.',
    );
  });

  test('an architecture or a sparsity that cannot be, a layout or precision that is none', () => {
    const checkpoint = sample('timm');
    expect(() => saveCheckpoint({ ...checkpoint, architecture: { ...tiny, heads: [1, 3, 2] } })).toThrow(ConfigError);
    expect(() => saveCheckpoint(checkpoint, { layout: 'onnx' as CheckpointLayout })).toThrow(
      'a layout of microsoft, mmdet, timm, torchvision, huggingface, got onnx',
    );
    expect(() => saveCheckpoint(checkpoint, { precision: 'int8' as 'f16' })).toThrow(
      'a precision of f32, f16, bf16, got int8',
    );
  });
});

describe.each([
  ['sparsevit', 'mmdet', 'detector'],
  ['swin-timm', 'timm', 'classifier'],
  ['swin-torchvision', 'torchvision', 'classifier'],
  ['swin-torchvision-w5', 'torchvision', 'classifier'],
  ['swin-huggingface', 'huggingface', 'classifier'],
] as const)('golden weights of %s', (folder, family, kind) => {
  const name = `${folder}/weights.safetensors`;
  describeGolden('weights', [name], () => {
    test(`are read as ${family}`, async () => {
      const loaded = loadCheckpoint(await requireGolden(name));
      expect(loaded.family).toBe(family);
      expect(loaded.architecture).toEqual(
        folder === 'swin-torchvision-w5'
          ? { embedDim: 12, depths: [2, 2], heads: [2, 3], window: 5, mlpRatio: 2, patchSize: 4 }
          : { embedDim: 16, depths: [2, 2, 4, 2], heads: [1, 2, 4, 8], window: 7, mlpRatio: 4, patchSize: 4 },
      );
    });

    test('go through every layout that can hold them, bit for bit', async () => {
      const loaded = loadCheckpoint(await requireGolden(name));
      for (const layout of able[kind] ?? []) {
        const again = loadCheckpoint(saveCheckpoint(loaded, { layout }));
        expect(differing(again, loaded), layout).toEqual([]);
        expect({ ...again, weights: null }).toEqual({ ...loaded, weights: null });
      }
    });

    test('in their own layout, every tensor of the file comes out as it went in', async () => {
      const golden = await requireGolden(name);
      const written = readSafetensors(foreign(saveCheckpoint(loadCheckpoint(golden)))).tensors;
      const original = readSafetensors(golden).tensors;
      expect([...written.keys()].sort()).toEqual([...original.keys()].sort());
      for (const [key, { bytes, shape, dtype }] of original) {
        const other = written.get(key);
        expect(
          {
            dtype: other?.dtype,
            shape: other?.shape,
            isEqual: Buffer.compare(bytes, other?.bytes ?? new Uint8Array(0)),
          },
          key,
        ).toEqual({ dtype, shape, isEqual: 0 });
      }
    });
  });
});

test('layouts and families are all covered above', () => {
  expect([...new Set(Object.values(able).flat())].sort()).toEqual([...layouts].sort());
});
