/** Shape checks: each returns the shape of an op's result and holds all its validation, so that implementations only compute. */

import { ShapeError } from './errors';
import type { WindowGrid } from './grid';

type Shape = readonly number[];

function fail(name: string, expected: string, got: string): never {
  throw new ShapeError(`${name}: expected ${expected}, got ${got}.`);
}

const print = (shape: Shape): string => `[${shape.join(', ')}]`;

function checkRank(name: string, what: string, shape: Shape, rank: number, layout: string): void {
  if (shape.length !== rank) fail(name, `${what} ${layout}`, print(shape));
}

/** [B, H, W, 3] -> [B, h, w, C]. */
export function checkPatchEmbedShape(
  image: Shape,
  weight: Shape,
  options: { patchSize: number; remainder: 'pad' | 'crop' },
): [number, number, number, number] {
  checkRank('patchEmbed', 'an image', image, 4, '[B, H, W, 3]');
  const [batch = 0, height = 0, width = 0, channels = 0] = image;
  const { patchSize, remainder } = options;
  const [inputs = 0, outputs = 0] = weight;
  if (channels * patchSize * patchSize !== inputs) {
    fail(
      'patchEmbed',
      `${inputs / (patchSize * patchSize)} channels for weights ${print(weight)}`,
      `an image ${print(image)}`,
    );
  }
  if (batch < 1) fail('patchEmbed', 'at least one image', print(image));
  if (height < patchSize || width < patchSize) {
    fail('patchEmbed', `an image of at least one patch (${patchSize}x${patchSize} pixels)`, `${height}x${width}`);
  }
  const round = remainder === 'pad' ? Math.ceil : Math.floor;
  return [batch, round(height / patchSize), round(width / patchSize), outputs];
}

/** [B, H, W, C] -> [B, ceil(H/2), ceil(W/2), 2C]. */
export function checkPatchMergingShape(x: Shape, reduction: Shape): [number, number, number, number] {
  checkRank('patchMerging', 'a map', x, 4, '[B, H, W, C]');
  const [batch = 0, height = 0, width = 0, channels = 0] = x;
  if (reduction[0] !== 4 * channels) fail('patchMerging', `weights of ${4 * channels} inputs`, print(reduction));
  return [batch, Math.ceil(height / 2), Math.ceil(width / 2), reduction[1] ?? 0];
}

/** Any [..., C] -> the same. */
export function checkLayerNormShape(x: Shape, weight: Shape, bias: Shape): Shape {
  const channels = x[x.length - 1] ?? 0;
  if (weight.length !== 1 || weight[0] !== channels)
    fail('layerNorm', `weights [${channels}] for ${print(x)}`, print(weight));
  if (bias.length !== 1 || bias[0] !== channels) fail('layerNorm', `a bias [${channels}] for ${print(x)}`, print(bias));
  return x;
}

/** [n, in] -> [n, out]. */
export function checkLinearShape(
  x: Shape,
  weight: Shape,
  others: { bias?: Shape | undefined; residual?: Shape | undefined; scale?: Shape | undefined },
): [number, number] {
  checkRank('linear', 'rows', x, 2, '[n, in]');
  checkRank('linear', 'weights', weight, 2, '[in, out]');
  const [rows = 0, inputs = 0] = x;
  const outputs = weight[1] ?? 0;
  if (weight[0] !== inputs) fail('linear', `weights of ${inputs} inputs`, print(weight));
  const same = (shape: Shape | undefined, expected: Shape, what: string): void => {
    if (shape !== undefined && (shape.length !== expected.length || shape.some((side, i) => side !== expected[i]))) {
      fail('linear', `${what} ${print(expected)}`, print(shape));
    }
  };
  same(others.bias, [outputs], 'a bias');
  same(others.residual, [rows, outputs], 'a residual');
  same(others.scale, [rows, 1], 'a scale');
  return [rows, outputs];
}

/** [B, H, W] on the grid's map -> [B, windowsPerImage]. */
export function checkWindowScoresShape(magnitude: Shape, grid: WindowGrid): [number, number] {
  const expected = [grid.batch, grid.height, grid.width];
  if (magnitude.length !== 3 || expected.some((side, i) => side !== magnitude[i])) {
    fail('windowScores', `a magnitude map ${print(expected)}`, print(magnitude));
  }
  return [grid.batch, grid.windowsPerImage];
}

