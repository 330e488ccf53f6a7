/** Scoring windows and choosing among them. Importance has a gradient, so that it can be learnt; a choice of windows has none. */

import type { Selection, TokenScore, WindowBudget, WindowGrid } from '@sparsevit/windows';
import {
  allWindowIds,
  BackendError,
  checkGivenWindows,
  checkSelectWindowsShape,
  checkWindowScoresShape,
  kernelNames,
  realTokensPerWindow,
  windowTokens,
} from '@sparsevit/windows';
import { hasKernels, isRecording, runKernel } from './kernels';
import { inRowChunks, untaped } from './rows';
import type { Tensor, Tensor2D } from './tensor';
import {
  abs,
  customGrad,
  div,
  gatherND,
  getBackend,
  maximum,
  mean,
  mul,
  reshape,
  sign,
  slice,
  sqrt,
  square,
  sum,
  tensor1d,
  tensor2d,
  tidy,
  topk,
} from './tensor';

/** Below any norm that is not 0, so that a token of zeros divides by something. */
const smallestNorm = 1e-30;

/**
 * Importance of each token: mean over channels of |x|, or sqrt of the sum of x²: [B, H, W, C] -> [B, H, W]. Its gradient at a token of zeros is 0.
 *
 * @param options.maxRows tokens taken together, a bound on memory
 * @param options.isLearnt whether there is a gradient: a ranking needs none, and would keep its map for it
 */
export function magnitude(x: Tensor, score: TokenScore, options: { maxRows: number; isLearnt: boolean }): Tensor {
  const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
  const ofRows = (rows: Tensor2D): Tensor2D =>
    (score === 'l2' ? sqrt(sum(square(rows), -1, true)) : mean(abs(rows), -1, true)) as Tensor2D;
  const ofMap = (map: Tensor): Tensor =>
    tidy(() => {
      const rows = reshape(map, [batch * height * width, channels]) as Tensor2D;
      if (hasKernels(kernelNames.magnitude)) {
        return reshape(runKernel(kernelNames.magnitude, { x: rows }, { score }), [batch, height, width]);
      }
      return reshape(inRowChunks(rows, options.maxRows, ofRows), [batch, height, width]);
    });
  if (!isRecording()) return ofMap(x);
  if (!options.isLearnt) return untaped(() => ofMap(x));
  return customGrad((x, save) => {
    const value = ofMap(x as Tensor);
    (save as (tensors: Tensor[]) => void)([x as Tensor, value]);
    return {
      value,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [map, norms] = saved as [Tensor, Tensor];
        const factor = score === 'l2' ? div(dy, maximum(norms, smallestNorm)) : mul(dy, 1 / channels);
        return mul(score === 'l2' ? map : sign(map), reshape(factor, [batch, height, width, 1]));
      },
    };
  })(x);
}

/**
 * Score of each window: L2 norm over its tokens of their importance, [B, H, W] -> [B, windowsPerImage].
 *
 * @param pads `counted`: a pad is a zero, as in the published code. `left-out`: scaled by sqrt(tokens / real tokens)
 * @throws ShapeError when the map is not the grid's
 */
export function windowScores(importance: Tensor, grid: WindowGrid, pads: 'counted' | 'left-out'): Tensor {
  checkWindowScoresShape(importance.shape, grid);
  if (hasKernels(kernelNames.windowScores)) {
    return untaped(() => runKernel(kernelNames.windowScores, { magnitude: importance }, { grid, pads }));
  }
  return untaped(() => tidy(() => scoresOf(importance, grid, pads)));
}

