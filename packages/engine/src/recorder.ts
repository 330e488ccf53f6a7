/**
 * The recorder: `WindowOps` that compute nothing and write down what is to be done. Every shape is known when a plan is made; which windows
 * are kept is data.
 */

import type { WasmKernels } from '@sparsevit/kernels-wasm/binary';
import type { DenseOps, Selection, WindowBatch, WindowGrid, WindowOps } from '@sparsevit/windows';
import {
  BackendError,
  checkGivenWindows,
  checkLayerNormShape,
  checkLinearShape,
  checkMapWindowsShape,
  checkPatchEmbedShape,
  checkPatchMergingShape,
  checkSelectWindowsShape,
  checkWindowAttentionShape,
  checkWindowScoresShape,
  layerNormEpsilon,
} from '@sparsevit/windows';
import type { BodyCall, BodyOperand, BodyWindows, Domain } from './body';
import { bodyScratch, lowerBody } from './body';
import { createDenseOps } from './dense-recorder';
import type { Heap } from './memory';
import { registers } from './program';
import type { Operand, PendingCall, PendingTask } from './task';
import { at, buffersOf, kernelScratch } from './task';
import type { Buffer, EngineValue, Local, Weight } from './value';
import { sizeOf } from './value';
import type { WeightStore } from './weights';

/** What was recorded. */
export interface Recording {
  readonly tasks: readonly PendingTask[];
  readonly buffers: readonly Buffer[];
  readonly image: Buffer;
  /** Blocks of the heap that belong to this recording. */
  readonly constants: readonly number[];
  /** The weights that it reads: they must be in use when it runs. */
  readonly weights: ReadonlySet<Weight>;
}

/** Everything that can be traced: a backbone and the heads on it. */
export type EngineOps = WindowOps<EngineValue> & DenseOps<EngineValue>;

/** A recorder: its ops, and the beginning and end of a recording. */
export interface Recorder {
  readonly ops: EngineOps;
  /** Begins a recording for images of a shape. */
  begin(shape: readonly [number, number, number, number]): EngineValue;
  /** Ends it; `outputs` are read when a run is over. */
  end(outputs: readonly EngineValue[]): Recording;
  /** Ends it without a result and gives its constants back. */
  abandon(): void;
}

/** What a recorder is made on. */
export interface RecorderOptions {
  readonly heap: Heap;
  readonly kernels: WasmKernels;
  readonly weights: WeightStore;
  readonly threads: number;
  /** Address of the masks of a shifted grid. */
  masksOf(window: number, shiftY: number, shiftX: number): number;
}

/** Windows of a body that is being recorded. */
interface EngineWindows extends WindowBatch<EngineValue> {
  readonly body: Body;
}

interface Body {
  readonly windows: BodyWindows;
  readonly map: EngineValue;
  readonly calls: BodyCall[];
  heads: number;
  isOpen: boolean;
}

/** What is recorded so far. */
interface OpenRecording {
  readonly tasks: PendingTask[];
  readonly buffers: Buffer[];
  readonly constants: number[];
  readonly weights: Set<Weight>;
  image: Buffer | null;
}

/** Rows that a thread takes at a time of a dense layer. */
const rowsPerChunk = 384;
/** Tokens that a thread takes at a time where little is computed. */
const tokensPerChunk = 4096;

const begin: Operand = { register: registers.begin };
const end: Operand = { register: registers.end };
const count: Operand = { register: registers.count };

