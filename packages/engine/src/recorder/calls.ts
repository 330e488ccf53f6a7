/** Kernel calls that more than one operation makes: products and norms of rows. */

import type { WasmKernels } from '@sparsevit/kernels-wasm/binary';
import type { NormWeights } from '@sparsevit/windows';
import { layerNormEpsilon } from '@sparsevit/windows';
import type { BodyOperand } from '../body';
import { registers } from '../program';
import type { Operand, PendingCall } from '../task';
import { kernelScratch } from '../task';
import type { EngineValue } from '../value';
import type { Tape } from './tape';

/** The ends of a chunk, and its length. */
export const begin: Operand = { register: registers.begin };
export const end: Operand = { register: registers.end };
export const count: Operand = { register: registers.count };

/** Rows that a thread takes at a time of a dense layer. */
export const rowsPerChunk = 384;
/** Tokens that a thread takes at a time where little is computed. */
export const tokensPerChunk = 4096;

/** Makes the calls. */
export interface Calls {
  /** A product with all its columns. */
  gemm(
    operands: readonly [x: Operand, packed: Operand, y: Operand],
    bias: EngineValue | null,
    residual: EngineValue | null,
    hasGelu: boolean,
    range: readonly [begin: Operand, end: Operand],
    depth: number,
    columns: number,
    rows: number,
  ): PendingCall;
  layerNorm(
    x: Operand,
    norm: NormWeights<EngineValue>,
    y: Operand,
    range: readonly [begin: Operand, end: Operand],
    channels: number,
  ): PendingCall;
  /** The same on rows of windows, gathered by `index`, or as they lie where it is 0. */
  normOperands(
    x: Operand,
    norm: NormWeights<EngineValue>,
    index: Operand,
    y: Operand,
    channels: number,
    pad: number,
  ): BodyOperand[];
}

/** Calls that read weights and addresses from a tape. */
export function createCalls({ weights, address }: Tape, kernels: WasmKernels): Calls {
  return {
    gemm: ([x, packed, y], bias, residual, hasGelu, [rowBegin, rowEnd], depth, columns, rows) => ({
      kernel: 'gemm',
      operands: [
        x,
        packed,
        y,
        bias === null ? 0 : weights.plain(bias),
        residual === null ? 0 : address(residual),
        0,
        rowBegin,
        rowEnd,
        depth,
        columns,
        hasGelu ? 1 : 0,
        kernelScratch,
      ],
      scratchBytes: kernels.gemmScratchBytes(depth),
      macs: rows * depth * columns,
    }),
    layerNorm: (x, norm, y, [from, to], channels) => ({
      kernel: 'layerNorm',
      operands: [
        x,
        weights.plain(norm.weight),
        weights.plain(norm.bias),
        0,
        y,
        from,
        to,
        channels,
        layerNormEpsilon,
        0,
      ],
    }),
    normOperands: (x, norm, index, y, channels, pad) => [
      x,
      weights.plain(norm.weight),
      weights.plain(norm.bias),
      index,
      y,
      'begin',
      'end',
      channels,
      layerNormEpsilon,
      pad,
    ],
  };
}
