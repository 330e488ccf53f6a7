/**
 * What the module exports. All numbers: addresses in bytes, counts in elements or rows; matrices are row-major float32, ids and
 * indices int32. An address of 0 stands for an operand that is absent, where that is allowed. Kernels with `begin` and `end` do only those
 * rows or windows, and a part gives the same bits as the whole.
 */
export interface WasmKernels {
  /** Bytes of a packed right operand [depth, columns]. */
  packedBytes(depth: number, columns: number): number;
  /** Packs a right operand whose element (k, j) is `source[k * depthStride + j * columnStride]`. */
  packWeight(
    source: number,
    target: number,
    depth: number,
    columns: number,
    depthStride: number,
    columnStride: number,
  ): void;
  /** Bytes of scratch for `gemm`. */
  gemmScratchBytes(depth: number): number;
  /** c = residual + scale * gelu(a w + bias): a [rows, depth], w packed, c [rows, columns]; bias, residual and scale may be absent. */
  gemm(
    a: number,
    packed: number,
    c: number,
    bias: number,
    residual: number,
    scale: number,
    rowBegin: number,
    rowEnd: number,
    depth: number,
    columns: number,
    hasGelu: boolean,
    scratch: number,
  ): void;
  /** `gemm` for columns `columnBegin` to `columnEnd`: the first a multiple of 8, the last too or the number of columns. */
  gemmColumns(
    a: number,
    packed: number,
    c: number,
    bias: number,
    residual: number,
    scale: number,
    rowBegin: number,
    rowEnd: number,
    depth: number,
    columns: number,
    hasGelu: boolean,
    scratch: number,
    columnBegin: number,
    columnEnd: number,
  ): void;
  /** Bytes of scratch for `gemmTransposed`. */
  gemmTransposedScratchBytes(depth: number, columns: number): number;
  /** c [rowsOfC, columns] = xᵀ y, x [depth, rowsOfC], y [depth, columns], for rows `rowBegin` to `rowEnd` of c. */
  gemmTransposed(
    x: number,
    y: number,
    c: number,
    rowBegin: number,
    rowEnd: number,
    depth: number,
    rowsOfC: number,
    columns: number,
    scratch: number,
  ): void;
  /** sums [columns] = the sum over rows of x [rows, columns], for some of the columns. */
  columnSums(x: number, sums: number, rows: number, columns: number, columnBegin: number, columnEnd: number): void;

  /** Bytes of the prepared position bias of a window and its heads. */
  attentionBiasBytes(window: number, heads: number): number;
  /** Lays a bias table [(2M - 1)², heads] out for `windowAttention`. */
  prepareAttentionBias(table: number, target: number, window: number, heads: number): void;
  /** Bytes of the prepared masks of a window. */
  attentionMaskBytes(window: number): number;
  /** The masks of the four classes of a shifted grid. */
  prepareAttentionMasks(target: number, window: number, shiftY: number, shiftX: number): void;
  /** Bytes of scratch for `windowAttention`. */
  attentionScratchBytes(window: number, headWidth: number): number;
  /** out [tokens, channels] of qkv [rows, 3 * channels]; `masks`, `slots` and `classes` may be absent. */
  windowAttention(
    qkv: number,
    bias: number,
    masks: number,
    slots: number,
    classes: number,
    out: number,
    windowBegin: number,
    windowEnd: number,
    window: number,
    heads: number,
    channels: number,
    tokens: number,
    scratch: number,
  ): void;
  /** `windowAttention` for heads `begin` to `end` of windows, counted head after head through window after window. */
  windowAttentionHeads(
    qkv: number,
    bias: number,
    masks: number,
    slots: number,
    classes: number,
    out: number,
    begin: number,
    end: number,
    window: number,
    heads: number,
    channels: number,
    tokens: number,
    scratch: number,
  ): void;
  /** Bytes of scratch for `windowAttentionGradient`. */
  attentionGradientScratchBytes(window: number, headWidth: number): number;
  /** dqkv [rows, 3 * channels] (written; the row of all pads is added to) and dTable [(2M - 1)², heads] (added to). */
  windowAttentionGradient(
    qkv: number,
    bias: number,
    masks: number,
    slots: number,
    classes: number,
    dy: number,
    dqkv: number,
    dTable: number,
    windowBegin: number,
    windowEnd: number,
    window: number,
    heads: number,
    channels: number,
    tokens: number,
    scratch: number,
  ): void;

  /** Norm of rows; `index` may be absent; -1 is a pad, and `pad` says what becomes of it: 0 none, 1 the bias, 2 zeros. */
  layerNorm(
    x: number,
    weight: number,
    bias: number,
    index: number,
    out: number,
    begin: number,
    end: number,
    channels: number,
    epsilon: number,
    pad: number,
  ): void;
  /** The row that stands for a pad. */
  padRow(out: number, bias: number, channels: number, pad: number): void;
  /** dx is written at the rows of the index; dWeight and dBias [channels] are added to. */
  layerNormGradient(
    x: number,
    weight: number,
    dy: number,
    index: number,
    dx: number,
    dWeight: number,
    dBias: number,
    begin: number,
    end: number,
    channels: number,
    epsilon: number,
    pad: number,
  ): void;
  /** sums += row, `bytes` long. */
  addRow(row: number, sums: number, bytes: number): void;

