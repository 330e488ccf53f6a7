/**
 * Moving rows of a matrix by index, with gradients. An index of -1 is a pad: it reads zeros and is not written. No other index is named
 * twice, so that the adjoint of a gather is a scatter that never adds, and of a scatter a gather.
 *
 * TensorFlow.js 4.22 has no gradients for `gatherND` and `tensorScatterUpdate`, its wasm `gather` is slow and wrong with batch dimensions,
 * and `gatherND` copies whole rows: the reference path is made of the ND forms.
 */

import { kernelNames } from '@sparsevit/windows';
import { hasKernels, isRecording, runKernel } from './kernels';
import type { Tensor, Tensor1D, Tensor2D } from './tensor';
import {
  add,
  cast,
  concat,
  customGrad,
  dispose,
  gatherND,
  getBackend,
  less,
  maximum,
  mul,
  reshape,
  scalar,
  scatterND,
  slice,
  tensorScatterUpdate,
  tidy,
  where,
  zeros,
  zerosLike,
} from './tensor';

const whole = (value: number): Tensor => scalar(value, 'int32');
const asIndices = (index: Tensor): Tensor2D => reshape(index, [index.size, 1]) as Tensor2D;
type Save = (tensors: Tensor[]) => void;

/** Which rows of an index are pads. */
export interface IndexPads {
  /** The index may hold -1. */
  readonly mayPad: boolean;
}

/** x [R, C], index [n] int32 -> [n, C], row `i` being `x[index[i]]`, or zeros for -1. Adjoint: a scatter onto zeros. */
export function gatherRows(x: Tensor2D, index: Tensor1D, pads: IndexPads): Tensor2D {
  if (!isRecording()) return gather(x, index, pads);
  const [count] = x.shape;
  return customGrad((x, save) => {
    (save as Save)([index]);
    return {
      value: gather(x as Tensor2D, index, pads),
      gradFunc: (dy: Tensor, saved: Tensor[]) => scatter(null, count, saved[0] as Tensor1D, dy as Tensor2D, pads),
    };
  })(x) as Tensor2D;
}

/**
 * base [R, C] with rows [n, C] written to `index` [n]; -1 drops its row. Without a base (every row is written, or else is 0) its `count`
 * of rows. Adjoints: dy without the written rows, and the rows of dy.
 */
export function scatterRows(
  base: Tensor2D | null,
  count: number,
  index: Tensor1D,
  rows: Tensor2D,
  pads: IndexPads,
): Tensor2D {
  if (!isRecording()) return scatter(base, count, index, rows, pads);
  const record = (base: Tensor2D | null, rows: Tensor2D, save: Save) => {
    save([index]);
    return {
      value: scatter(base, count, index, rows, pads),
      gradFunc: (dy: Tensor, saved: Tensor[]): Tensor[] => {
        const at = saved[0] as Tensor1D;
        const ofRows = gather(dy as Tensor2D, at, pads);
        return base === null ? [ofRows] : [scatter(dy as Tensor2D, count, at, null, pads), ofRows];
      },
    };
  };
  if (base === null) {
    return customGrad((rows, save) => {
      const { value, gradFunc } = record(null, rows as Tensor2D, save as unknown as Save);
      return { value, gradFunc: (dy: Tensor, saved: Tensor[]) => gradFunc(dy, saved) };
    })(rows) as Tensor2D;
  }
  return customGrad((base, rows, save) => record(base as Tensor2D, rows as Tensor2D, save as unknown as Save))(
    base,
    rows,
  ) as Tensor2D;
}

/**
 * Rows written into a map that the caller gives away: the map is disposed, and its memory is reused where a kernel can. Not while a
 * gradient is recorded.
 */