/** Makes a recorder. */
export function createRecorder({ heap, kernels, weights: store, threads, masksOf }: RecorderOptions): Recorder {
  let open: OpenRecording | null = null;
  let body: Body | null = null;
  let mapped = 0;

  /** Which body a local value belongs to. */
  const owners = new WeakMap<Local, Body>();

  const recording = (): OpenRecording => {
    if (open === null) {
      throw new BackendError(
        'engine: expected operations inside of compile(), got one outside. The engine computes nothing at once: give compile() a function that runs the forward.',
      );
    }
    return open;
  };
  const makeBuffer = (name: string, bytes: number): Buffer => {
    const buffer: Buffer = { kind: 'buffer', name, bytes, firstTask: Infinity, lastTask: -1, offset: 0 };
    recording().buffers.push(buffer);
    return buffer;
  };
  /** Notes that a weight is read, and gives its address. */
  const using = (address: (weight: EngineValue) => number): ((weight: EngineValue) => number) => {
    return (weight) => {
      const { weights: used } = recording();
      if (weight.place.kind === 'weight') used.add(weight.place);
      return address(weight);
    };
  };
  const weights = {
    plain: using(store.plain),
    packed: using(store.packed),
    positionBias: (table: EngineValue, window: number): number =>
      using((weight) => store.positionBias(weight, window))(table),
  };
  const addTask = (task: PendingTask): void => {
    const { tasks } = recording();
    for (const buffer of buffersOf(task)) {
      buffer.firstTask = Math.min(buffer.firstTask, tasks.length);
      buffer.lastTask = Math.max(buffer.lastTask, tasks.length);
    }
    tasks.push(task);
  };
  const makeValue = (name: string, shape: readonly number[], type: EngineValue['type'] = 'float32'): EngineValue => ({
    place: makeBuffer(name, sizeOf(shape) * 4),
    shape,
    type,
  });
  const local = (owner: Body, name: string, shape: readonly number[], hasPadRow = false): EngineValue => {
    const place: Local = { kind: 'local', name, unit: 'row', bytesPerUnit: (shape[1] ?? 1) * 4 };
    owners.set(place, owner);
    return { place, shape, type: 'float32', hasPadRow };
  };
  /** The address of a computed value. */
  const address = ({ place }: EngineValue): Operand => {
    if (place.kind === 'buffer' || place.kind === 'local') return at(place);
    if (place.kind === 'constant') return place.address;
    throw new BackendError(`engine: expected a value that the plan computes, got the weight ${place.key}.`);
  };
  const bufferOf = ({ place }: EngineValue): Buffer => {
    if (place.kind === 'buffer') return place;
    throw new BackendError(
      'engine: expected a map or rows of a whole image, got rows of windows. Use them inside mapWindows only.',
    );
  };
  /** The body that rows belong to; null for a map or rows of a whole image. */
  const bodyOf = ({ place }: EngineValue): Body | null => {
    if (place.kind !== 'local') return null;
    if (body === null || owners.get(place) !== body) {
      throw new BackendError(
        'engine: expected rows of windows to stay inside of their mapWindows, got a use outside. Return them from the body.',
      );
    }
    return body;
  };
  const addCall = (
    to: Body,
    kernel: BodyCall['kernel'],
    domain: Domain,
    operands: readonly BodyOperand[],
    more: Partial<Pick<BodyCall, 'scratchBytes' | 'columns' | 'macsPerUnit'>> = {},
  ): void => {
    to.calls.push({ kernel, domain, operands, columns: 0, macsPerUnit: 0, ...more });
  };
  const windowsOf = (batch: WindowBatch<EngineValue>): EngineWindows => {
    const windows = batch as EngineWindows;
    if (windows.body !== body || !windows.body.isOpen) {
      throw new BackendError(
        'engine: expected the windows of the body that runs, got those of another. Use them inside mapWindows only.',
      );
    }
    return windows;
  };
  const copyOf = (x: EngineValue, name: string): EngineValue => {
    const copy = makeValue(name, x.shape);
    addTask({
      name: `${name} copy`,
      calls: [{ kernel: 'copyValues', operands: [address(x), address(copy), begin, end] }],
      count: sizeOf(x.shape),
      chunk: 2 ** 18,
    });
    return copy;
  };

  /** The operations. */
  const windowOps: WindowOps<EngineValue> = {
    fromWeights: (values, shape, key) => store.take(values, shape, key),
    freeWeight: (weight) => store.free(weight),
    shapeOf: ({ shape }) => shape,
    scope: (run) => run(),
    release() {}, // lives end with the last use

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
          layerNormCall(
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
          layerNormCall(at(neighbours), norm, at(normed), [0, count], depth),
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

    layerNorm(x, norm) {
      checkLayerNormShape(x.shape, norm.weight.shape, norm.bias.shape);
      const channels = x.shape[x.shape.length - 1] ?? 0;
      const inside = bodyOf(x);
      if (inside !== null) {
        const y = local(inside, 'normed', x.shape, x.hasPadRow);
        addCall(
          inside,
          'layerNorm',
          x.hasPadRow ? 'rows and pad' : 'rows',
          normOperands(address(x), norm, 0, address(y), channels, 0),
        );
        return y;
      }
      const y = makeValue('normed', x.shape);
      const rows = sizeOf(x.shape) / channels;
      addTask({
        name: 'layerNorm',
        calls: [layerNormCall(address(x), norm, address(y), [begin, end], channels)],
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
      const inside = bodyOf(x);
      if (residual !== undefined && bodyOf(residual) !== inside) {
        throw new BackendError('linear: expected a residual that belongs to the same rows, got one of others.');
      }
      const given = [address(x), weights.packed(weight)] as const;
      const scratchBytes = kernels.gemmScratchBytes(depth);
      if (inside !== null) {
        const y = local(inside, 'rows', shape, x.hasPadRow);
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
        calls: [gemm([...given, address(y)], bias, residual ?? null, gelu, [begin, end], depth, columns, rows)],
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

    magnitude(x, score) {
      const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
      const importance = makeValue('importance', [batch, height, width]);
      const tokens = batch * height * width;
      addTask({
        name: 'magnitude',
        calls: [
          {
            kernel: 'magnitude',
            operands: [address(x), address(importance), begin, end, channels, score === 'l2' ? 1 : 0],
          },
        ],
        count: tokens,
        ...evenChunks(tokens, tokensPerChunk, 1),
      });
      return importance;
    },

    windowScores(importance, grid, pads) {
      const shape = checkWindowScoresShape(importance.shape, grid);
      const scores = makeValue('scores', shape);
      const { height, width, window, shiftY, shiftX, shift } = grid;
      addTask({
        name: 'windowScores',
        calls: [
          {
            kernel: 'windowScores',
            operands: [
              address(importance),
              address(scores),
              begin,
              end,
              height,
              width,
              window,
              shiftY,
              shiftX,
              shift === 'roll-then-pad' ? 1 : 0,
              pads === 'left-out' ? 1 : 0,
            ],
          },
        ],
        count: sizeOf(shape),
        ...evenChunks(sizeOf(shape), 1024, 1),
      });
      return scores;
    },

    selectWindows(scores, grid, budget) {
      const { batch, windowsPerImage } = grid;
      if (budget.kind === 'threshold') {
        checkSelectWindowsShape(scores.shape, grid, 0);
        const total = makeBuffer('kept', 4);
        const ids: EngineValue = {
          place: makeBuffer('ids', batch * windowsPerImage * 4),
          shape: [batch * windowsPerImage],
          type: 'int32',
          count: total,
        };
        addTask({
          name: 'selectWindows',
          calls: [
            {
              kernel: 'windowsAboveThreshold',
              operands: [
                address(scores),
                address(ids),
                batch,
                windowsPerImage,
                budget.threshold,
                grid.window,
                budget.minKept,
                at(total),
                kernelScratch,
              ],
              scratchBytes: 3 * windowsPerImage * 4,
            },
          ],
          count: 1,
        });
        return { kind: 'counted', ids };
      }
      const { keptPerImage } = budget;
      const shape = checkSelectWindowsShape(scores.shape, grid, keptPerImage);
      if (keptPerImage === 0) return { kind: 'topk', ids: null, keptPerImage };
      const ids = makeValue('ids', shape, 'int32');
      addTask({
        name: 'selectWindows',
        calls: [
          {
            kernel: 'selectWindows',
            operands: [
              at(bufferOf(scores), { register: registers.begin, scale: windowsPerImage * 4 }),
              at(bufferOf(ids), { register: registers.begin, scale: keptPerImage * 4 }),
              windowsPerImage,
              keptPerImage,
              kernelScratch,
            ],
            scratchBytes: 2 * windowsPerImage * 4,
          },
        ],
        count: batch,
        chunk: 1,
      });
      return { kind: 'topk', ids, keptPerImage };
    },

    prefix(selection, keptPerImage) {
      if (selection.kind !== 'topk' || keptPerImage >= selection.keptPerImage) return selection;
      const { ids } = selection;
      if (ids === null || keptPerImage === 0) return { kind: 'topk', ids: null, keptPerImage: 0 };
      const [batch = 0, kept = 0] = ids.shape;
      const first: EngineValue = { ...ids, shape: [batch, keptPerImage], rowStride: ids.rowStride ?? kept };
      return { kind: 'topk', ids: first, keptPerImage };
    },

    givenWindows(ids, grid, keptPerImage) {
      const shape = checkGivenWindows(ids, grid, keptPerImage);
      if (keptPerImage === 0) return { kind: 'topk', ids: null, keptPerImage };
      const block = heap.allocate(ids.length * 4);
      recording().constants.push(block);
      heap.int32(block, ids.length).set(ids);
      return { kind: 'topk', ids: { place: { kind: 'constant', address: block }, shape, type: 'int32' }, keptPerImage };
    },

    mapWindows(x, selection, grid, run, options = {}) {
      const shape = checkMapWindowsShape(x.shape, grid);
      if (selection.kind !== 'all' && selection.ids === null) return x;
      if (body !== null)
        throw new BackendError('mapWindows: expected bodies one after the other, got one inside another.');
      const channels = shape[3];
      const name = `windows ${mapped++}`;
      const windows = bodyWindows(selection, grid);
      const isInPlace = options.takesMap === true;
      const target = isInPlace
        ? x
        : selection.kind === 'all'
          ? makeValue(`${name} map`, shape)
          : copyOf(x, `${name} map`);
      const own: Body = { windows, map: x, calls: [], heads: 0, isOpen: true };
      const tokens = local(own, 'tokens', [windows.windows * grid.tokensPerWindow, channels]);
      addCall(own, 'gatherRows', 'rows', [address(x), at(windows.index), address(tokens), 'begin', 'end', channels]);
      body = own;
      try {
        const batch: EngineWindows = { grid, tokens, body: own };
        const result = run(batch);
        if (bodyOf(result) !== own || result.shape[0] !== tokens.shape[0] || result.shape[1] !== channels) {
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
      } finally {
        body = null;
        own.isOpen = false;
      }
      for (const task of lowerBody(name, { ...windows, heads: own.heads }, own.calls, threads, makeBuffer))
        addTask(task);
      return target;
    },

    normWindows(batch, norm) {
      const { body: own, tokens } = windowsOf(batch);
      const { grid, index } = own.windows;
      const [rows = 0, channels = 0] = tokens.shape;
      checkLayerNormShape(tokens.shape, norm.weight.shape, norm.bias.shape);
      const y = local(own, 'normed', [rows + (grid.isPadded ? 1 : 0), channels], grid.isPadded);
      addCall(own, 'layerNorm', 'rows', normOperands(address(own.map), norm, at(index), address(y), channels, 0));
      if (grid.isPadded) {
        const pad = grid.pad === 'before-norm' ? 1 : 2; // norm(0) is the bias
        const row = { afterRows: y.place as Local, bytesPerRow: channels * 4 };
        addCall(own, 'padRow', 'once', [row, weights.plain(norm.bias), channels, pad]);
      }
      return y;
    },

    windowAttention(batch, qkv, biasTable) {
      const { body: own, tokens } = windowsOf(batch);
      const { grid, windows, slots, classes } = own.windows;
      const rows = windows * grid.tokensPerWindow;
      const { channels, heads } = checkWindowAttentionShape(
        qkv.shape,
        biasTable.shape,
        grid,
        rows + (grid.isPadded ? 1 : 0),
      );
      if (bodyOf(qkv) !== own || (own.heads !== 0 && own.heads !== heads)) {
        throw new BackendError(
          `windowAttention: expected rows of its windows and the same ${own.heads || heads} heads in all of a body, got ${heads} heads of others.`,
        );
      }
      own.heads = heads;
      const attended = local(own, 'attended', [tokens.shape[0] ?? 0, channels]);
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

  /** What tasks on the windows of a selection need to know. */
  const bodyWindows = (selection: Selection<EngineValue>, grid: WindowGrid): BodyWindows => {
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
  };

  /** A product with all its columns. */
  const gemm = (
    [x, packed, y]: readonly [Operand, Operand, Operand],
    bias: EngineValue | null,
    residual: EngineValue | null,
    hasGelu: boolean,
    [rowBegin, rowEnd]: readonly [Operand, Operand],
    depth: number,
    columns: number,
    rows: number,
  ): PendingCall => ({
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
  });

  const normOperands = (
    x: Operand,
    norm: { weight: EngineValue; bias: EngineValue },
    index: Operand,
    y: Operand,
    channels: number,
    pad: number,
  ): BodyOperand[] => [
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
  ];

  const layerNormCall = (
    x: Operand,
    norm: { weight: EngineValue; bias: EngineValue },
    y: Operand,
    [from, to]: readonly [Operand, Operand],
    channels: number,
  ): PendingCall => ({
    kernel: 'layerNorm',
    operands: [x, weights.plain(norm.weight), weights.plain(norm.bias), 0, y, from, to, channels, layerNormEpsilon, 0],
  });

  /** Chunks of at most `most` rows, but enough of them for all threads. */
  const evenChunks = (total: number, most: number, multiple: number): { chunk: number; chunkRows: number } => {
    const share = threads === 1 ? most : Math.ceil(total / (threads * 4));
    const chunk = Math.max(multiple, Math.ceil(Math.min(most, share) / multiple) * multiple);
    return { chunk, chunkRows: chunk };
  };

  const close = (): void => {
    open = null;
    body = null;
    mapped = 0;
  };

  const denseOps = createDenseOps({ kernels, weights, address, makeValue, addTask, evenChunks, gemm });

  return {
    ops: { ...windowOps, ...denseOps },
    begin(shape) {
      if (open !== null) {
        throw new BackendError(
          'compile: expected one recording at a time, got one inside another. Compile plans one after the other.',
        );
      }
      open = { tasks: [], buffers: [], constants: [], weights: new Set(), image: null };
      const image = makeValue('image', shape);
      const place = bufferOf(image);
      place.firstTask = -1;
      open.image = place;
      return image;
    },
    end(outputs) {
      const { tasks, buffers, constants, image, weights: used } = recording();
      if (image === null) throw new BackendError('compile: expected a recording that was begun, got none.');
      for (const { place, count: counted } of outputs) {
        // read after the last task
        if (place.kind === 'buffer') place.lastTask = tasks.length;
        if (counted !== undefined) counted.lastTask = tasks.length;
      }
      close();
      // what no task touches needs no place
      return {
        tasks,
        buffers: buffers.filter((buffer) => buffer === image || buffer.lastTask >= 0),
        constants,
        image,
        weights: used,
      };
    },
    abandon() {
      for (const block of open?.constants ?? []) heap.free(block);
      close();
    },
  };
}

function trainingOnly(what: string): BackendError {
  return new BackendError(
    `engine: expected a forward for inference, got ${what}, which only training needs. Train on TensorFlow.js with createTensorOps().`,
  );
}
