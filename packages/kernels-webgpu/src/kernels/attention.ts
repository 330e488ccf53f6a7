/** Attention inside windows. */

import type { kernelNames, WindowAttentionAttributes } from '@sparsevit/windows';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelFunction } from '../tensorflow/kernel-function';
import type { View } from '../tensorflow/program';
import { componentsOf, runProgram, view } from '../tensorflow/program';
import type { AttentionVariant } from '../wgsl/attention';
import { attentionTiles } from '../wgsl/attention';
import { attentionForwardSource } from '../wgsl/attention-forward';
import { sidesOf } from './tensors';

/** What the inputs of attention come to. */
export interface AttentionProblem {
  readonly variant: AttentionVariant;
  readonly windows: number;
  readonly heads: number;
  readonly channels: number;
  /** Windows times heads: workgroups. */
  readonly items: number;
  readonly inputs: Readonly<Record<string, View<TensorInfo | undefined>>>;
  readonly integers: Readonly<Record<string, number>>;
}

/** Reads the inputs of attention. */
export function attentionProblem(
  inputs: { qkv: TensorInfo; biasTable: TensorInfo; slots?: TensorInfo; classes?: TensorInfo },
  { window, shiftY, shiftX, tokens }: WindowAttentionAttributes,
): AttentionProblem {
  const { qkv, biasTable, slots, classes } = inputs;
  const [rows, width] = sidesOf(qkv);
  const [, heads] = sidesOf(biasTable);
  const windows = (slots?.shape[0] ?? rows) / (window * window);
  const headWidth = width / 3 / heads;
  const components = componentsOf(headWidth);
  return {
    variant: { window, headWidth, components, hasSlots: slots !== undefined, hasClasses: classes !== undefined },
    windows,
    heads,
    channels: width / 3,
    items: windows * heads,
    inputs: { qkv: view(qkv, components), biasTable: view(biasTable), slots: view(slots), classes: view(classes) },
    integers: { items: windows * heads, heads, tokens, shiftY, shiftX },
  };
}

/** softmax(q kᵀ / sqrt(d) + bias + mask) v. */
export const windowAttention: KernelFunction<typeof kernelNames.windowAttention> = (backend, inputs, attributes) => {
  const { variant, channels, items, inputs: views, integers } = attentionProblem(inputs, attributes);
  const { threads } = attentionTiles(variant);
  const output = backend.makeTensorInfo([attributes.tokens, channels], 'float32');
  runProgram(backend, {
    name: 'attention',
    variant: Object.values(variant),
    threads,
    workgroups: items,
    inputs: views,
    integers,
    output: view(output, variant.components),
    source: () => attentionForwardSource(variant),
  });
  return output;
};
