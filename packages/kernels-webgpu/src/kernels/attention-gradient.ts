/** The gradients of attention inside windows: of qkv and of the bias table. */

import type { kernelNames } from '@sparsevit/windows';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from '../tensorflow/backend';
import type { KernelFunction } from '../tensorflow/kernel-function';
import { runProgram, view, withScratch } from '../tensorflow/program';
import { attentionTiles } from '../wgsl/attention';
import { logitGradientSource, logitRowWidth, qkvGradientSource, tableGradientSource } from '../wgsl/attention-backward';
import type { AttentionProblem } from './attention';
import { attentionProblem } from './attention';
import { writeRows } from './rows';
import { addSlices, columnSums } from './sums';
import { sidesOf, sizeOf } from './tensors';

/** [dqkv, dBiasTable]. */
export const windowAttentionGradient: KernelFunction<typeof kernelNames.windowAttentionGradient> = (
  backend,
  inputs,
  attributes,
) => {
  const { qkv, biasTable, slots, dy } = inputs;
  const { window, tokens } = attributes;
  const problem = attentionProblem(inputs, attributes);
  const dqkv = backend.makeTensorInfo(qkv.shape, 'float32');
  const dTable = backend.makeTensorInfo(biasTable.shape, 'float32');
  withScratch(backend, [problem.items, window * window * logitRowWidth(window)], (logitGradients) => {
    findLogitGradients(backend, problem, dy, logitGradients);
    if (slots === undefined) {
      findQkvGradients(backend, problem, { dy, logitGradients }, dqkv);
    } else {
      const [slotCount] = sidesOf(slots);
      const [rows, width] = sidesOf(qkv);
      withScratch(backend, [slotCount, width], (ofSlots) => {
        findQkvGradients(backend, problem, { dy, logitGradients }, ofSlots);
        writeRows(backend, { rows: ofSlots, index: slots, limit: tokens, output: dqkv });
        if (rows > tokens) {
          const pads = { slots, tokens };
          columnSums(backend, {
            x: ofSlots,
            rows: slotCount,
            columns: width,
            pads,
            output: dqkv,
            offset: tokens * width,
          });
        }
      });
    }
    findTableGradient(backend, problem, logitGradients, dTable);
  });
  return [dqkv, dTable];
};

function findLogitGradients(
  backend: WebGPUBackend,
  { variant, inputs, integers, items }: AttentionProblem,
  dy: TensorInfo,
  output: TensorInfo,
): void {
  runProgram(backend, {
    name: 'attention-logit-gradient',
    variant: Object.values(variant),
    threads: attentionTiles(variant).threads,
    workgroups: items,
    inputs: { ...inputs, dy: view(dy, variant.components) },
    integers,
    output: view(output),
    source: () => logitGradientSource(variant),
  });
}

function findQkvGradients(
  backend: WebGPUBackend,
  { variant, inputs, integers, items }: AttentionProblem,
  { dy, logitGradients }: { dy: TensorInfo; logitGradients: TensorInfo },
  output: TensorInfo,
): void {
  runProgram(backend, {
    name: 'attention-qkv-gradient',
    variant: Object.values(variant),
    threads: attentionTiles(variant).threads,
    workgroups: items,
    inputs: { ...inputs, dy: view(dy, variant.components), logitGradients: view(logitGradients) },
    integers,
    output: view(output, variant.components),
    source: () => qkvGradientSource(variant),
  });
}

function findTableGradient(
  backend: WebGPUBackend,
  { variant, windows, heads }: AttentionProblem,
  logitGradients: TensorInfo,
  output: TensorInfo,
): void {
  const { window } = variant;
  const size = heads * window * window * logitRowWidth(window);
  withScratch(backend, [size], (sums) => {
    addSlices(backend, { parts: logitGradients, slices: windows, stride: size, size, output: sums });
    const count = sizeOf(output);
    runProgram(backend, {
      name: 'attention-table-gradient',
      variant: [window],
      threads: 64,
      workgroups: Math.ceil(count / 64),
      inputs: { sums: view(sums) },
      integers: { count, heads },
      output: view(output),
      source: () => tableGradientSource(window),
    });
  });
}
