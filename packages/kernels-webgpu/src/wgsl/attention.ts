/**
 * Attention of a window and head in WGSL: what the forward and its gradient share. A workgroup has one window and head, a thread one query
 * (or key); the other side goes through workgroup memory in tiles of rows, so that any window and any head width fits.
 *
 * No subgroups: TensorFlow.js makes the device and does not ask for the feature, and its own declarations stand before a program's source,
 * where WGSL wants `enable subgroups`. Nothing here sums over threads, so that they would not serve.
 */

import { BackendError } from '@sparsevit/windows';
import type { Components } from '../tensorflow/program';
import { registersOf } from './registers';

/** What the source depends on: constants of a model, none of which changes with the windows that are kept. */
export interface AttentionVariant {
  readonly window: number;
  /** Width of a head. */
  readonly headWidth: number;
  /** How rows of qkv are read: four values at once where a head starts at a multiple of four. */
  readonly components: Components;
  readonly hasSlots: boolean;
  readonly hasClasses: boolean;
}

/** Workgroup memory that every device has, in bytes. */
const workgroupBytes = 16384;
/** Bytes kept free of tiles: offsets and regions of the rows, and what the compiler adds. */
const bytesPerRowBeside = 16;

/** How a window is taken apart. */
export interface AttentionTiles {
  readonly tokens: number;
  /** Vectors of four that hold a row of a head. */
  readonly vectors: number;
  /** Invocations of a workgroup. */
  readonly threads: number;
  /** Rows of a tile, a multiple of four, and tiles. */
  readonly tileRows: number;
  readonly tiles: number;
  /** Values of a bias table for one head; it lies in workgroup memory unless it would take too much of it. */
  readonly span: number;
  readonly isTableShared: boolean;
}

/**
 * Tiles for a window and head width: as few as fit, of equal size.
 *
 * @throws BackendError when four rows of a head do not fit in workgroup memory
 */
export function attentionTiles({ window, headWidth }: AttentionVariant): AttentionTiles {
  const tokens = window * window;
  const vectors = Math.ceil(headWidth / 4);
  const span = 2 * window - 1;
  const isTableShared = span * span * 4 <= workgroupBytes / 4;
  const free = workgroupBytes - (isTableShared ? span * span * 4 : 0);
  const most = Math.floor(free / (2 * 16 * vectors + bytesPerRowBeside) / 4) * 4;
  if (most < 4) {
    throw new BackendError(
      `windowAttention: expected heads of at most 960 channels on webgpu, got ${headWidth}. Use more heads, or the wasm backend.`,
    );
  }
  const tiles = Math.ceil(tokens / most);
  const tileRows = Math.ceil(Math.ceil(tokens / tiles) / 4) * 4;
  return {
    tokens,
    vectors,
    threads: Math.min(256, Math.ceil(tokens / 32) * 32),
    tileRows,
    tiles: Math.ceil(tokens / tileRows),
    span,
    isTableShared,
  };
}

/** The parts of qkv. */
export const parts = { query: 0, key: 1, value: 2 } as const;

/** Adds to `sums` the dot products of a vector of a row in registers with that of four rows of a tile, from row `key` on. */
export const addFourDots = (sums: string, { vectors }: AttentionTiles, row: string, tile: string): string =>
  registersOf(vectors).each((vector, of) => {
    const dots = [0, 1, 2, 3].map((i) => `dot(${of(row)}, ${tile}[(key + ${i}) * ${vectors} + ${vector}])`);
    return `${sums} += vec4<f32>(${dots.join(', ')});`;
  });

/** Writes a row in registers to `result`, from the index `to` on. */
export const writeRow = (
  { headWidth, components }: AttentionVariant,
  { vectors }: AttentionTiles,
  row: string,
  to: string,
  factor: string,
): string =>
  registersOf(vectors).each((vector, of) => {
    if (components === 4) return `result[(${to}) / 4 + ${vector}] = ${of(row)} * ${factor};`;
    return [0, 1, 2, 3]
      .map((i) => {
        const channel = `${vector} * 4 + ${i}`;
        return `if (${channel} < ${headWidth}) { result[${to} + ${channel}] = ${of(row)}[${i}] * ${factor}; }`;
      })
      .join('\n');
  });

/** 1 / sqrt(d), by which queries are scaled. */
export const scaleSource = ({ headWidth }: AttentionVariant): string => `let scale = f32(${1 / Math.sqrt(headWidth)});`;

/** Reads a vector of a head of a row of a matrix whose rows are `width` values long, at `column`; zeros beyond the head. */
function readFunction(
  name: string,
  matrix: string,
  width: string,
  { headWidth, components }: Pick<AttentionVariant, 'headWidth' | 'components'>,
): string {
  const value = (i: number): string => `select(0.0, ${matrix}[at + ${i}], vector * 4 + ${i} < ${headWidth})`;
  return `
fn ${name}(row : i32, column : i32, vector : i32) -> vec4<f32> {
  let at = row * ${width} + column + vector * 4;
  return ${components === 4 ? `${matrix}[at / 4]` : `vec4<f32>(${[0, 1, 2, 3].map(value).join(', ')})`};
}
`;
}

/**
 * Reading, and what stands between a query and a key beside their product. Uniforms: tokens, heads, shiftY, shiftX, and items, the windows
 * times heads.
 */
