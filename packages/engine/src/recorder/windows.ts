/** Blocks on windows: a body is recorded once, call by call, and then made into tasks. */

import type { WasmKernels } from '@sparsevit/kernels-wasm/binary';
import type { Selection, WindowGrid, WindowOps } from '@sparsevit/windows';
import { BackendError, checkLayerNormShape, checkMapWindowsShape, checkWindowAttentionShape } from '@sparsevit/windows';
import type { BodyWindows } from '../body';
import { bodyScratch, lowerBody } from '../body';
import { at } from '../task';
import type { EngineValue, Local } from '../value';
import { sizeOf } from '../value';
import type { Bodies, Body, EngineWindows } from './bodies';
import { addCall } from './bodies';
import type { Calls } from './calls';
import { begin, end } from './calls';
import type { Tape } from './tape';
import { trainingOnly } from './training-only';

/** What windows need beside the tape. */
export interface WindowContext {
  readonly bodies: Bodies;
  readonly calls: Calls;
  readonly kernels: WasmKernels;
  /** Address of the masks of a shifted grid. */
  masksOf(window: number, shiftY: number, shiftX: number): number;
}

/** The operations on windows. */
export function createBodyOps(
  tape: Tape,
  { bodies, calls, kernels, masksOf }: WindowContext,
): Pick<WindowOps<EngineValue>, 'mapWindows' | 'normWindows' | 'windowAttention' | 'expandPerImage'> {
  const { threads, weights, address, makeBuffer, makeValue, addTask } = tape;
  return {
    mapWindows(x, selection, grid, run, options = {}) {
      const shape = checkMapWindowsShape(x.shape, grid);
      if (selection.kind !== 'all' && selection.ids === null) return x;
      if (bodies.current !== null)
        throw new BackendError('mapWindows: expected bodies one after the other, got one inside another.');
      const channels = shape[3];
      const name = bodies.nextName();
      const windows = bodyWindows(tape, selection, grid);
      const isInPlace = options.takesMap === true;
      const target = isInPlace
        ? x
        : selection.kind === 'all'
          ? makeValue(`${name} map`, shape)
          : copyOf(tape, x, `${name} map`);
      const own: Body = { windows, map: x, calls: [], heads: 0, isOpen: true };
      const tokens = bodies.local(own, 'tokens', [windows.windows * grid.tokensPerWindow, channels]);
      addCall(own, 'gatherRows', 'rows', [address(x), at(windows.index), address(tokens), 'begin', 'end', channels]);
      bodies.within(own, () => {
        const batch: EngineWindows = { grid, tokens, body: own };
        const result = run(batch);
        if (bodies.of(result) !== own || result.shape[0] !== tokens.shape[0] || result.shape[1] !== channels) {
          throw new BackendError(
            `mapWindows: expected a body that returns the rows of its tokens [${tokens.shape.join(', ')}], got [${result.shape.join(', ')}].`,
          );
        }
        addCall(own, 'scatterRows', 'rows', [
          address(result),
          at(windows.index),
          address(target),
          'begin',
          'end',
          channels,
        ]);
      });
      for (const task of lowerBody(name, { ...windows, heads: own.heads }, own.calls, threads, makeBuffer))
        addTask(task);
      return target;
    },

    normWindows(batch, norm) {
      const { body: own, tokens } = bodies.windowsOf(batch);
      const { grid, index } = own.windows;
      const [rows = 0, channels = 0] = tokens.shape;
      checkLayerNormShape(tokens.shape, norm.weight.shape, norm.bias.shape);
      const y = bodies.local(own, 'normed', [rows + (grid.isPadded ? 1 : 0), channels], grid.isPadded);
      addCall(own, 'layerNorm', 'rows', calls.normOperands(address(own.map), norm, at(index), address(y), channels, 0));
      if (grid.isPadded) {
        const pad = grid.pad === 'before-norm' ? 1 : 2; // norm(0) is the bias
        const row = { afterRows: y.place as Local, bytesPerRow: channels * 4 };
        addCall(own, 'padRow', 'once', [row, weights.plain(norm.bias), channels, pad]);
      }
      return y;
    },

    windowAttention(batch, qkv, biasTable) {
      const { body: own, tokens } = bodies.windowsOf(batch);
      const { grid, windows, slots, classes } = own.windows;
      const rows = windows * grid.tokensPerWindow;
      const { channels, heads } = checkWindowAttentionShape(
        qkv.shape,
        biasTable.shape,
        grid,
        rows + (grid.isPadded ? 1 : 0),
      );
      if (bodies.of(qkv) !== own || (own.heads !== 0 && own.heads !== heads)) {
        throw new BackendError(
          `windowAttention: expected rows of its windows and the same ${own.heads || heads} heads in all of a body, got ${heads} heads of others.`,
        );
      }
      own.heads = heads;
      const attended = bodies.local(own, 'attended', [tokens.shape[0] ?? 0, channels]);
      const masks = classes === null ? 0 : masksOf(grid.window, grid.shiftY, grid.shiftX);
      addCall(
        own,
        'windowAttentionHeads',
        'heads',
        [
          address(qkv),
          weights.positionBias(biasTable, grid.window),
          masks,
          slots === null ? 0 : at(slots),
          classes === null ? 0 : at(classes),
          address(attended),
          'begin',
          'end',
          grid.window,
          heads,
          channels,
          'rows',
          bodyScratch,
        ],
        {
          scratchBytes: kernels.attentionScratchBytes(grid.window, channels / heads),
          macsPerUnit: 2 * grid.tokensPerWindow * grid.tokensPerWindow * channels,
        },
      );
      return attended;
    },

    expandPerImage() {
      throw trainingOnly('expandPerImage');
    },
  };
}

/** What tasks on the windows of a selection need to know. */
function bodyWindows({ address }: Tape, selection: Selection<EngineValue>, grid: WindowGrid): BodyWindows {
  const list = (name: string, unit: Local['unit'], bytesPerUnit: number): Local => ({
    kind: 'local',
    name,
    unit,
    bytesPerUnit,
  });
  const isShifted = grid.shiftY > 0 || grid.shiftX > 0;
  const lists = {
    index: list('index', 'row', 4),
    slots: grid.isPadded ? list('slots', 'window', grid.tokensPerWindow * 4) : null,
    classes: isShifted ? list('classes', 'window', 4) : null,
  };
  const common = { grid, heads: 1, ...lists };
  const { batch, windowsPerImage } = grid;
  const ids = selection.kind === 'all' ? null : selection.ids;
  if (ids === null) {
    return { ...common, windows: batch * windowsPerImage, countFrom: undefined, ids: 0, kept: 0, stride: 0 };
  }
  if (selection.kind === 'counted') {
    return {
      ...common,
      windows: batch * windowsPerImage,
      countFrom: ids.count,
      ids: address(ids),
      kept: 0,
      stride: 0,
    };
  }
  const kept = ids.shape[1] ?? 0;
  return {
    ...common,
    windows: batch * kept,
    countFrom: undefined,
    ids: address(ids),
    kept,
    stride: ids.rowStride ?? kept,
  };
}

/** A map whose rows may be written over. */
function copyOf({ address, makeValue, addTask }: Tape, x: EngineValue, name: string): EngineValue {
  const copy = makeValue(name, x.shape);
  addTask({
    name: `${name} copy`,
    calls: [{ kernel: 'copyValues', operands: [address(x), address(copy), begin, end] }],
    count: sizeOf(x.shape),
    chunk: 2 ** 18,
  });
  return copy;
}
