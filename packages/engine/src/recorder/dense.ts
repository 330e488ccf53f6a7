/** `DenseOps` as tasks: what heads on a backbone need, on whole maps. */

import type { WasmKernels } from '@sparsevit/kernels-wasm/binary';
import type { DenseOps } from '@sparsevit/windows';
import {
  checkAddShape,
  checkConcatenateShape,
  checkConvolutionShape,
  checkGroupNormShape,
  checkPoolToShape,
  checkUpsampleShape,
} from '@sparsevit/windows';
import { registers } from '../program';
import type { Address, Operand, PendingCall } from '../task';
import { at } from '../task';
import type { EngineValue, Local } from '../value';
import { sizeOf } from '../value';
import type { Calls } from './calls';
import { begin, count, end, rowsPerChunk } from './calls';
import type { Tape } from './tape';

const groupNormEpsilon = 1e-5;
/** Values that a thread takes at a time. */
const valuesPerChunk = 2 ** 17;
/** Parts of cells that a thread takes at a time: of an image's only cell each may be as long as the map. */
const cellPartsPerChunk = 64;

/** The operations of heads. */
export function createDenseOps(
  { weights, address, makeValue, addTask, evenChunks }: Tape,
  { gemm }: Calls,
  kernels: WasmKernels,
): DenseOps<EngineValue> {
  /** An operation on each value. */
  const valuewise = (name: string, kernel: keyof WasmKernels, inputs: readonly EngineValue[]): EngineValue => {
    const shape = inputs[0]?.shape ?? [];
    const y = makeValue(name, shape);
    addTask({
      name,
      calls: [{ kernel, operands: [...inputs.map(address), address(y), begin, end] }],
      count: sizeOf(shape),
      ...evenChunks(sizeOf(shape), valuesPerChunk, 16),
    });
    return y;
  };
  return {
    convolution(x, weight, bias) {
      const shape = checkConvolutionShape(x.shape, weight.shape, bias?.shape);
      const [batch, height, width, columns] = shape;
      const [side = 1, , channels = 1] = weight.shape;
      const y = makeValue('convolution', shape);
      const tokens = batch * height * width;
      const packed = weights.packed(weight);
      if (side === 1) {
        addTask({
          name: 'convolution',
          calls: [gemm([address(x), packed, address(y)], bias, null, false, [begin, end], channels, columns, tokens)],
          count: tokens,
          ...evenChunks(tokens, rowsPerChunk, 12),
        });
        return y;
      }
      const depth = side * side * channels;
      const rows: Local = { kind: 'local', name: 'neighbourhoods', unit: 'row', bytesPerUnit: depth * 4 };
      const moved = (operand: Operand, bytesPerRow: number): Operand => ({
        ...(operand as Address), // of a map
        register: registers.begin,
        scale: bytesPerRow,
      });
      addTask({
        name: 'convolution',
        calls: [
          {
            kernel: 'neighbourhoodRows',
            operands: [address(x), moved(at(rows), -depth * 4), begin, end, height, width, channels],
          },
          gemm(
            [at(rows), packed, moved(address(y), columns * 4)],
            bias,
            null,
            false,
            [0, count],
            depth,
            columns,
            tokens,
          ),
        ],
        count: tokens,
        ...evenChunks(tokens, rowsPerChunk, 12),
      });
      return y;
    },

    groupNorm(x, weight, bias, groups) {
      const shape = checkGroupNormShape(x.shape, weight.shape, bias.shape, groups);
      const [batch, height, width, channels] = shape;
      const tokens = height * width;
      const scales = makeValue('groupNorm scales', [batch, 2, channels]);
      const y = makeValue('groupNorm', shape);
      addTask({
        name: 'groupNorm scales',
        calls: [
          {
            kernel: 'groupNormScales',
            operands: [
              address(x),
              weights.plain(weight),
              address(scales),
              begin,
              end,
              tokens,
              channels,
              groups,
              groupNormEpsilon,
            ],
          },
        ],
        count: batch * groups,
        chunk: 1,
      });
      addTask({
        name: 'groupNorm',
        calls: [
          {
            kernel: 'scaleRows',
            operands: [address(x), address(scales), weights.plain(bias), address(y), begin, end, tokens, channels],
          },
        ],
        count: batch * tokens,
        ...evenChunks(batch * tokens, 4 * rowsPerChunk, 1),
      });
      return y;
    },

    upsample(x, height, width) {
      const shape = checkUpsampleShape(x.shape, height, width);
      const [batch, , , channels] = shape;
      const [, heightBefore = 1, widthBefore = 1] = x.shape;
      const y = makeValue('upsample', shape);
      addTask({
        name: 'upsample',
        calls: [
          {
            kernel: 'upsample',
            operands: [address(x), address(y), begin, end, heightBefore, widthBefore, height, width, channels],
          },
        ],
        count: batch * height,
        ...evenChunks(batch * height, 16, 1),
      });
      return y;
    },

    poolTo(x, height, width) {
      const shape = checkPoolToShape(x.shape, height, width);
      const [batch, , , channels] = shape;
      const [, heightBefore = 1, widthBefore = 1] = x.shape;
      const y = makeValue('poolTo', shape);
      const parts = batch * height * width * kernels.poolBlocks(channels);
      addTask({
        name: 'poolTo',
        calls: [
          {
            kernel: 'poolCells',
            operands: [address(x), address(y), begin, end, heightBefore, widthBefore, height, width, channels],
          },
        ],
        count: parts,
        ...evenChunks(parts, cellPartsPerChunk, 1),
      });
      return y;
    },

    concatenate(parts) {
      const shape = checkConcatenateShape(parts.map(({ shape }) => shape));
      const [batch, height, width, channels] = shape;
      const y = makeValue('concatenate', shape);
      const tokens = batch * height * width;
      const calls: PendingCall[] = [];
      let first = 0;
      for (const part of parts) {
        const own = part.shape[3] ?? 0;
        calls.push({
          kernel: 'copyColumns',
          operands: [address(part), address(y), begin, end, first, own, channels],
        });
        first += own;
      }
      addTask({ name: 'concatenate', calls, count: tokens, ...evenChunks(tokens, rowsPerChunk, 1) });
      return y;
    },

    add(a, b) {
      checkAddShape(a.shape, b.shape);
      return valuewise('add', 'addValues', [a, b]);
    },

    relu: (x) => valuewise('relu', 'relu', [x]),
  };
}