export function attentionSource(variant: AttentionVariant): string {
  const { window, headWidth, hasSlots, hasClasses } = variant;
  const { isTableShared, span, threads, tileRows, vectors } = attentionTiles(variant);
  return `
const slotsPerWindow = ${window * window};
var<workgroup> tileA : array<vec4<f32>, ${tileRows * vectors}>;
var<workgroup> tileB : array<vec4<f32>, ${tileRows * vectors}>;
var<workgroup> tileOffsets : array<i32, ${tileRows}>;
var<workgroup> tileRegions : array<i32, ${tileRows}>;
${isTableShared ? `var<workgroup> biases : array<f32, ${span * span}>;` : ''}
${readFunction('readQkv', 'qkv', `(3 * uniforms.heads * ${headWidth})`, variant)}
fn columnOf(part : i32, head : i32) -> i32 { return (part * uniforms.heads + head) * ${headWidth}; }
// the row of qkv that a slot reads
fn rowOf(slot : i32) -> i32 { return ${hasSlots ? 'slots[slot]' : 'slot'}; }
// the place of a pair in the bias table is offset(query) - offset(key) + ${(window - 1) * span + window - 1}
fn offsetOf(token : i32) -> i32 { return token / ${window} * ${span} + token % ${window}; }
fn maskClassOf(window : i32) -> i32 { return ${hasClasses ? 'classes[window]' : '0'}; }
// tokens from opposite sides of the map lie in different regions of a window
fn regionOf(token : i32, maskClass : i32) -> i32 {
  let isRowWrapped = (maskClass & 2) != 0 && token / ${window} >= ${window} - uniforms.shiftY;
  let isColumnWrapped = (maskClass & 1) != 0 && token % ${window} >= ${window} - uniforms.shiftX;
  return select(0, 2, isRowWrapped) + select(0, 1, isColumnWrapped);
}
fn loadBiases(head : i32) {
  ${
    isTableShared
      ? `for (var e = i32(localIndex); e < ${span * span}; e += ${threads}) { biases[e] = biasTable[e * uniforms.heads + head]; }`
      : ''
  }
}
fn biasOf(queryOffset : i32, keyOffset : i32, head : i32) -> f32 {
  let at = queryOffset - keyOffset + ${(window - 1) * span + window - 1};
  return ${isTableShared ? 'biases[at]' : 'biasTable[at * uniforms.heads + head]'};
}
fn maskOf(queryRegion : i32, keyRegion : i32) -> f32 { return ${hasClasses ? 'select(-100.0, 0.0, queryRegion == keyRegion)' : '0.0'}; }
fn loadPlaces(first : i32, maskClass : i32) {
  for (var e = i32(localIndex); e < ${tileRows}; e += ${threads}) {
    let token = min(first + e, ${window * window - 1});
    tileOffsets[e] = offsetOf(token);
    tileRegions[e] = regionOf(token, maskClass);
  }
}
`;
}

/** Reading rows of dy, where there is one: a pad has none. */
export const gradientRowSource = (variant: AttentionVariant): string => `
${readFunction('readDy', 'dy', `(uniforms.heads * ${variant.headWidth})`, variant)}
fn readGradient(row : i32, head : i32, vector : i32) -> vec4<f32> {
  if (row >= uniforms.tokens) { return vec4<f32>(0.0); }
  return readDy(row, head * ${variant.headWidth}, vector);
}
`;

/** Loads a tile of rows, beginning with token `first` of a window, from two expressions of `row` and `vector`; zeros beyond the window. */
export const loadTile = (
  { tileRows, vectors, threads, tokens }: AttentionTiles,
  tileA: string,
  tileB: string | null,
): string => `
    for (var e = thread; e < ${tileRows * vectors}; e += ${threads}) {
      let token = first + e / ${vectors};
      let vector = e % ${vectors};
      let row = rowOf(windowId * ${tokens} + min(token, ${tokens - 1}));
      let isToken = token < ${tokens};
      tileA[e] = select(vec4<f32>(0.0), ${tileA}, isToken);
      ${tileB === null ? '' : `tileB[e] = select(vec4<f32>(0.0), ${tileB}, isToken);`}
    }
    loadPlaces(first, maskClass);`;

/** The logits of one query (`q`, scaled) with four keys of a tile from `key` on, as a vec4 named `logits`; keys beyond the window get the least value. */
export function logitsOfFour(layout: AttentionTiles): string {
  const { tokens, tileRows } = layout;
  const offsets = [0, 1, 2, 3].map(
    (i) => `biasOf(offset, tileOffsets[key + ${i}], head) + maskOf(region, tileRegions[key + ${i}])`,
  );
  return `
        var logits = vec4<f32>(${offsets.join(', ')});
        ${addFourDots('logits', layout, 'q', 'tileA')}
        ${
          tokens % tileRows === 0
            ? ''
            : `logits = select(vec4<f32>(lowest), logits, vec4<i32>(first + key) + vec4<i32>(0, 1, 2, 3) < vec4<i32>(${tokens}));`
        }`;
}

/** Where a workgroup is, and its bias; the last workgroups may have nothing to do and repeat another's work without writing. */
export const whereSource = `
  let thread = i32(localIndex);
  let isNeeded = workgroupIndex() < uniforms.items;
  let item = min(workgroupIndex(), uniforms.items - 1);
  let windowId = item / uniforms.heads;
  let head = item % uniforms.heads;
  let maskClass = maskClassOf(windowId);
  loadBiases(head);`;

/** Less than any logit. */
export const lowestSource = 'const lowest = -3.4e38;';
