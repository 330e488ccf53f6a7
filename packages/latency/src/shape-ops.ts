/**
 * `WindowOps` whose values are shapes: running a forward over it counts its multiply-accumulates without computing anything, so that the
 * model is described once and the count cannot drift from it.
 */

import type { NormWeights, Selection, WindowBatch, WindowGrid, WindowOps } from '@sparsevit/windows';
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
} from '@sparsevit/windows';

/** The parts of a Swin that are counted apart. */
export type MacPart = 'patchEmbed' | 'qkv' | 'attention' | 'projection' | 'mlp' | 'merging' | 'norm' | 'classifier';

/**
 * `published`: as the paper counts. Every product of a kept window on all its rows, pads included; a layer norm counts its elements.
 * `fair`: the MLP of a dense block on real tokens only, no layer norm; a kept window of a pruned block still counts in full (an upper bound).
 */
export type MacAccounting = 'published' | 'fair';

/** A value that has only a shape. */
export interface Shape {
  readonly shape: readonly number[];
  /** A weight's name. */
  readonly key?: string;
  /** Rows that a product over this value is counted for, where they differ from its own. */
  readonly countedRows?: number;
}

/** Windows that know how many slots they have: products before attention are counted for every slot. */
interface ShapeWindows extends WindowBatch<Shape> {
  readonly rows: number;
}

/** One counted operation. */
export interface CountedCall {
  readonly part: MacPart;
  /** Stage of the weight that was used; 0 for the patch embedding. */
  readonly stage: number;
  /** Block of the stage that it belongs to; null outside of blocks. */
  readonly block: number | null;
  readonly macs: number;
}

const values = ({ shape }: Shape): number => shape.reduce((product, side) => product * side, 1);

/** The part, the stage and the block that a weight's key (`stages.1.blocks.0.qkv.weight`) belongs to. */
function placeOf(key = ''): Pick<CountedCall, 'part' | 'stage' | 'block'> {
  const [, stageName = '0', blockName] = /^(?:stages|outputNorms)\.(\d+)(?:\.blocks\.(\d+))?/.exec(key) ?? [];
  const stage = Number(stageName);
  const block = blockName === undefined ? null : Number(blockName);
  if (/norm/i.test(key)) return { part: 'norm', stage, block };
  const names: [string, MacPart][] = [
    ['patchEmbed', 'patchEmbed'],
    ['qkv', 'qkv'],
    ['biasTable', 'attention'],
    ['projection', 'projection'],
    ['expand', 'mlp'],
    ['contract', 'mlp'],
    ['merging', 'merging'],
  ];
  return { part: names.find(([name]) => key.includes(name))?.[1] ?? 'classifier', stage, block };
}

/**
 * The operations of a Swin on shapes; each product, attention and norm is reported to `onCall`.
 *
 * @example
 * let macs = 0;
 * const ops = createShapeOps('fair', (call) => { macs += call.macs; });
 */
export function createShapeOps(accounting: MacAccounting, onCall: (call: CountedCall) => void): WindowOps<Shape> {
  const count = (weight: Shape, macs: number): void => onCall({ ...placeOf(weight.key), macs });
  const layerNorm = (x: Shape, weights: NormWeights<Shape>): Shape => {
    checkLayerNormShape(x.shape, weights.weight.shape, weights.bias.shape);
    if (accounting === 'published') count(weights.weight, values(x));
    return { shape: x.shape };
  };
  const topk = (grid: WindowGrid, keptPerImage: number): Selection<Shape> => ({
    kind: 'topk',
    ids: keptPerImage === 0 ? null : { shape: [grid.batch, keptPerImage] },
    keptPerImage,
  });
  return {
    fromWeights: (_, shape, key) => ({ shape, key }),
    freeWeight() {},
    shapeOf: (x) => x.shape,
    scope: (run) => run(),
    release() {},
    patchEmbed(image, weights, options) {
      const shape = checkPatchEmbedShape(image.shape, weights.projection.weight.shape, options);
      const tokens = shape[0] * shape[1] * shape[2];
      count(weights.projection.weight, tokens * values(weights.projection.weight));
      return layerNorm({ shape }, weights.norm);
    },
    patchMerging(x, weights) {
      const shape = checkPatchMergingShape(x.shape, weights.reduction.weight.shape);
      const tokens = shape[0] * shape[1] * shape[2];
      layerNorm({ shape: [tokens, 4 * (x.shape[3] ?? 0)] }, weights.norm);
      count(weights.reduction.weight, tokens * values(weights.reduction.weight));
      return { shape };
    },
    layerNorm,
    linear(x, { weight, bias }, epilogue = {}) {
      const shape = checkLinearShape(x.shape, weight.shape, {
        bias: bias?.shape,
        residual: epilogue.residual?.shape,
        scale: epilogue.scale?.shape,
      });
      count(weight, (x.countedRows ?? shape[0]) * values(weight));
      return { shape };
    },
    averagePool: (x) => ({ shape: [x.shape[0] ?? 0, x.shape[3] ?? 0] }),
    magnitude: (x) => ({ shape: x.shape.slice(0, 3) }),
    windowScores: (magnitude, grid) => ({ shape: checkWindowScoresShape(magnitude.shape, grid) }),
    selectWindows(scores, grid, budget) {
      if (budget.kind === 'threshold') {
        throw new BackendError(
          'countMacs: expected pruned ratios, got a threshold budget. How many windows a threshold keeps depends on the image; count with ratios.',
        );
      }
      checkSelectWindowsShape(scores.shape, grid, budget.keptPerImage);
      return topk(grid, budget.keptPerImage);
    },
    prefix(selection, keptPerImage) {
      if (selection.kind !== 'topk' || keptPerImage >= selection.keptPerImage) return selection;
      const batch = selection.ids?.shape[0] ?? 0;
      return { ...selection, ids: keptPerImage === 0 ? null : { shape: [batch, keptPerImage] }, keptPerImage };
    },
    givenWindows(ids, grid, keptPerImage) {
      checkGivenWindows(ids, grid, keptPerImage);
      return topk(grid, keptPerImage);
    },
    mapWindows(x, selection, grid, body) {
      const shape = checkMapWindowsShape(x.shape, grid);
      const perImage = selection.kind === 'topk' ? selection.keptPerImage : grid.windowsPerImage;
      if (perImage === 0) return x;
      const rows = grid.batch * perImage * grid.tokensPerWindow;
      const isDense = selection.kind === 'all';
      const tokens = accounting === 'fair' && isDense ? grid.batch * grid.height * grid.width : rows;
      const windows: ShapeWindows = {
        grid,
        rows,
        tokens: { shape: [tokens, shape[3]] },
      };
      body(windows);
      return { shape };
    },
    normWindows: (windows, weights) =>
      layerNorm({ shape: [(windows as ShapeWindows).rows, windows.tokens.shape[1] ?? 0] }, weights),
    windowAttention(windows, qkv, biasTable) {
      const { rows, channels } = checkWindowAttentionShape(
        qkv.shape,
        biasTable.shape,
        windows.grid,
        (windows as ShapeWindows).rows,
      );
      count(biasTable, 2 * rows * windows.grid.tokensPerWindow * channels); // q kᵀ and the product with v
      // both accountings count the projection on padded windows, although no implementation needs it there
      return { shape: [windows.tokens.shape[0] ?? 0, channels], countedRows: rows };
    },
    expandPerImage: (windows) => ({ shape: [windows.tokens.shape[0] ?? 0, 1] }),
  };
}
