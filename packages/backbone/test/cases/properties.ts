/** What must hold for any Swin, in both modes: maps of odd sizes, one window, every window size, batches. */

import type { SwinFamily, SwinModel } from '@sparsevit/backbone';
import { createSwin, randomWeights } from '@sparsevit/backbone';
import { createTensorOps } from '@sparsevit/ops';
import type { BackendName } from '@sparsevit/testing';
import { expectAllclose } from '@sparsevit/testing';
import type { RatioSparsity, Sparsity, SparsityMode, SwinArchitecture, WindowGrid } from '@sparsevit/windows';
import { createRandom, keptWindows, sparsityModes, uniformSparsity, windowTokens } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { free } from './tensors';

interface Case {
  readonly name: string;
  /** Whose rules; default mmdet's. */
  readonly family?: SwinFamily;
  readonly architecture: SwinArchitecture;
  readonly batch: number;
  readonly height: number;
  readonly width: number;
}

const small = (window: number): SwinArchitecture => ({
  embedDim: 8,
  depths: [2, 4, 2],
  heads: [1, 2, 4],
  window,
  mlpRatio: 2,
  patchSize: 4,
});

/** Sides in pixels; the map of stage 0 is a quarter of them. */
const cases: Case[] = [
  { name: 'window 7, 224x112: whole windows', architecture: small(7), batch: 1, height: 224, width: 112 },
  { name: 'window 7, batch 3, odd sides', architecture: small(7), batch: 3, height: 75, width: 101 },
  { name: 'window 5, batch 2, non-square', architecture: small(5), batch: 2, height: 61, width: 143 },
  { name: 'window 8', architecture: small(8), batch: 1, height: 130, width: 67 },
  { name: 'window 12', architecture: small(12), batch: 1, height: 160, width: 101 },
  { name: 'one window, smaller than a window', architecture: small(7), batch: 2, height: 12, width: 20 },
  // where families differ: roll before the padding, the shift off on one axis or both, an image cropped to whole patches
  { name: 'timm', family: 'timm', architecture: small(7), batch: 2, height: 75, width: 101 },
  {
    name: 'torchvision, one axis a window',
    family: 'torchvision',
    architecture: small(7),
    batch: 2,
    height: 30,
    width: 131,
  },
  {
    name: 'microsoft, one axis a window',
    family: 'microsoft',
    architecture: small(7),
    batch: 1,
    height: 28,
    width: 131,
  },
  { name: 'huggingface', family: 'huggingface', architecture: small(5), batch: 1, height: 61, width: 90 },
  { name: 'a single patch', architecture: small(7), batch: 1, height: 4, width: 4 },
];

/** The same sums in another order: WebGPU chooses the program of a product by its shape. Values are of order 1. */
const reorderedSums = { absolute: 1e-5 };

function imageOf({ batch, height, width }: Case, seed: number): tf.Tensor4D {
  const random = createRandom(seed);
  return tf.tensor4d(
    Float32Array.from({ length: batch * height * width * 3 }, () => random.normal()),
    [batch, height, width, 3],
  );
}

const modelOf = (c: Case): SwinModel<tf.Tensor> =>
  createSwin(createTensorOps(), {
    architecture: c.architecture,
    family: c.family ?? 'mmdet',
    weights: strongWeights(c.architecture),
  });

/** Random weights whose blocks change their input clearly (fresh ones, of deviation 0.02, hardly do), and with biases, without which pads before and after the norm are the same. */
function strongWeights(architecture: SwinArchitecture): ReturnType<typeof randomWeights> {
  const weights = randomWeights(architecture, 5);
  for (const { blocks } of weights.stages) {
    for (const block of blocks) {
      for (const { values } of [block.biasTable, block.qkv.weight, block.projection.weight, block.expand.weight]) {
        values.forEach((value, i) => {
          values[i] = value * 10;
        });
      }
      for (const bias of [block.norm1.bias, block.qkv.bias]) {
        bias?.values.forEach((_, i) => {
          bias.values[i] = ((i * 7) % 11) / 11 - 0.5;
        });
      }
    }
  }
  return weights;
}

