/**
 * The weights of a Swin as a typed tree. A checkpoint is the tree with plain arrays in it; a model is the same tree with an
 * implementation's values in it. The layout is one for all checkpoint families: linear weights are [in, out], patch pixels are ordered
 * (row, column, channel), merged neighbours (0,0), (1,0), (0,1), (1,1) of (row, column).
 */

import type {
  LinearWeights,
  NormWeights,
  PatchEmbedWeights,
  PatchMergingWeights,
  SwinArchitecture,
  WindowOps,
} from '@sparsevit/windows';
import { ConfigError, createRandom, stageChannels, stageHiddenWidth } from '@sparsevit/windows';

/** A tensor on the host: row-major values and their shape. */
export interface HostTensor {
  readonly values: Float32Array;
  readonly shape: readonly number[];
}

/** The weights of one block of C channels. */
export interface BlockWeights<T> {
  readonly norm1: NormWeights<T>;
  /** `[C, 3C]`: q | k | v, in each head after head */
  readonly qkv: LinearWeights<T>;
  /** [(2M - 1)², heads] */
  readonly biasTable: T;
  /** [C, C] */
  readonly projection: LinearWeights<T>;
  readonly norm2: NormWeights<T>;
  /** [C, mlpRatio * C] */
  readonly expand: LinearWeights<T>;
  /** [mlpRatio * C, C] */
  readonly contract: LinearWeights<T>;
}

/** The weights of one stage. */
export interface StageWeights<T> {
  readonly blocks: readonly BlockWeights<T>[];
  /** The merging after the stage; null after the last. */
  readonly merging: PatchMergingWeights<T> | null;
}

/** The weights of a Swin. */
export interface SwinWeights<T> {
  readonly patchEmbed: PatchEmbedWeights<T>;
  readonly stages: readonly StageWeights<T>[];
  /** The norm on the output of each stage, as detectors have them; null where the checkpoint has none. */
  readonly outputNorms: readonly (NormWeights<T> | null)[];
  /** The norm before the classifier's pooling, as classifiers have it. */
  readonly finalNorm: NormWeights<T> | null;
  /** [C of the last stage, classes] */
  readonly classifier: LinearWeights<T> | null;
}

/** Which optional parts a tree of weights has. */
export interface SwinParts {
  /** Per stage: is there an output norm? */
  readonly outputNorms: readonly boolean[];
  readonly hasFinalNorm: boolean;
  /** Number of classes; 0 for no classifier. */
  readonly classes: number;
}

/** How a leaf of the tree is named, and what shape it has. */
export interface WeightSlot {
  /** `stages.0.blocks.1.qkv.weight`; the same in every family. */
  readonly key: string;
  readonly shape: readonly number[];
}

/**
 * Builds the tree of an architecture by asking for every leaf once, in a fixed order.
 *
 * @example
 * const keys: string[] = [];
 * buildWeights(architecture, parts, (slot) => keys.push(slot.key));
 */
export function buildWeights<T>(
  architecture: SwinArchitecture,
  parts: SwinParts,
  leaf: (slot: WeightSlot) => T,
): SwinWeights<T> {
  const { patchSize, window } = architecture;
  const linear = (key: string, inputs: number, outputs: number, hasBias = true): LinearWeights<T> => ({
    weight: leaf({ key: `${key}.weight`, shape: [inputs, outputs] }),
    bias: hasBias ? leaf({ key: `${key}.bias`, shape: [outputs] }) : null,
  });
  const norm = (key: string, channels: number): NormWeights<T> => ({
    weight: leaf({ key: `${key}.weight`, shape: [channels] }),
    bias: leaf({ key: `${key}.bias`, shape: [channels] }),
  });
  const lastStage = architecture.depths.length - 1;
  return {
    patchEmbed: {
      projection: linear('patchEmbed.projection', patchSize * patchSize * 3, architecture.embedDim),
      norm: norm('patchEmbed.norm', architecture.embedDim),
    },
    stages: architecture.depths.map((depth, stage) => {
      const channels = stageChannels(architecture, stage);
      const hidden = stageHiddenWidth(architecture, stage);
      return {
        blocks: Array.from({ length: depth }, (_, block) => {
          const key = `stages.${stage}.blocks.${block}`;
          return {
            norm1: norm(`${key}.norm1`, channels),
            qkv: linear(`${key}.qkv`, channels, 3 * channels),
            biasTable: leaf({
              key: `${key}.biasTable`,
              shape: [(2 * window - 1) ** 2, architecture.heads[stage] ?? 1],
            }),
            projection: linear(`${key}.projection`, channels, channels),
            norm2: norm(`${key}.norm2`, channels),
            expand: linear(`${key}.expand`, channels, hidden),
            contract: linear(`${key}.contract`, hidden, channels),
          };
        }),
        merging:
          stage === lastStage
            ? null
            : {
                norm: norm(`stages.${stage}.merging.norm`, 4 * channels),
                reduction: linear(`stages.${stage}.merging.reduction`, 4 * channels, 2 * channels, false),
              },
      };
    }),
    outputNorms: architecture.depths.map((_, stage) =>
      parts.outputNorms[stage] ? norm(`outputNorms.${stage}`, stageChannels(architecture, stage)) : null,
    ),
    finalNorm: parts.hasFinalNorm ? norm('finalNorm', stageChannels(architecture, lastStage)) : null,
    classifier: parts.classes > 0 ? linear('classifier', stageChannels(architecture, lastStage), parts.classes) : null,
  };
}

