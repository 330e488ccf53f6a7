/** Layers on rows: those of windows become calls of the body that is open, those of a whole image tasks of their own. */

import type { WasmKernels } from '@sparsevit/kernels-wasm/binary';
import type { WindowOps } from '@sparsevit/windows';
import { BackendError, checkLayerNormShape, checkLinearShape } from '@sparsevit/windows';
import { bodyScratch } from '../body';
import type { EngineValue } from '../value';
import { sizeOf } from '../value';
import type { Bodies } from './bodies';
import { addCall } from './bodies';
import type { Calls } from './calls';
import { begin, end, rowsPerChunk, tokensPerChunk } from './calls';
import type { Tape } from './tape';
import { trainingOnly } from './training-only';

/** The operations on rows, and the mean over those of an image. */
export function createRowOps(
  { weights, address, makeValue, addTask, evenChunks }: Tape,
  bodies: Bodies,
  calls: Calls,
  kernels: WasmKernels,
): Pick<WindowOps<EngineValue>, 'layerNorm' | 'linear' | 'averagePool'> {
  return {
    layerNorm(x, norm) {
      checkLayerNormShape(x.shape, norm.weight.shape, norm.bias.shape);
      const channels = x.shape[x.shape.length - 1] ?? 0;
      const inside = bodies.of(x);
      if (inside !== null) {
        const y = bodies.local(inside, 'normed', x.shape, x.hasPadRow);
        addCall(
          inside,
          'layerNorm',
          x.hasPadRow ? 'rows and pad' : 'rows',
          calls.normOperands(address(x), norm, 0, address(y), channels, 0),
        );
        return y;
      }
      const y = makeValue('normed', x.shape);
      const rows = sizeOf(x.shape) / channels;
      addTask({
        name: 'layerNorm',
        calls: [calls.layerNorm(address(x), norm, address(y), [begin, end], channels)],
        count: rows,
        ...evenChunks(rows, tokensPerChunk, 1),
      });
      return y;
    },

    linear(x, { weight, bias }, epilogue = {}) {
      const { residual, gelu = false, scale } = epilogue;
      const shape = checkLinearShape(x.shape, weight.shape, {
        bias: bias?.shape,
        residual: residual?.shape,
        scale: scale?.shape,
      });
      if (scale !== undefined) throw trainingOnly('linear with a scale');
      const [rows, columns] = shape;
      const depth = x.shape[1] ?? 0;
      const inside = bodies.of(x);
      if (residual !== undefined && bodies.of(residual) !== inside) {
        throw new BackendError('linear: expected a residual that belongs to the same rows, got one of others.');
      }
      const given = [address(x), weights.packed(weight)] as const;
      const scratchBytes = kernels.gemmScratchBytes(depth);
      if (inside !== null) {
        const y = bodies.local(inside, 'rows', shape, x.hasPadRow);
        const biasAt = bias === null ? 0 : weights.plain(bias);
        const residualAt = residual === undefined ? 0 : address(residual);
        addCall(
          inside,
          'gemmColumns',
          x.hasPadRow ? 'rows and pad' : 'rows',
          [
            ...given,
            address(y),
            biasAt,
            residualAt,
            0,
            'begin',
            'end',
            depth,
            columns,
            gelu ? 1 : 0,
            bodyScratch,
            'columnBegin',
            'columnEnd',
          ],
          { scratchBytes, columns, macsPerUnit: depth * columns },
        );
        return y;
      }
      const y = makeValue('rows', shape);
      addTask({
        name: 'linear',
        calls: [calls.gemm([...given, address(y)], bias, residual ?? null, gelu, [begin, end], depth, columns, rows)],
        count: rows,
        ...evenChunks(rows, rowsPerChunk, 12),
      });
      return y;
    },

    averagePool(x) {
      const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
      const pooled = makeValue('pooled', [batch, channels]);
      addTask({
        name: 'averagePool',
        calls: [
          { kernel: 'averagePool', operands: [address(x), address(pooled), begin, end, height * width, channels] },
        ],
        count: batch,
        chunk: 1,
      });
      return pooled;
    },
  };
}
