/** Random legal models, images and windows: what the engine is compared on. */

import type { ForwardOptions, HostTensor, SwinCheckpoint, SwinWeights } from '@sparsevit/backbone';
import { buildWeights, familyRules } from '@sparsevit/backbone';
import type { Random, SwinArchitecture, SwinRules } from '@sparsevit/windows';
import { createRandom, createWindowGrid } from '@sparsevit/windows';

/** A model, an image, and what is asked of the forward. */
export interface ModelCase {
  readonly checkpoint: Pick<SwinCheckpoint, 'architecture' | 'family' | 'weights'>;
  readonly shape: readonly [number, number, number, number];
  readonly pixels: Float32Array;
  readonly options: ForwardOptions;
}

const pick = <Item>(random: Random, items: readonly Item[]): Item => items[random.integer(0, items.length)] as Item;

const draw = (random: Random, count: number, scale = 1): Float32Array =>
  Float32Array.from({ length: count }, () => (random.uniform() * 2 - 1) * scale);

/** Weights that keep values of order 1. */
function drawWeights(random: Random, architecture: SwinArchitecture, classes: number): SwinWeights<HostTensor> {
  const stages = architecture.depths.length;
  const parts = {
    outputNorms: Array.from({ length: stages }, () => random.uniform() < 0.7),
    hasFinalNorm: classes > 0,
    classes,
  };
  return buildWeights(architecture, parts, ({ key, shape }) => {
    const count = shape.reduce((product, side) => product * side, 1);
    const isNorm = /norm/i.test(key);
    const values = draw(random, count, isNorm || shape.length === 1 ? 0.5 : Math.sqrt(3 / (shape[0] ?? 1)));
    return { values: isNorm && key.endsWith('.weight') ? values.map((value) => 1 + value) : values, shape };
  });
}

/** Window ids for every block, some blocks dense: the same windows for all that are compared. */
function drawKept(
  random: Random,
  architecture: SwinArchitecture,
  rules: SwinRules,
  shape: ModelCase['shape'],
): (Int32Array | null)[][] {
  const round = rules.imageRemainder === 'pad' ? Math.ceil : Math.floor;
  let [height, width] = [round(shape[1] / architecture.patchSize), round(shape[2] / architecture.patchSize)];
  return architecture.depths.map((depth, stage) => {
    if (stage > 0) [height, width] = [Math.ceil(height / 2), Math.ceil(width / 2)];
    return Array.from({ length: depth }, () => {
      if (random.uniform() < 0.2) return null;
      const { window } = architecture;
      const grid = createWindowGrid({ batch: shape[0], height, width, window, isShifted: false, rules });
      const windows = grid.windowsPerImage;
      const kept = pick(random, [0, 1, windows, random.integer(0, windows + 1), random.integer(0, windows + 1)]);
      const ids: number[] = [];
      for (let image = 0; image < shape[0]; image++) {
        const left = Array.from({ length: windows }, (_, id) => id);
        for (let i = 0; i < kept; i++) ids.push(...left.splice(random.integer(0, left.length), 1));
      }
      return Int32Array.from(ids);
    });
  });
}

/** The case of a number. */
export function drawModel(number: number): ModelCase {
  const random = createRandom(77_000 + number);
  const headWidth = pick(random, [3, 4, 8, 10, 16, 32]);
  const firstHeads = pick(random, [1, 2, 3]);
  const stages = random.integer(1, 4);
  const architecture: SwinArchitecture = {
    patchSize: pick(random, [2, 4, 4]),
    embedDim: headWidth * firstHeads,
    depths: Array.from({ length: stages }, () => pick(random, [2, 2, 4])),
    heads: Array.from({ length: stages }, (_, stage) => firstHeads * 2 ** stage),
    window: pick(random, [2, 3, 4, 5, 7, 7, 8]),
    mlpRatio: pick(random, [1, 2, 4]),
  };
  const family = pick(random, ['torchvision', 'timm', 'mmdet', 'huggingface'] as const);
  const side = (): number => architecture.patchSize * random.integer(1, 26) + random.integer(0, architecture.patchSize);
  const shape = [random.integer(1, 4), side(), side(), 3] as const;
  const classes = random.uniform() < 0.3 ? random.integer(1, 20) : 0;
  const weights = drawWeights(random, architecture, classes);
  const kept = drawKept(random, architecture, familyRules[family], shape);
  return {
    checkpoint: { architecture, family, weights },
    shape,
    pixels: draw(random, shape[0] * shape[1] * shape[2] * 3),
    options: { kept, wantsLogits: true },
  };
}