/** [B, windowsPerImage] and a count -> [B, k]. */
export function checkSelectWindowsShape(scores: Shape, grid: WindowGrid, keptPerImage: number): [number, number] {
  if (scores.length !== 2 || scores[0] !== grid.batch || scores[1] !== grid.windowsPerImage) {
    fail('selectWindows', `scores ${print([grid.batch, grid.windowsPerImage])}`, print(scores));
  }
  if (!Number.isInteger(keptPerImage) || keptPerImage < 0 || keptPerImage > grid.windowsPerImage) {
    fail('selectWindows', `to keep 0 to ${grid.windowsPerImage} windows`, String(keptPerImage));
  }
  return [grid.batch, keptPerImage];
}

/** [B, H, W, C] on the grid's map -> the same. */
export function checkMapWindowsShape(x: Shape, grid: WindowGrid): [number, number, number, number] {
  const [batch, height, width, channels = 0] = x;
  if (x.length !== 4 || batch !== grid.batch || height !== grid.height || width !== grid.width) {
    fail('mapWindows', `a map [${grid.batch}, ${grid.height}, ${grid.width}, C]`, print(x));
  }
  return [grid.batch, grid.height, grid.width, channels];
}

/** qkv [expectedRows, 3C], table [(2M - 1)², heads] -> the rows, C and the heads. */
export function checkWindowAttentionShape(
  qkv: Shape,
  biasTable: Shape,
  grid: WindowGrid,
  expectedRows: number,
): { rows: number; channels: number; heads: number } {
  checkRank('windowAttention', 'qkv', qkv, 2, '[rows, 3C]');
  const [rows = 0, width = 0] = qkv;
  const heads = biasTable[1] ?? 0;
  const positions = (2 * grid.window - 1) ** 2;
  if (biasTable.length !== 2 || biasTable[0] !== positions) {
    fail('windowAttention', `a bias table [${positions}, heads] for window ${grid.window}`, print(biasTable));
  }
  if (rows !== expectedRows) fail('windowAttention', `the ${expectedRows} rows of normWindows`, `${rows} rows`);
  if (width % 3 !== 0 || heads < 1 || (width / 3) % heads !== 0) {
    fail('windowAttention', `3C columns with C a multiple of ${heads} heads`, String(width));
  }
  return { rows, channels: width / 3, heads };
}

/**
 * Given window ids [B, keptPerImage] -> the same, if each image's ids are in range and differ.
 *
 * @throws ShapeError otherwise: an id out of range would read outside the map, a repeated one would be written twice
 */
export function checkGivenWindows(ids: Int32Array, grid: WindowGrid, keptPerImage: number): [number, number] {
  if (
    !Number.isInteger(keptPerImage) ||
    ids.length !== grid.batch * keptPerImage ||
    keptPerImage > grid.windowsPerImage
  ) {
    fail(
      'givenWindows',
      `${grid.batch} x ${keptPerImage} ids of a grid with ${grid.windowsPerImage} windows per image`,
      `${ids.length} ids`,
    );
  }
  for (let image = 0; image < grid.batch; image++) {
    const seen = new Set<number>();
    for (const id of ids.subarray(image * keptPerImage, (image + 1) * keptPerImage)) {
      if (id < 0 || id >= grid.windowsPerImage) {
        fail('givenWindows', `window ids from 0 to ${grid.windowsPerImage - 1}`, String(id));
      }
      if (seen.has(id)) fail('givenWindows', 'different window ids in each image', `${id} twice in image ${image}`);
      seen.add(id);
    }
  }
  return [grid.batch, keptPerImage];
}

/**
 * Factors [B] -> the same, if there is one finite number per image.
 *
 * @throws ShapeError otherwise: a missing factor would silently drop a branch
 */
export function checkPerImageFactors(factors: Float32Array, grid: WindowGrid): number {
  if (factors.length !== grid.batch)
    fail('expandPerImage', `${grid.batch} factors, one per image`, String(factors.length));
  const bad = factors.find((factor) => !Number.isFinite(factor));
  if (bad !== undefined) fail('expandPerImage', 'finite factors', String(bad));
  return grid.batch;
}
