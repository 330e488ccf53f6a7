/**
 * The loop over windows: rows are gathered by coordinates (shift and padding are index arithmetic), go through the body, and are written
 * back. At inference windows go in chunks, so that memory grows with the map and not with the width of the MLP; while a gradient is
 * recorded they go in one piece, since every intermediate is kept anyway.
 */

import type { Selection, WindowBatch, WindowGrid } from '@sparsevit/windows';
import { allWindowIds, checkMapWindowsShape, kernelNames } from '@sparsevit/windows';
import { hasKernels, isRecording } from './kernels';
import { scatterRows, scatterRowsInto } from './rows';
import { canReadAtOnce } from './scores';
import type { Tensor, Tensor1D, Tensor2D } from './tensor';
import { add, concat, dispose, reshape, slice, tensor2d, tidy } from './tensor';
import type { TensorWindows } from './window-batch';
import { deviceWindows, hostWindows, slotTable } from './window-batch';

type Body = (windows: WindowBatch<Tensor>) => Tensor;

/**
 * Applies `body` to the selected windows of a map [B, H, W, C] and returns the map with their rows written back; every token of another
 * window is bit for bit what it was.
 *
 * @param options.maxRows rows taken together at inference, a bound on memory
 * @param options.takesMap the caller has no more use for x: kernels write the kept rows into its memory, unless someone else holds it
 * @throws ShapeError when the map is not the grid's
 */
export function mapWindows(
  x: Tensor,
  selection: Selection<Tensor>,
  grid: WindowGrid,
  body: Body,
  options: { maxRows: number; takesMap: boolean },
): Tensor {
  checkMapWindowsShape(x.shape, grid);
  if (selection.kind !== 'all' && selection.ids === null) return x;
  const perChunk = isRecording() ? Infinity : Math.max(1, Math.floor(options.maxRows / grid.tokensPerWindow));
  return tidy(() => {
    const map = reshape(x, [grid.batch * grid.height * grid.width, x.shape[3] ?? 0]) as Tensor2D;
    const batches = windowBatches(selection, grid, perChunk);
    const isAll = selection.kind === 'all';
    const takesMap = options.takesMap && !isAll && !isRecording() && hasKernels(kernelNames.scatterRows);
    if (takesMap) x.dispose(); // its memory lives on in `map`, which is now the only one to hold it
    return reshape(writeBatches(map, { isAll, takesMap }, batches, body), x.shape);
  });
}

/** Cuts a batch of windows out of a map. */
type Cut = (map: Tensor2D) => TensorWindows;

/** Batches of at most `perChunk` windows; each is made when it is asked for, inside the scope that frees it. */
function windowBatches(selection: Selection<Tensor>, grid: WindowGrid, perChunk: number): Cut[] {
  const known = hostIds(selection, grid);
  if (known !== null) {
    return chunksOf(known.length, perChunk).map(
      ({ start, size }) =>
        (map) =>
          hostWindows(map, grid, known.subarray(start, start + size)),
    );
  }
  const ids = deviceIds(selection, grid);
  const table = slotTable(grid);
  return chunksOf(ids.size, perChunk).map(
    ({ start, size }) =>
      (map) =>
        deviceWindows(map, grid, slice(ids, [start], [size]), table),
  );
}

/** Runs the body on every batch and writes its rows into a copy of the map, or into the map if it is given away. */
function writeBatches(
  map: Tensor2D,
  { isAll, takesMap }: { isAll: boolean; takesMap: boolean },
  batches: Cut[],
  body: Body,
): Tensor2D {
  const [count] = map.shape;
  const run = (cut: Cut, from: Tensor2D): { index: Tensor1D; mayPad: boolean; rows: Tensor2D } => {
    const windows = cut(from);
    return { index: windows.index, mayPad: windows.mayPad, rows: body(windows) as Tensor2D };
  };
  const base = isAll ? null : map; // all windows write every token
  const [first] = batches;
  if (first !== undefined && batches.length === 1 && !takesMap) {
    const { index, mayPad, rows } = run(first, map);
    return scatterRows(base, count, index, rows, { mayPad });
  }
  if (hasKernels(kernelNames.scatterRows)) {
    let written: Tensor2D | null = takesMap ? map : null;
    for (const cut of batches) {
      written = tidy(() => {
        // no token is in two windows of a grid: what was written is not read again
        const { index, mayPad, rows } = run(cut, takesMap ? (written ?? map) : map);
        return written === null
          ? scatterRows(base, count, index, rows, { mayPad })
          : scatterRowsInto(written, index, rows, { mayPad });
      });
    }
    return written ?? map;
  }
  // The reference path's scatter copies the map: once, for all batches together.
  let mayPad = false;
  const parts = batches.map((cut) =>
    tidy(() => {
      const { index, rows, mayPad: hasPads } = run(cut, map);
      mayPad ||= hasPads;
      return { index, rows };
    }),
  );
  const index = concat(parts.map((part) => part.index)) as Tensor1D;
  const rows = concat(
    parts.map((part) => part.rows),
    0,
  );
  dispose(parts);
  return scatterRows(base, count, index, rows, { mayPad });
}

function chunksOf(count: number, perChunk: number): { start: number; size: number }[] {
  const chunks: { start: number; size: number }[] = [];
  for (let start = 0; start < count; start += perChunk) chunks.push({ start, size: Math.min(perChunk, count - start) });
  return chunks;
}

/** Global window ids on the host; null where they are data on a device that cannot be read at once. */
function hostIds(selection: Selection<Tensor>, grid: WindowGrid): Int32Array | null {
  if (selection.kind === 'all') return allWindowIds(grid);
  if (selection.ids === null || !canReadAtOnce()) return null;
  const ids = Int32Array.from(selection.ids.dataSync());
  if (selection.kind === 'counted') return ids;
  const { keptPerImage } = selection;
  return ids.map((id, i) => id + Math.floor(i / keptPerImage) * grid.windowsPerImage);
}

/** The same on the device: ids per image [B, k] -> global ids [B * k]. */
function deviceIds(selection: Selection<Tensor>, grid: WindowGrid): Tensor1D {
  const ids = selection.kind === 'all' ? null : selection.ids;
  if (ids === null) throw new RangeError('deviceIds: expected ids, got none.'); // mapWindows has returned by then
  if (selection.kind === 'counted') return ids as Tensor1D;
  const offsets = Int32Array.from({ length: grid.batch }, (_, image) => image * grid.windowsPerImage);
  return reshape(add(ids, tensor2d(offsets, [grid.batch, 1], 'int32')), [ids.size]) as Tensor1D;
}
