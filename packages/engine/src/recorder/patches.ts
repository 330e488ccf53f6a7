/** From pixels to tokens, and from four tokens to one: rows are gathered, normalised and multiplied chunk by chunk. */

import type { WindowOps } from '@sparsevit/windows';
import { checkPatchEmbedShape, checkPatchMergingShape } from '@sparsevit/windows';
import { registers } from '../program';
import { at } from '../task';
import type { EngineValue, Local } from '../value';
import type { Calls } from './calls';
import { begin, count, end, rowsPerChunk } from './calls';
import type { Tape } from './tape';

/** The operations that change the size of a map. */
export function createPatchOps(
  { weights, address, bufferOf, makeValue, addTask, evenChunks }: Tape,
  { gemm, layerNorm }: Calls,
): Pick<WindowOps<EngineValue>, 'patchEmbed' | 'patchMerging'> {
  return {
    patchEmbed(image, { projection, norm }, options) {
      const shape = checkPatchEmbedShape(image.shape, projection.weight.shape, options);
      const [batch, rows, columns, channels] = shape;
      const [, height = 0, width = 0, depthOfPixel = 0] = image.shape;
      const { patchSize } = options;
      const depth = patchSize * patchSize * depthOfPixel;
      const map = makeValue('patches', shape);
      const pixels: Local = { kind: 'local', name: 'pixels', unit: 'row', bytesPerUnit: depth * 4 };
      const product: Local = { kind: 'local', name: 'product', unit: 'row', bytesPerUnit: channels * 4 };
      const tokens = batch * rows * columns;
      addTask({
        name: 'patchEmbed',
        calls: [
          {
            kernel: 'patchRows',
            operands: [
              address(image),
              at(pixels, { register: registers.begin, scale: -depth * 4 }),
              begin,
              end,
              height,
              width,
              rows,
              columns,
              patchSize,
              depthOfPixel,
            ],
          },
          gemm(
            [at(pixels), weights.packed(projection.weight), at(product)],
            projection.bias,
            null,
            false,
            [0, count],
            depth,
            channels,
            tokens,
          ),
          layerNorm(
            at(product),
            norm,
            at(bufferOf(map), { register: registers.begin, scale: channels * 4 }),
            [0, count],
            channels,
          ),
        ],
        count: tokens,
        ...evenChunks(tokens, rowsPerChunk, 1),
      });
      return map;
    },

    patchMerging(x, { norm, reduction }) {
      const shape = checkPatchMergingShape(x.shape, reduction.weight.shape);
      const [batch, rows, columns, channels] = shape;
      const [, height = 0, width = 0, channelsBefore = 0] = x.shape;
      const depth = 4 * channelsBefore;
      const map = makeValue('merged', shape);
      const neighbours: Local = { kind: 'local', name: 'neighbours', unit: 'row', bytesPerUnit: depth * 4 };
      const normed: Local = { kind: 'local', name: 'normed', unit: 'row', bytesPerUnit: depth * 4 };
      const tokens = batch * rows * columns;
      addTask({
        name: 'patchMerging',
        calls: [
          {
            kernel: 'mergeRows',
            operands: [
              address(x),
              at(neighbours, { register: registers.begin, scale: -depth * 4 }),
              begin,
              end,
              height,
              width,
              channelsBefore,
            ],
          },
          layerNorm(at(neighbours), norm, at(normed), [0, count], depth),
          gemm(
            [
              at(normed),
              weights.packed(reduction.weight),
              at(bufferOf(map), { register: registers.begin, scale: channels * 4 }),
            ],
            reduction.bias,
            null,
            false,
            [0, count],
            depth,
            channels,
            tokens,
          ),
        ],
        count: tokens,
        ...evenChunks(tokens, rowsPerChunk, 12),
      });
      return map;
    },
  };
}
