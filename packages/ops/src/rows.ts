/**
 * Moving rows of a matrix by index, with gradients. TensorFlow.js 4.22 has none for `gatherND` and `tensorScatterUpdate`, its wasm `gather`
 * is slow and wrong with batch dimensions, and `gatherND` copies whole rows: each function here is such an op with its adjoint beside it.
 */

import type { Tensor, Tensor1D, Tensor2D } from './tensor';
import {
  concat,
  customGrad,
  dispose,
  engine,
  gatherND,
  getBackend,
  mul,
  reshape,
  scatterND,
  slice,
  tensor2d,
  tensorScatterUpdate,
  tidy,
  zeros,
} from './tensor';

const asIndices = (index: Tensor): Tensor2D => reshape(index, [index.size, 1]) as Tensor2D;

/** x [R, C], index [n] int32 -> [n, C], row `i` being `x[index[i]]`. Adjoint: scatter, adding where an index repeats. */
export function gatherRows(x: Tensor2D, index: Tensor1D): Tensor2D {
  const { shape } = x;
  return customGrad((x, save) => {
    const indices = asIndices(index);
    (save as (tensors: Tensor[]) => void)([indices]);
    return {
      value: gatherND(x as Tensor2D, indices),
      gradFunc: (dy: Tensor, saved: Tensor[]) => scatterND(saved[0] as Tensor2D, dy, shape),
    };
  })(x) as Tensor2D;
}

/** x [n, C] -> its rows in another order, given on the host: `result[i] = x[order[i]]`. Adjoint: the inverse order, without adding. */
export function permuteRows(x: Tensor2D, order: Int32Array): Tensor2D {
  return customGrad((x) => ({
    value: gatherND(x as Tensor, tensor2d(order, [order.length, 1], 'int32')),
    gradFunc: (dy: Tensor) => gatherND(dy, tensor2d(inverseOrder(order), [order.length, 1], 'int32')),
  }))(x) as Tensor2D;
}

/** The order that undoes another. */
export function inverseOrder(order: Int32Array): Int32Array {
  const inverse = new Int32Array(order.length);
  order.forEach((from, to) => {
    inverse[from] = to;
  });
  return inverse;
}

/**
 * base [R, C] with rows [n, C] written to `index` [n]. An index of R drops its row, if `mayDrop`. Adjoints: dy without the written rows,
 * and the rows of dy.
 */
export function scatterRows(base: Tensor2D, index: Tensor1D, rows: Tensor2D, mayDrop: boolean): Tensor2D {
  const [count, width] = base.shape;
  const update = (target: Tensor2D, indices: Tensor2D, values: Tensor2D): Tensor2D => {
    if (!mayDrop)
      return tensorScatterUpdate(getBackend() === 'cpu' ? mul(target, 1) : target, indices, values) as Tensor2D; // cpu writes into its input
    const withSpare = concat([target, zeros([1, width])], 0); // dropped rows land in a spare one
    const written = tensorScatterUpdate(withSpare, indices, values) as Tensor2D;
    withSpare.dispose();
    return slice(written, [0, 0], [count, width]);
  };
  return customGrad((base, rows, save) => {
    const indices = asIndices(index);
    (save as unknown as (tensors: Tensor[]) => void)([indices]);
    return {
      value: update(base as Tensor2D, indices, rows as Tensor2D),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const indices = saved[0] as Tensor2D;
        const dyPadded = mayDrop ? concat([dy as Tensor2D, zeros([1, width])], 0) : dy;
        return [update(dy as Tensor2D, indices, zeros([indices.shape[0], width])), gatherND(dyPadded, indices)];
      },
    };
  })(base, rows) as Tensor2D;
}

/**
 * Runs `run` outside the gradient tape, for what must not be differentiated: nothing connects its result to the tensors it was made from.
 * (TensorFlow.js has no stop-gradient; a custom gradient over no inputs is one.)
 */
export function untaped(run: () => Tensor): Tensor {
  return customGrad(() => ({ value: run(), gradFunc: () => [] }))();
}

/**
 * Applies `run` to slices of at most `maxRows` rows, so that its intermediates stay small; in one piece while a gradient is recorded,
 * when every intermediate is kept anyway.
 */
export function inRowChunks(x: Tensor2D, maxRows: number, run: (rows: Tensor2D) => Tensor2D): Tensor2D {
  const [count, width] = x.shape;
  if (count <= maxRows || engine().isTapeOn()) return run(x);
  return tidy(() => {
    const parts: Tensor2D[] = [];
    for (let start = 0; start < count; start += maxRows) {
      parts.push(tidy(() => run(slice(x, [start, 0], [Math.min(maxRows, count - start), width]))));
    }
    return joinRows(parts);
  });
}

/** Rows one under the other; the parts are freed at once unless a gradient is recorded. */
export function joinRows(parts: Tensor2D[]): Tensor2D {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const rows = concat(parts, 0);
  if (!engine().isTapeOn()) dispose(parts);
  return rows;
}