async function valuesOf(tensors: readonly (tf.Tensor | null)[]): Promise<Float32Array[]> {
  return Promise.all(tensors.map(async (tensor) => (await (tensor as tf.Tensor).data()) as Float32Array));
}

/** A non-uniform sparsity with every kind of pair: dense, light, heavy. */
const layerwise = (mode: SparsityMode): RatioSparsity => ({
  prunedRatios: [[0.5], [0, 0.6], [0.3]],
  ...sparsityModes[mode],
});

export function propertyCases(backend: BackendName): void {
  // a software WebGPU adapter takes seconds for each shape it has not seen: there, a few cases that differ most
  const here = cases.filter((_, index) => backend !== 'webgpu' || [1, 2, 6, 10].includes(index));
  describe.each(here)('$name', (c) => {
    test('a ratio of 0 is bit-equal to dense, in clean mode', async () => {
      const model = modelOf(c);
      const image = imageOf(c, 1);
      const dense = model.forward(image);
      const zero = model.forward(image, { sparsity: uniformSparsity(c.architecture, 0) });
      const [a, b] = [await valuesOf(dense.features), await valuesOf(zero.features)];
      expect(b).toEqual(a);
      expect(a.flatMap((values) => Array.from(values)).every(Number.isFinite)).toBe(true);
      free([image, dense.features, zero.features]);
      model.dispose();
    });

    test('importance is what the windows of a stage are ranked by', async () => {
      const ops = createTensorOps();
      const model = modelOf(c);
      const image = imageOf(c, 3);
      const sparsity = uniformSparsity(c.architecture, 0.5);
      const { features, windows, importance } = model.forward(image, {
        sparsity,
        wantsWindows: true,
        wantsImportance: true,
      });
      expect(importance).toHaveLength(c.architecture.depths.length);
      for (const { stage, grid, scores } of windows) {
        const again = ops.windowScores(importance[stage] as tf.Tensor, grid, sparsity.padsInScore);
        expect(await again.data()).toEqual(await (scores as tf.Tensor).data());
        again.dispose();
      }
      free(image, features, windows, importance);
      model.dispose();
    });

    test('gathering every window by rank is the same as taking them all', async () => {
      const model = modelOf(c);
      const image = imageOf(c, 12);
      // so small a ratio that every window is kept, by the way that kept windows go
      const all = model.forward(image, { sparsity: uniformSparsity(c.architecture, 1e-6), wantsWindows: true });
      expect(
        all.windows.every(
          ({ selection, grid }) => selection.kind === 'topk' && selection.keptPerImage === grid.windowsPerImage,
        ),
      ).toBe(true);
      const dense = model.forward(image);
      const [a, b] = [await valuesOf(dense.features), await valuesOf(all.features)];
      for (const [stage, values] of a.entries()) expectAllclose(b[stage] ?? [], values, reorderedSums);
      free(image, all.features, all.windows, dense.features);
      model.dispose();
    });

    test.each(['clean', 'official'] as const)(
      'a pruned window leaves a block as it came, bit for bit (%s)',
      async (mode) => {
        const blocks: { before: tf.Tensor; after: tf.Tensor; grid: WindowGrid; kept: tf.Tensor | 'all' | 'none' }[] =
          [];
        const ops = createTensorOps();
        const copyOf = (x: tf.Tensor): tf.Tensor => tf.keep(tf.mul(x, tf.scalar(1, x.dtype)));
        const spied: typeof ops = {
          ...ops,
          mapWindows(x, selection, grid, body) {
            const before = copyOf(x);
            const y = ops.mapWindows(x, selection, grid, body);
            const kept = selection.kind === 'all' ? 'all' : selection.ids === null ? 'none' : copyOf(selection.ids);
            blocks.push({ before, after: copyOf(y), grid, kept });
            return y;
          },
        };
        const weights = strongWeights(c.architecture);
        const model = createSwin(spied, { architecture: c.architecture, family: c.family ?? 'mmdet', weights });
        const image = imageOf(c, 2);
        const sparsity = layerwise(mode);
        const result = model.forward(image, { sparsity });
        expect(blocks).toHaveLength(8);
        for (const [index, { before, after, grid, kept }] of blocks.entries()) {
          const [stage, pair] = [
            [0, 0],
            [0, 0],
            [1, 0],
            [1, 0],
            [1, 1],
            [1, 1],
            [2, 0],
            [2, 0],
          ][index] as [number, number];
          if (kept === 'all') {
            expect(sparsity.prunedRatios[stage]?.[pair]).toBe(0);
            continue;
          }
          const perImage = keptWindows(grid.windowsPerImage, sparsity.prunedRatios[stage]?.[pair] ?? 0, sparsity);
          const ids = kept === 'none' ? [] : Array.from(await kept.data());
          expect(ids.length).toBe(perImage * grid.batch);
          const globalIds = ids.map((id, i) => Math.floor(i / perImage) * grid.windowsPerImage + id);
          const changed = new Set(windowTokens(grid, globalIds));
          const channels = before.shape[3] ?? 1;
          const [was, is] = [await before.data(), await after.data()];
          const differing = new Set<number>();
          was.forEach((value, i) => {
            if (!Object.is(value, is[i])) differing.add(Math.floor(i / channels));
          });
          for (const token of differing) expect(changed.has(token)).toBe(true);
          const real = [...changed].filter((token) => token >= 0);
          expect(real.filter((token) => !differing.has(token))).toEqual([]); // and every kept token did change
        }
        free([image, result.features, blocks.map(({ before, after, kept }) => [before, after, kept])]);
        model.dispose();
      },
    );

    test.each(['clean', 'official'] as const)('images of a batch do not know each other (%s)', async (mode) => {
      const model = modelOf(c);
      const pair = imageOf({ ...c, batch: 2 }, 3);
      const [first, second] = tf.split(pair, 2) as [tf.Tensor4D, tf.Tensor4D];
      const options = { sparsity: layerwise(mode) };
      const [both, one, two] = [
        model.forward(pair, options),
        model.forward(first, options),
        model.forward(second, options),
      ];
      const [all, a, b] = [await valuesOf(both.features), await valuesOf(one.features), await valuesOf(two.features)];
      const tolerance = tf.getBackend() === 'webgpu' ? reorderedSums : {};
      all.forEach((values, stage) => {
        const half = values.length / 2;
        expectAllclose(values.subarray(0, half), a[stage] ?? [], tolerance);
        expectAllclose(values.subarray(half), b[stage] ?? [], tolerance);
      });
      free([pair, first, second, both.features, one.features, two.features]);
      model.dispose();
    });

    test.each(['clean', 'official'] as const)('given its own windows, a forward repeats itself (%s)', async (mode) => {
      const model = modelOf(c);
      const image = imageOf(c, 4);
      const ranked = model.forward(image, { sparsity: layerwise(mode), wantsWindows: true });
      const kept: (Int32Array | null)[][] = c.architecture.depths.map((depth) =>
        Array.from({ length: depth }, () => null),
      );
      for (const { stage, block, selection } of ranked.windows) {
        if (selection.kind === 'all') continue;
        (kept[stage] as (Int32Array | null)[])[block] = Int32Array.from((await selection.ids?.data()) ?? []);
      }
      // given windows say nothing about pads: the rules come with the sparsity
      const given = model.forward(image, { sparsity: layerwise(mode), kept });
      expect(await valuesOf(given.features)).toEqual(await valuesOf(ranked.features));
      free([image, ranked.features, ranked.windows, given.features]);
      model.dispose();
    });
  });

  test('official mode may keep no window at all: the stage passes its input on', async () => {
    const c = { name: '', architecture: small(7), batch: 1, height: 28, width: 28 };
    const model = modelOf(c);
    const image = imageOf(c, 6);
    const none: Sparsity = { prunedRatios: [[0.5], [0.5, 0.5], [0.5]], ...sparsityModes.official };
    const { features, windows } = model.forward(image, { sparsity: none, wantsWindows: true });
    expect(windows.map(({ selection }) => selection)).toEqual(
      Array(8).fill({ kind: 'topk', ids: null, keptPerImage: 0 }),
    );
    const ops = createTensorOps();
    const embedded = ops.patchEmbed(image, model.weights.patchEmbed, { patchSize: 4, remainder: 'pad' });
    const norm = model.weights.outputNorms[0];
    const expected = ops.layerNorm(embedded, norm as NonNullable<typeof norm>);
    expect(await valuesOf([features[0] ?? null])).toEqual(await valuesOf([expected]));
    free([image, features, windows, embedded, expected]);
    model.dispose();
  });

  test('pads before the norm are not pads after it', async () => {
    const c = { name: '', architecture: small(7), batch: 1, height: 60, width: 60 };
    const model = modelOf(c);
    const image = imageOf(c, 11);
    const rules = layerwise('clean');
    const [after, before] = [rules, { ...rules, padding: 'before-norm' } as const].map((sparsity) =>
      model.forward(image, { sparsity }),
    );
    const [a, b] = [await valuesOf(after?.features ?? []), await valuesOf(before?.features ?? [])];
    const largest = Math.max(
      ...a.flatMap((values, stage) => Array.from(values, (value, i) => Math.abs(value - (b[stage]?.[i] ?? 0)))),
    );
    expect(largest).toBeGreaterThan(0.01);
    free([image, after?.features, before?.features]);
    model.dispose();
  });

  test('drop-path: factors of 1 change nothing, factors of 0 make every block the identity', async () => {
    const c = { name: '', architecture: small(5), batch: 2, height: 44, width: 60 };
    const model = modelOf(c);
    const image = imageOf(c, 7);
    const factors = (value: number) =>
      c.architecture.depths.map((depth) =>
        Array.from({ length: depth }, () => ({
          attention: new Float32Array(2).fill(value),
          mlp: new Float32Array(2).fill(value),
        })),
      );
    for (const sparsity of [null, layerwise('clean')]) {
      const plain = model.forward(image, { sparsity });
      const ones = model.forward(image, { sparsity, dropPath: factors(1) });
      const zeros = model.forward(image, { sparsity, dropPath: factors(0) });
      const none = model.forward(image, {
        kept: c.architecture.depths.map((depth) => Array(depth).fill(new Int32Array(0))),
      });
      expect(await valuesOf(ones.features)).toEqual(await valuesOf(plain.features));
      expect(await valuesOf(zeros.features)).toEqual(await valuesOf(none.features));
      free([plain.features, ones.features, zeros.features, none.features]);
    }
    image.dispose();
    model.dispose();
  });

  test('only what is asked for is computed and kept', async () => {
    const c = { name: '', architecture: small(7), batch: 1, height: 60, width: 60 };
    const before = tf.memory().numTensors;
    const model = modelOf(c);
    const weights = tf.memory().numTensors;
    const image = imageOf(c, 8);
    const all = model.forward(image);
    const first = model.forward(image, { outputs: [0] });
    const { features, logits, windows } = first;
    expect(features.slice(1)).toEqual([null, null]);
    expect(logits).toBeNull();
    expect(windows).toEqual([]);
    expect(tf.memory().numTensors).toBe(weights + 1 + 3 + 1);
    expect(await valuesOf([features[0] ?? null])).toEqual(await valuesOf([all.features[0] ?? null]));
    expect(model.forward(image, { outputs: [] }).features).toEqual([null, null, null]);
    free([image, features, all.features]);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  // a threshold is refused on webgpu, which the tests of the ops show
  test.skipIf(backend === 'webgpu')('thresholds keep what is above them', async () => {
    const c = { name: '', architecture: small(7), batch: 2, height: 90, width: 120 };
    const model = modelOf(c);
    const image = imageOf(c, 9);
    const open: Sparsity = { thresholds: [0, null, 0], ...sparsityModes.clean };
    const closed: Sparsity = { thresholds: [1e9, 1e9, 1e9], ...sparsityModes.clean };
    const [dense, every, least] = [null, open, closed].map((sparsity) =>
      model.forward(image, { sparsity, wantsWindows: true }),
    );
    const [a, b] = [await valuesOf(dense?.features ?? []), await valuesOf(every?.features ?? [])];
    for (const [stage, values] of a.entries()) expectAllclose(b[stage] ?? [], values, reorderedSums);
    for (const { selection } of least?.windows ?? []) {
      expect(selection.kind).toBe('counted');
      expect(selection.kind === 'counted' && selection.ids?.size).toBe(2); // minKept 1 of each image
    }
    free([image, [dense, every, least].map((result) => [result?.features, result?.windows])]);
    model.dispose();
  });

  describe('bad requests', () => {
    const c = { name: '', architecture: small(7), batch: 1, height: 60, width: 60 };
    const refusals: [string, (model: SwinModel<tf.Tensor>, image: tf.Tensor4D) => unknown, RegExp][] = [
      ['an unknown stage', (m, x) => m.forward(x, { outputs: [3] }), /stages from 0 to 2, got 3/],
      [
        'too few stages of ratios',
        (m, x) => m.forward(x, { sparsity: { prunedRatios: [[0.5]], ...sparsityModes.clean } }),
        /expected 3 stages/,
      ],
      [
        'shrinking ratios',
        (m, x) => m.forward(x, { sparsity: { prunedRatios: [[0], [0.5, 0.2], [0]], ...sparsityModes.clean } }),
        /do not decrease/,
      ],
      [
        'windows for other blocks',
        (m, x) => m.forward(x, { kept: [[null, null]] }),
        /kept windows for stages of 2, 4, 2 blocks, got 2/,
      ],
      [
        'drop-path factors for other blocks',
        (m, x) => m.forward(x, { dropPath: [] }),
        /drop-path factors for stages of 2, 4, 2 blocks/,
      ],
      [
        'a window out of range',
        (m, x) =>
          m.forward(x, {
            kept: [
              [Int32Array.of(9), null],
              [null, null, null, null],
              [null, null],
            ],
          }),
        /from 0 to 8, got 9/,
      ],
    ];
    test.each(refusals)('%s', (_, run, message) => {
      const before = tf.memory().numTensors;
      const model = modelOf(c);
      const image = imageOf(c, 10);
      expect(() => run(model, image)).toThrow(message);
      image.dispose();
      model.dispose();
      expect(tf.memory().numTensors).toBe(before);
    });
    const wrong: [string, object, RegExp][] = [
      [
        'deeper than its weights',
        { depths: [2, 4, 4] },
        /expected stages\.2\.blocks\.2\.norm1\.weight to be \[32\], got \[/,
      ],
      ['shallower than its weights', { depths: [2, 4, 1] }, /expected outputNorms|weights and architecture|got \[/i],
      [
        'with other heads',
        { heads: [2, 2, 4] },
        /expected stages\.0\.blocks\.0\.biasTable to be \[169, 2\], got \[169, 1\]/,
      ],
    ];
    test.each(wrong)('an architecture %s, and nothing is left over', (_, change, message) => {
      const before = tf.memory().numTensors;
      const weights = strongWeights(c.architecture);
      const architecture = { ...c.architecture, ...change };
      expect(() => createSwin(createTensorOps(), { architecture, family: 'mmdet', weights })).toThrow(message);
      expect(tf.memory().numTensors).toBe(before);
    });
    test('an unknown family, and a forward after dispose', () => {
      const weights = strongWeights(c.architecture);
      const family = 'keras' as 'mmdet';
      expect(() => createSwin(createTensorOps(), { architecture: c.architecture, family, weights })).toThrow(
        /expected a family of .*, got keras/,
      );
      const model = modelOf(c);
      const image = imageOf(c, 12);
      model.dispose();
      model.dispose();
      expect(() => model.forward(image)).toThrow(/got one after dispose/);
      image.dispose();
    });
    test('an image smaller than a patch', () => {
      const model = modelOf(c);
      const image = tf.zeros<tf.Rank.R4>([1, 3, 60, 3]);
      expect(() => model.forward(image)).toThrow(/at least one patch \(4x4 pixels\), got 3x60/);
      image.dispose();
      model.dispose();
    });
  });
}