/** Which optional parts a tree has. */
export function partsOf(weights: SwinWeights<HostTensor>): SwinParts {
  return {
    outputNorms: weights.outputNorms.map((norm) => norm !== null),
    hasFinalNorm: weights.finalNorm !== null,
    classes: weights.classifier?.weight.shape[1] ?? 0,
  };
}

/** The leaves of a tree with their names and shapes, in the order of `buildWeights`. */
export function listWeights(
  architecture: SwinArchitecture,
  weights: SwinWeights<HostTensor>,
): { slot: WeightSlot; value: HostTensor }[] {
  const leaves = flattenWeights(weights);
  const listed: { slot: WeightSlot; value: HostTensor }[] = [];
  buildWeights(architecture, partsOf(weights), (slot) => {
    listed.push({ slot, value: leaves[listed.length] as HostTensor });
  });
  return listed;
}

/** The leaves of a tree, in the order of `buildWeights`. */
export function flattenWeights<T>(weights: SwinWeights<T>): T[] {
  const linear = ({ weight, bias }: LinearWeights<T>): T[] => (bias === null ? [weight] : [weight, bias]);
  const norm = ({ weight, bias }: NormWeights<T>): T[] => [weight, bias];
  return [
    ...linear(weights.patchEmbed.projection),
    ...norm(weights.patchEmbed.norm),
    ...weights.stages.flatMap(({ blocks, merging }) => [
      ...blocks.flatMap((block) => [
        ...norm(block.norm1),
        ...linear(block.qkv),
        block.biasTable,
        ...linear(block.projection),
        ...norm(block.norm2),
        ...linear(block.expand),
        ...linear(block.contract),
      ]),
      ...(merging === null ? [] : [...norm(merging.norm), ...linear(merging.reduction)]),
    ]),
    ...weights.outputNorms.flatMap((outputNorm) => (outputNorm === null ? [] : norm(outputNorm))),
    ...(weights.finalNorm === null ? [] : norm(weights.finalNorm)),
    ...(weights.classifier === null ? [] : linear(weights.classifier)),
  ];
}

/**
 * Gives every weight to an implementation.
 *
 * @throws ConfigError when the weights are not those of the architecture; what was taken until then is freed
 * @example
 * const taken = takeWeights(createTensorOps({ trainable: true }), architecture, randomWeights(architecture, 1));
 */
export function takeWeights<T>(
  ops: Pick<WindowOps<T>, 'fromWeights' | 'freeWeight'>,
  architecture: SwinArchitecture,
  weights: SwinWeights<HostTensor>,
): SwinWeights<T> {
  const leaves = flattenWeights(weights);
  const taken: T[] = [];
  const mismatch = (key: string, expected: string, got: string): ConfigError => {
    for (const weight of taken) ops.freeWeight(weight);
    return new ConfigError(
      `createSwin: expected ${key} to be ${expected}, got ${got}. Weights and architecture must belong together.`,
    );
  };
  const tree = buildWeights(architecture, partsOf(weights), ({ key, shape }) => {
    const leaf = leaves[taken.length];
    if (leaf === undefined) throw mismatch(key, `[${shape.join(', ')}]`, 'no weight');
    const isSame = leaf.shape.length === shape.length && leaf.shape.every((side, i) => side === shape[i]);
    if (!isSame) throw mismatch(key, `[${shape.join(', ')}]`, `[${leaf.shape.join(', ')}]`);
    const weight = ops.fromWeights(leaf.values, leaf.shape, key);
    taken.push(weight);
    return weight;
  });
  if (taken.length !== leaves.length)
    throw mismatch('the last weight', `number ${taken.length}`, `${leaves.length} weights`);
  return tree;
}

/**
 * Seeded random weights as a fresh Swin has them: linear weights and bias tables normal with deviation 0.02 (cut at two deviations),
 * biases 0, norms 1 and 0. With output norms, as detectors have them; no classifier.
 *
 * @example
 * const weights = randomWeights(architecture, 7);
 */
export function randomWeights(architecture: SwinArchitecture, seed: number): SwinWeights<HostTensor> {
  const random = createRandom(seed);
  const parts: SwinParts = { outputNorms: architecture.depths.map(() => true), hasFinalNorm: false, classes: 0 };
  return buildWeights(architecture, parts, ({ key, shape }) => {
    const values = new Float32Array(shape.reduce((product, side) => product * side, 1));
    const isNorm = /norm/i.test(key);
    if (isNorm && key.endsWith('.weight')) values.fill(1);
    else if (!key.endsWith('.bias')) {
      for (let i = 0; i < values.length; i++) {
        let draw = random.normal();
        while (Math.abs(draw) > 2) draw = random.normal();
        values[i] = draw * 0.02;
      }
    }
    return { values, shape };
  });
}