function scoresOf(importance: Tensor, grid: WindowGrid, pads: 'counted' | 'left-out'): Tensor {
  const { batch, windowsPerImage: windows } = grid;
  const tokens = windowTokens(grid, allWindowIds(grid));
  const flat = reshape(importance, [importance.size, 1]) as Tensor2D;
  let inWindows: Tensor = gatherND(
    flat,
    tensor2d(
      tokens.map((token) => Math.max(token, 0)),
      [tokens.length, 1],
      'int32',
    ),
  );
  if (grid.isPadded) inWindows = mul(inWindows, tensor2d(Float32Array.from(tokens, isReal), [tokens.length, 1]));
  const norms = sqrt(sum(square(reshape(inWindows, [batch, windows, grid.tokensPerWindow])), -1));
  if (pads === 'counted' || !grid.isPadded) return norms;
  const scale = Float32Array.from(realTokensPerWindow(grid), (real) => Math.sqrt(grid.tokensPerWindow / real));
  return mul(norms, tensor1d(scale));
}

const isReal = (token: number): number => (token < 0 ? 0 : 1);

/**
 * The windows to keep: the best `keptPerImage` of each image by falling score (ties: the lower id first on cpu and wasm), or all at least as
 * good as a threshold.
 *
 * @throws BackendError for a threshold on a backend that cannot be read synchronously
 * @throws ShapeError when scores are not the grid's or the count is out of range
 */
export function selectWindows(scores: Tensor, grid: WindowGrid, budget: WindowBudget): Selection<Tensor> {
  if (budget.kind === 'threshold') return windowsAboveThreshold(scores, grid, budget);
  checkSelectWindowsShape(scores.shape, grid, budget.keptPerImage);
  const { keptPerImage } = budget;
  if (keptPerImage === 0) return { kind: 'topk', ids: null, keptPerImage };
  const ids = hasKernels(kernelNames.selectWindows)
    ? untaped(() => runKernel(kernelNames.selectWindows, { scores }, { keptPerImage }))
    : untaped(() => tidy(() => topk(scores, keptPerImage, true).indices));
  return { kind: 'topk', ids, keptPerImage };
}

function windowsAboveThreshold(
  scores: Tensor,
  grid: WindowGrid,
  budget: { threshold: number; minKept: number },
): Selection<Tensor> {
  checkSelectWindowsShape(scores.shape, grid, 0);
  if (!canReadAtOnce()) {
    throw new BackendError(
      `selectWindows: expected the cpu or wasm backend for a threshold budget, got ${getBackend()}. How many windows it keeps must be read back; use pruned ratios here.`,
    );
  }
  const values = scores.dataSync();
  const ids: number[] = [];
  for (let image = 0; image < grid.batch; image++) {
    const first = image * grid.windowsPerImage;
    const ranked = Array.from({ length: grid.windowsPerImage }, (_, id) => id).sort(
      (a, b) => (values[first + b] ?? 0) - (values[first + a] ?? 0) || a - b,
    );
    ranked.forEach((id, rank) => {
      if (rank < budget.minKept || (values[first + id] ?? 0) / grid.window >= budget.threshold) ids.push(first + id);
    });
  }
  return { kind: 'counted', ids: ids.length === 0 ? null : tensor1d(ids, 'int32') };
}

/** The first `keptPerImage` windows of each image's ranking. */
export function prefix(selection: Selection<Tensor>, keptPerImage: number): Selection<Tensor> {
  if (selection.kind !== 'topk' || keptPerImage >= selection.keptPerImage) return selection;
  if (selection.ids === null || keptPerImage === 0) return { kind: 'topk', ids: null, keptPerImage: 0 };
  const batch = selection.ids.shape[0] ?? 1;
  return { kind: 'topk', ids: slice(selection.ids as Tensor2D, [0, 0], [batch, keptPerImage]), keptPerImage };
}

/**
 * Given window ids instead of ranked ones: [B, keptPerImage] on the host.
 *
 * @throws ShapeError for ids out of range or repeated in an image
 */
export function givenWindows(ids: Int32Array, grid: WindowGrid, keptPerImage: number): Selection<Tensor> {
  const shape = checkGivenWindows(ids, grid, keptPerImage);
  return { kind: 'topk', ids: keptPerImage === 0 ? null : tensor2d(ids, shape, 'int32'), keptPerImage };
}

/** True when tensors of the active backend live in the host's memory, so that reading one does not wait for a device. */
export function canReadAtOnce(): boolean {
  const backend = getBackend();
  return backend === 'cpu' || backend === 'wasm';
}
