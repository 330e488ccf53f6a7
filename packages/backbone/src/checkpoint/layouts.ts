/**
 * How the families of checkpoints name and order the tensors of a Swin: one record per layout, read by the importer and the exporter alike.
 * A linear weight is stored [out, in] in all of them, the patch convolution [C, 3, P, P].
 *
 * Source: the state dicts of microsoft/Swin-Transformer, open-mmlab/mmdetection, timm, torchvision and transformers.
 */

import type { SwinFamily } from '../checkpoint';

/** The layouts of keys that a checkpoint is saved in. */
export type CheckpointLayout = 'microsoft' | 'mmdet' | 'timm' | 'torchvision' | 'huggingface';

/** The names of a block's parts, below the block's own name. */
export interface BlockNames {
  readonly norm1: string;
  /** One fused layer, or query, key and value apart. */
  readonly qkv: string | readonly [query: string, key: string, value: string];
  readonly biasTable: string;
  readonly projection: string;
  readonly norm2: string;
  readonly expand: string;
  readonly contract: string;
}

/** Where the tensors of a layout are, without the prefix and without `.weight` and `.bias`. */
export interface KeyLayout {
  readonly name: CheckpointLayout;
  /** The families that use it, the one assumed first. */
  readonly families: readonly SwinFamily[];
  /** The patch convolution; its weight is how a layout and the prefix are found. */
  readonly patchProjection: string;
  readonly patchNorm: string;
  readonly block: (stage: number, block: number) => string;
  /** Matches the name of a block's tensor: stage index, block index, the rest. */
  readonly blockPattern: RegExp;
  /** The stage that the stage index of a name stands for; not whole for a name of something else. */
  readonly stageOf: (index: number) => number;
  readonly blockNames: BlockNames;
  /** The merging after a stage. */
  readonly merging: (stage: number) => string;
  /** Order of the 4C inputs of a merging: neighbour by neighbour as here, or channel by channel with its neighbours in rows (unfold). */
  readonly mergingOrder: 'neighbour-major' | 'channel-major';
  /** The norm on a stage's output; null where the layout has none. */
  readonly outputNorm: ((stage: number) => string) | null;
  readonly finalNorm: string | null;
  readonly classifier: string | null;
}

const fusedNames: BlockNames = {
  norm1: 'norm1',
  qkv: 'attn.qkv',
  biasTable: 'attn.relative_position_bias_table',
  projection: 'attn.proj',
  norm2: 'norm2',
  expand: 'mlp.fc1',
  contract: 'mlp.fc2',
};

/** Microsoft's classifiers and detectors, Mask2Former, and timm before 0.9. */
const microsoft: KeyLayout = {
  name: 'microsoft',
  families: ['microsoft', 'microsoft-detection', 'timm'],
  patchProjection: 'patch_embed.proj',
  patchNorm: 'patch_embed.norm',
  block: (stage, block) => `layers.${stage}.blocks.${block}`,
  blockPattern: /^layers\.(\d+)\.blocks\.(\d+)\.(.+)$/,
  stageOf: (index) => index,
  blockNames: fusedNames,
  merging: (stage) => `layers.${stage}.downsample`,
  mergingOrder: 'neighbour-major',
  outputNorm: (stage) => `norm${stage}`,
  finalNorm: 'norm',
  classifier: 'head',
};

/** timm since 0.9: Microsoft's names, but a merging stands at the start of the next stage. */
const timm: KeyLayout = {
  ...microsoft,
  name: 'timm',
  families: ['timm', 'microsoft', 'microsoft-detection'],
  merging: (stage) => `layers.${stage + 1}.downsample`,
  outputNorm: null,
  classifier: 'head.fc',
};

