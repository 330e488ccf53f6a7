import type { StoredTensor, SwinCheckpoint } from '@sparsevit/backbone';
import { createSwin, loadCheckpoint, readSafetensors, toFloat32, toInt32 } from '@sparsevit/backbone';
import type { Engine } from '@sparsevit/engine';
import { createEngine } from '@sparsevit/engine';
import { describeGolden, expectAllclose, requireGolden } from '@sparsevit/testing';
import { checkSparsity, sparsityModes } from '@sparsevit/windows';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** Values are of order 1. */
const tolerance = { absolute: 1e-4 };

/** [B, C, H, W] -> [B, H, W, C] when `toLast`, else back. */
function movedChannels(values: Float32Array, shape: readonly number[], toLast: boolean): Float32Array {
  const [batch = 1, channels = 1, height = 1, width = 1] = shape;
  const moved = new Float32Array(values.length);
  const pixels = height * width;
  for (let image = 0; image < batch; image++) {
    for (let channel = 0; channel < channels; channel++) {
      for (let pixel = 0; pixel < pixels; pixel++) {
        const first = (image * channels + channel) * pixels + pixel;
        const last = (image * pixels + pixel) * channels + channel;
        moved[toLast ? last : first] = values[toLast ? first : last] ?? 0;
      }
    }
  }
  return moved;
}

async function openFile(name: string): Promise<{
  find(tensor: string): StoredTensor;
  has(tensor: string): boolean;
  metadata: Readonly<Record<string, string>>;
}> {
  const { tensors, metadata } = readSafetensors(await requireGolden(name));
  return {
    metadata,
    has: (tensor) => tensors.has(tensor),
    find(tensor) {
      const found = tensors.get(tensor);
      if (found === undefined) throw new Error(`${name} has no tensor ${tensor}`);
      return found;
    },
  };
}

describe.each([1, 2])('%i threads', (threads) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ threads });
  });
  afterAll(() => engine.dispose());

  for (const name of [
    'dense-224',
    'layerwise-224-b2',
    'layerwise-pad-160x208',
    'stage0-only-320x256',
    'uniform60-224',
  ]) {
    const file = `sparsevit/${name}.safetensors`;
    describeGolden(file, ['sparsevit/weights.safetensors', file], () => {
      test('outputs and kept windows', async () => {
        const golden = await openFile(file);
        const checkpoint = loadCheckpoint(await requireGolden('sparsevit/weights.safetensors'));
        const model = createSwin(engine.ops, checkpoint);
        const perBlock = JSON.parse(golden.metadata.pruning_ratios ?? 'null') as number[][] | null;
        const sparsity = checkSparsity(model.architecture, {
          prunedRatios: model.architecture.depths.map((depth, stage) =>
            Array.from({ length: depth / 2 }, (_, pair) => perBlock?.[stage]?.[2 * pair] ?? 0),
          ),
          ...sparsityModes.official,
        });
        const input = golden.find('input');
        const [batch = 1, , height = 1, width = 1] = input.shape;
        const plan = engine.compile((image) => model.forward(image, { sparsity, wantsWindows: true }), {
          shape: [batch, height, width, 3],
        });
        const { features, windows } = await plan.run(movedChannels(toFloat32(input), input.shape, true));
        for (const [i, feature] of features.entries()) {
          const expected = golden.find(`out${i}`);
          const values = movedChannels(feature?.values as Float32Array, expected.shape, false);
          expectAllclose(values, toFloat32(expected), tolerance, `out${i}`);
        }
        for (const { stage, block, selection } of windows) {
          const key = `kept.${stage}.${block}`;
          if (!golden.has(key)) {
            expect(selection.kind, key).toBe('all');
            continue;
          }
          const ids = selection.kind === 'topk' && selection.ids !== null ? Array.from(selection.ids.values) : [];
          expect(ids, key).toEqual(Array.from(toInt32(golden.find(key))));
        }
        plan.dispose();
        model.dispose();
      });
    });
  }

  const dense: [string, string, SwinCheckpoint['family'], string, 'nchw' | 'nhwc'][] = [
    ['swin-mmdet/dense-pad-160x208', 'sparsevit/weights', 'mmdet', 'out', 'nchw'],
    ['swin-torchvision/dense-224', 'swin-torchvision/weights', 'torchvision', 'stage', 'nhwc'],
    ['swin-torchvision/dense-narrow-96x448', 'swin-torchvision/weights', 'torchvision', 'stage', 'nhwc'],
    ['swin-torchvision/dense-pad-180x200-b2', 'swin-torchvision/weights', 'torchvision', 'stage', 'nhwc'],
    ['swin-torchvision-w5/dense-80x160', 'swin-torchvision-w5/weights', 'torchvision', 'stage', 'nhwc'],
    ['swin-torchvision-w5/dense-120x88', 'swin-torchvision-w5/weights', 'torchvision', 'stage', 'nhwc'],
    ['swin-timm/dense-224', 'swin-timm/weights', 'timm', 'stage', 'nhwc'],
    ['swin-timm/dense-pad-232x260', 'swin-timm/weights', 'timm', 'stage', 'nhwc'],
    ['swin-huggingface/dense-224', 'swin-huggingface/weights', 'huggingface', 'hidden', 'nchw'],
    ['swin-huggingface/dense-pad-232x260', 'swin-huggingface/weights', 'huggingface', 'hidden', 'nchw'],
  ];
  for (const [name, weights, family, prefix, layout] of dense) {
    const [file, weightsFile] = [`${name}.safetensors`, `${weights}.safetensors`];
    describeGolden(file, [weightsFile, file], () => {
      test(`equals ${family}`, async () => {
        const golden = await openFile(file);
        const model = createSwin(engine.ops, loadCheckpoint(await requireGolden(weightsFile)));
        expect(model.family).toBe(family);
        const input = golden.find('input');
        const [batch = 1, , height = 1, width = 1] = input.shape;
        const isHidden = prefix === 'hidden';
        const plan = engine.compile(
          (image) => {
            const { features, logits } = model.forward(image, { wantsLogits: true });
            // hidden states are taken after the merging that follows a stage
            const maps = features.map((feature, i) => {
              const merging = model.weights.stages[i]?.merging ?? null;
              return isHidden && merging !== null && feature !== null
                ? engine.ops.patchMerging(feature, merging)
                : feature;
            });
            return { maps, logits };
          },
          { shape: [batch, height, width, 3] },
        );
        const { maps, logits } = await plan.run(movedChannels(toFloat32(input), input.shape, true));
        let compared = 0;
        for (const [i, map] of maps.entries()) {
          const key = `${prefix}${isHidden ? i + 1 : i}`;
          if ((golden.metadata.left_out ?? '').split(', ').includes(key)) continue;
          const expected = golden.find(key);
          const values = map?.values as Float32Array;
          const actual = layout === 'nchw' ? movedChannels(values, expected.shape, false) : values;
          expectAllclose(actual, toFloat32(expected), tolerance, key);
          compared++;
        }
        expect(compared).toBeGreaterThan(0);
        if (golden.has('logits')) {
          expectAllclose(logits?.values ?? [], toFloat32(golden.find('logits')), tolerance, 'logits');
        }
        plan.dispose();
        model.dispose();
      });
    });
  }
});