  /** y = gelu(x); may be in place. */
  gelu(x: number, y: number, begin: number, end: number): void;
  /** dx = dy * gelu'(x). */
  geluGradient(x: number, dy: number, dx: number, begin: number, end: number): void;

  /** out [n, channels] = x[index]; zeros for -1. */
  gatherRows(x: number, index: number, out: number, begin: number, end: number, channels: number): void;
  /** out[index] = rows (zeros when absent); -1 is dropped. */
  scatterRows(rows: number, index: number, out: number, begin: number, end: number, channels: number): void;

  /** Mean of |x| over channels, or the norm. */
  magnitude(x: number, out: number, begin: number, end: number, channels: number, isNorm: boolean): void;
  /** Norm over the tokens of each window, by global window id. */
  windowScores(
    importance: number,
    scores: number,
    begin: number,
    end: number,
    height: number,
    width: number,
    window: number,
    shiftY: number,
    shiftX: number,
    rollsFirst: boolean,
    leavesOutPads: boolean,
  ): void;
  /** The best ids of one image by falling score; scratch for 2 * count ids. */
  selectWindows(scores: number, ids: number, count: number, kept: number, scratch: number): void;
  /**
   * Global ids of the windows of each image with score / window >= threshold, at least `minKept` of them, by image, then by falling score.
   * Returns how many and stores it at `total`; scratch for 3 * count ids.
   */
  windowsAboveThreshold(
    scores: number,
    ids: number,
    batch: number,
    count: number,
    threshold: number,
    window: number,
    minKept: number,
    total: number,
    scratch: number,
  ): number;

  /** out [batch, channels] = the mean over the tokens of images of x [batch, tokens, channels]. */
  averagePool(x: number, out: number, begin: number, end: number, tokens: number, channels: number): void;
  /** y = x. */
  copyValues(x: number, y: number, begin: number, end: number): void;
  /** The int32 at an address. */
  loadInteger(address: number): number;
  /** out [tokens, patch * patch * channels] = the pixels of patches of an image [batch, height, width, channels]; zeros beyond it. */
  patchRows(
    image: number,
    out: number,
    begin: number,
    end: number,
    height: number,
    width: number,
    rows: number,
    columns: number,
    patch: number,
    channels: number,
  ): void;
  /** out [tokens, 4 * channels] = the four neighbours of merged tokens of a map [batch, height, width, channels]; zeros beyond an odd side. */
  mergeRows(x: number, out: number, begin: number, end: number, height: number, width: number, channels: number): void;
  /**
   * The rows of windows `begin` to `end` of a selection and their number, which also goes to `count`: `index` the tokens that are no pads,
   * `slots` the row of each slot (pads the one after the last), `classes` the mask classes; `ids`, `slots`, `classes` and `count` may be
   * absent. Window i is `ids[i / kept * stride + i % kept]` of image i / kept; without ids window i of all; with kept = 0 a global id.
   */
  windowRows(
    ids: number,
    begin: number,
    end: number,
    kept: number,
    stride: number,
    height: number,
    width: number,
    window: number,
    shiftY: number,
    shiftX: number,
    rollsFirst: boolean,
    index: number,
    slots: number,
    classes: number,
    count: number,
  ): number;

  /** out [tokens, 9 * channels] = the 3 x 3 neighbourhoods of tokens of a map [batch, height, width, channels]; zeros beyond its border. */
  neighbourhoodRows(
    x: number,
    out: number,
    begin: number,
    end: number,
    height: number,
    width: number,
    channels: number,
  ): void;
  /** Columns `first` to `first + channels` of out [tokens, outChannels] = x [tokens, channels]. */
  copyColumns(
    x: number,
    out: number,
    begin: number,
    end: number,
    first: number,
    channels: number,
    outChannels: number,
  ): void;
  /** y = max(x, 0); may be in place. */
  relu(x: number, y: number, begin: number, end: number): void;
  /** y = a + b; may be in place. */
  addValues(a: number, b: number, y: number, begin: number, end: number): void;
  /** scales [batch, 2, channels]: mean and factor of a group norm, for groups `begin` to `end` of batch * groups. */
  groupNormScales(
    x: number,
    weight: number,
    scales: number,
    begin: number,
    end: number,
    tokens: number,
    channels: number,
    groups: number,
    epsilon: number,
  ): void;
  /** out = (x - mean) * factor + bias with those scales, for rows of x [batch, tokens, channels]. */
  scaleRows(
    x: number,
    scales: number,
    bias: number,
    out: number,
    begin: number,
    end: number,
    tokens: number,
    channels: number,
  ): void;
  /** Bilinear with half-pixel centres, for lines `begin` to `end` of batch * outHeight. */
  upsample(
    x: number,
    out: number,
    begin: number,
    end: number,
    height: number,
    width: number,
    outHeight: number,
    outWidth: number,
    channels: number,
  ): void;
  /** Parts that `poolCells` divides a cell into. */
  poolBlocks(channels: number): number;
  /** Adaptive average pooling, for parts `begin` to `end` of batch * outHeight * outWidth * poolBlocks(channels). */
  poolCells(
    x: number,
    out: number,
    begin: number,
    end: number,
    height: number,
    width: number,
    outHeight: number,
    outWidth: number,
    channels: number,
  ): void;
}