export function scatterRowsInto(base: Tensor2D, index: Tensor1D, rows: Tensor2D, pads: IndexPads): Tensor2D {
  const [count] = base.shape;
  const written = hasKernels(kernelNames.scatterRows)
    ? (runKernel(kernelNames.scatterRows, { x: base, index, rows }, { count, inPlace: true }) as Tensor2D)
    : scatter(base, count, index, rows, pads);
  base.dispose();
  return written;
}

function gather(x: Tensor2D, index: Tensor1D, { mayPad }: IndexPads): Tensor2D {
  if (hasKernels(kernelNames.gatherRows)) return runKernel(kernelNames.gatherRows, { x, index }, {}) as Tensor2D;
  return tidy(() => {
    if (!mayPad) return gatherND(x, asIndices(index)) as Tensor2D;
    const rows = gatherND(x, asIndices(maximum(index, whole(0)))) as Tensor2D;
    // `where`, not a product: a pad reads some row of the map, which may hold a NaN
    return where(isPad(index), zerosLike(rows), rows);
  });
}

/** True for pads: [n] -> [n, 1]. */
const isPad = (index: Tensor1D): Tensor2D => reshape(less(index, whole(0)), [index.size, 1]) as Tensor2D;

/** Rows (zeros without any) written to a base (zeros without any). */
function scatter(
  base: Tensor2D | null,
  count: number,
  index: Tensor1D,
  rows: Tensor2D | null,
  { mayPad }: IndexPads,
): Tensor2D {
  if (hasKernels(kernelNames.scatterRows)) {
    return runKernel(kernelNames.scatterRows, { x: base, index, rows }, { count, inPlace: false }) as Tensor2D;
  }
  return tidy(() => {
    const width = (base ?? rows)?.shape[1] ?? 0;
    const values = rows ?? (zeros([index.size, width]) as Tensor2D);
    if (base === null) {
      if (!mayPad) return scatterND(asIndices(index), values, [count, width]) as Tensor2D;
      const masked = where(isPad(index), zerosLike(values), values); // lands on row 0, where it adds nothing
      return scatterND(asIndices(maximum(index, whole(0))), masked, [count, width]) as Tensor2D;
    }
    if (!mayPad) {
      const target = getBackend() === 'cpu' ? mul(base, 1) : base; // cpu writes into its input
      return tensorScatterUpdate(target, asIndices(index), values) as Tensor2D;
    }
    const withSpare = concat([base, zeros([1, width])], 0) as Tensor2D; // dropped rows land in a spare one
    const beyond = mul(cast(less(index, whole(0)), 'int32'), whole(count + 1)); // -1 + (count + 1) = count
    const target = asIndices(add(index, beyond));
    return slice(tensorScatterUpdate(withSpare, target, values) as Tensor2D, [0, 0], [count, width]);
  });
}

/**
 * Runs `run` outside the gradient tape, for what must not be differentiated: nothing connects its result to the tensors it was made from.
 * (TensorFlow.js has no stop-gradient; a custom gradient over no inputs is one.)
 */
export function untaped(run: () => Tensor): Tensor {
  return customGrad(() => ({ value: run(), gradFunc: () => [] }))();
}

/**
 * Applies `run` to slices of at most `maxRows` rows, so that its intermediates stay small. In one piece on kernels, which have no
 * intermediates, and while a gradient is recorded, when every intermediate is kept anyway.
 */
export function inRowChunks(x: Tensor2D, maxRows: number, run: (rows: Tensor2D) => Tensor2D): Tensor2D {
  const [count, width] = x.shape;
  const isFused = hasKernels(kernelNames.layerNorm, kernelNames.linear, kernelNames.magnitude);
  if (count <= maxRows || isFused || isRecording()) return run(x);
  return tidy(() => {
    const parts: Tensor2D[] = [];
    for (let start = 0; start < count; start += maxRows) {
      parts.push(tidy(() => run(slice(x, [start, 0], [Math.min(maxRows, count - start), width]))));
    }
    const rows = concat(parts, 0);
    dispose(parts);
    return rows;
  });
}
