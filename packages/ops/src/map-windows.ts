/**
 * The loop over windows: rows are gathered by coordinates (shift and padding are index arithmetic), go through the body, and are written
 * back. At inference windows go in chunks, so that memory grows with the map and not with the width of the MLP; while a gradient is
 * recorded they go in one piece, since every intermediate is kept anyway.
 */

import type { Selection, WindowBatch, WindowGrid } from '@sparsevit/windows';
import { allWindowIds, checkMapWindowsShape, windowTokens } from '@sparsevit/windows';
import { hasKernel, kernelNames, runKernel } from './kernels';
import { inverseOrder, joinRows, permuteRows, scatterRows } from './rows';
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from './tensor';
import { add, engine, reshape, slice, tensor2d, tidy } from './tensor';
import { deviceWindows, hostWindows, realTokens, slotsOf, slotTables } from './window-batch';

type Body = (windows: WindowBatch<Tensor>) => Tensor;

/**
 * Applies `body` to the selected windows of a map [B, H, W, C] and returns the map with their rows written back; every token of another
 * window is bit for bit what it was.
 *
 * @param options.maxRows rows taken together at inference, a bound on memory
 * @throws ShapeError when the map is not the grid's
 */
export function mapWindows(
  x: Tensor,
  selection: Selection<Tensor>,
  grid: WindowGrid,
  body: Body,
  options: { maxRows: number },
): Tensor {
  checkMapWindowsShape(x.shape, grid);
  const perChunk = engine().isTapeOn() ? Infinity : Math.max(1, Math.floor(options.maxRows / grid.tokensPerWindow));
  const map = x as Tensor4D;
  if (selection.kind === 'all') return mapAll(map, grid, body, perChunk);
  if (selection.ids === null) return x;
  const ids = selection.ids;
  return tidy(() =>
    mapKept(map, selection.kind === 'topk' ? toGlobalIds(ids, grid) : (ids as Tensor1D), grid, body, perChunk),
  );
}

function chunksOf(count: number, perChunk: number): { start: number; size: number }[] {
  const chunks: { start: number; size: number }[] = [];
  for (let start = 0; start < count; start += perChunk) chunks.push({ start, size: Math.min(perChunk, count - start) });
  return chunks;
}

function mapAll(x: Tensor4D, grid: WindowGrid, body: Body, perChunk: number): Tensor {
  const ids = allWindowIds(grid);
  return tidy(() => {
    const written = chunksOf(ids.length, perChunk).map(({ start, size }) =>
      tidy(() => body(hostWindows(x, grid, ids.subarray(start, start + size))) as Tensor2D),
    );
    const order = realTokens(windowTokens(grid, ids)); // every token of the map, once
    return reshape(permuteRows(joinRows(written), inverseOrder(order)), x.shape);
  });
}

function mapKept(x: Tensor4D, ids: Tensor1D, grid: WindowGrid, body: Body, perChunk: number): Tensor {
  const tables = slotTables(grid);
  const written = chunksOf(ids.size, perChunk).map(({ start, size }) =>
    tidy(() => body(deviceWindows(x, grid, slice(ids, [start], [size]), tables)) as Tensor2D),
  );
  const rows = joinRows(written);
  if (hasKernel(kernelNames.scatterWindows)) return runKernel(kernelNames.scatterWindows, { x, ids, rows }, { grid });
  const flat = reshape(x, [grid.batch * grid.height * grid.width, x.shape[3]]) as Tensor2D;
  return reshape(scatterRows(flat, slotsOf(tables.target, ids), rows, grid.isPadded), x.shape);
}

/** Ids per image [B, k] -> global ids [B * k]. */
function toGlobalIds(ids: Tensor, grid: WindowGrid): Tensor1D {
  const offsets = Int32Array.from({ length: grid.batch }, (_, image) => image * grid.windowsPerImage);
  return reshape(add(ids, tensor2d(offsets, [grid.batch, 1], 'int32')), [ids.size]) as Tensor1D;
}