/** mmdetection, mmsegmentation, BEVDet, and the published SparseViT. */
const mmdet: KeyLayout = {
  name: 'mmdet',
  families: ['mmdet'],
  patchProjection: 'patch_embed.projection',
  patchNorm: 'patch_embed.norm',
  block: (stage, block) => `stages.${stage}.blocks.${block}`,
  blockPattern: /^stages\.(\d+)\.blocks\.(\d+)\.(.+)$/,
  stageOf: (index) => index,
  blockNames: {
    norm1: 'norm1',
    qkv: 'attn.w_msa.qkv',
    biasTable: 'attn.w_msa.relative_position_bias_table',
    projection: 'attn.w_msa.proj',
    norm2: 'norm2',
    expand: 'ffn.layers.0.0',
    contract: 'ffn.layers.1',
  },
  merging: (stage) => `stages.${stage}.downsample`,
  mergingOrder: 'channel-major',
  outputNorm: (stage) => `norm${stage}`,
  finalNorm: null,
  classifier: null,
};

const torchvision: KeyLayout = {
  name: 'torchvision',
  families: ['torchvision'],
  patchProjection: 'features.0.0',
  patchNorm: 'features.0.2',
  block: (stage, block) => `features.${2 * stage + 1}.${block}`,
  blockPattern: /^features\.(\d+)\.(\d+)\.(.+)$/,
  stageOf: (index) => (index - 1) / 2,
  blockNames: { ...fusedNames, expand: 'mlp.0', contract: 'mlp.3' },
  merging: (stage) => `features.${2 * stage + 2}`,
  mergingOrder: 'neighbour-major',
  outputNorm: null,
  finalNorm: 'norm',
  classifier: 'head',
};

/** transformers, as `save_pretrained` writes it. */
const huggingface: KeyLayout = {
  name: 'huggingface',
  families: ['huggingface', 'huggingface-backbone'],
  patchProjection: 'embeddings.patch_embeddings.projection',
  patchNorm: 'embeddings.norm',
  block: (stage, block) => `encoder.layers.${stage}.blocks.${block}`,
  blockPattern: /^encoder\.layers\.(\d+)\.blocks\.(\d+)\.(.+)$/,
  stageOf: (index) => index,
  blockNames: {
    norm1: 'layernorm_before',
    qkv: ['attention.self.query', 'attention.self.key', 'attention.self.value'],
    biasTable: 'attention.self.relative_position_bias_table',
    projection: 'attention.output.dense',
    norm2: 'layernorm_after',
    expand: 'intermediate.dense',
    contract: 'output.dense',
  },
  merging: (stage) => `encoder.layers.${stage}.downsample`,
  mergingOrder: 'neighbour-major',
  outputNorm: (stage) => `hidden_states_norms.stage${stage + 1}`,
  finalNorm: 'layernorm',
  classifier: 'classifier',
};

/** The names that a model of transformers 5 has in memory. */
const huggingfaceInMemory: KeyLayout = {
  ...huggingface,
  blockNames: {
    norm1: 'layernorm_before',
    qkv: ['attention.q_proj', 'attention.k_proj', 'attention.v_proj'],
    biasTable: 'attention.relative_position_bias.relative_position_bias_table',
    projection: 'attention.o_proj',
    norm2: 'layernorm_after',
    expand: 'mlp.fc1',
    contract: 'mlp.fc2',
  },
};

/** Every layout that can be read; where two fit the same key, see `findLayout`. */
export const keyLayouts: readonly KeyLayout[] = [microsoft, timm, mmdet, torchvision, huggingface, huggingfaceInMemory];

/** The layout that is written under each name. */
export const layoutByName: Readonly<Record<CheckpointLayout, KeyLayout>> = {
  microsoft,
  mmdet,
  timm,
  torchvision,
  huggingface,
};

/** The layout that a family is saved in. */
export const layoutOfFamily: Readonly<Record<SwinFamily, CheckpointLayout>> = {
  microsoft: 'microsoft',
  'microsoft-detection': 'microsoft',
  mmdet: 'mmdet',
  timm: 'timm',
  torchvision: 'torchvision',
  huggingface: 'huggingface',
  'huggingface-backbone': 'huggingface',
};

/** Tensors that are computed from sizes and come along in some files. */
export const bufferPattern: RegExp = /(^|\.)(relative_position_index|attn_mask)$/;

/** Position embeddings added to the patches, which no Swin of the paper uses. */
export const absolutePositionPattern: RegExp = /(^|\.)(absolute_pos_embed|position_embeddings)$/;
