/**
 * The matrix product in WGSL: c = a b with either operand transposed, and an epilogue.
 *
 * A workgroup of 8 x 8 threads makes a tile of 32 rows and 32 or 64 columns. The depth goes in steps of 16: a part of each operand is put in
 * workgroup memory, a as vectors of four along the depth and b as vectors of four along the columns, and each thread adds to four rows of its
 * one or two vectors of columns. A transposed operand is read in blocks of 4 x 4 that are turned over in registers, so that the inner loop is
 * the same for all.
 */

import type { Components } from '../tensorflow/program';
import { geluSource, valueType } from './activation';

/** Rows of a tile. */
export const tileRows = 32;
/** Depth of a step. */
export const stepDepth = 16;
/** Invocations of a workgroup. */
export const productThreads = 64;

/** Rows of a in workgroup memory lie 5 vectors apart and not 4, so that four neighbouring ones fall into different banks. */
const rowStride = stepDepth / 4 + 1;

/** What the source of a product depends on. */
export interface ProductVariant {
  /** `x` holds aᵀ [depth, rows]. */
  readonly isLeftTransposed: boolean;
  /** `weight` holds bᵀ [columns, depth]. */
  readonly isRightTransposed: boolean;
  readonly leftComponents: Components;
  readonly rightComponents: Components;
  readonly outputComponents: Components;
  /** Vectors of columns of a thread: 8 times 4 times this is the width of a tile. */
  readonly columnVectors: 1 | 2;
  readonly hasBias: boolean;
  readonly hasGelu: boolean;
  readonly hasScale: boolean;
  readonly hasResidual: boolean;
}

/** Columns of a tile. */
export const tileColumns = (columnVectors: 1 | 2): number => 32 * columnVectors;

/** A narrow tile where a wide one would be half empty. */
export const columnVectorsFor = (columns: number): 1 | 2 => (((columns - 1) % 64) + 1 <= 32 ? 1 : 2);

/** Four neighbouring values of a row of a stored matrix; zeros beyond its sides. */
function readFunction(name: string, matrix: string, components: Components, sides: [string, string]): string {
  const [rows, columns] = sides.map((side) => `uniforms.${side}`);
  const value = (i: number): string => `select(0.0, ${matrix}[at + ${i}], column + ${i} < ${columns})`;
  return `
fn ${name}(row : i32, column : i32) -> vec4<f32> {
  if (row >= ${rows} || column >= ${columns}) { return vec4<f32>(0.0); }
  let at = row * ${columns} + column;
  return ${components === 4 ? `${matrix}[at / 4]` : `vec4<f32>(${[0, 1, 2, 3].map(value).join(', ')})`};
}
`;
}

/** Reads four rows of a block and turns it over. */
const transposedBlock = (read: string, row: string, column: string): string => `transpose(mat4x4<f32>(
        ${[0, 1, 2, 3].map((i) => `${read}(${row} + ${i}, ${column})`).join(', ')}))`;

/** Lines of a loop that is written out. */
const lines = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n');

/** c[slice] = a b over the depth of each slice, with the epilogue; uniforms rows, columns, depth, steps (of a slice) and slices. */
export function productSource(variant: ProductVariant): string {
  const { columnVectors, isLeftTransposed, isRightTransposed } = variant;
  const width = 8 * columnVectors; // of a tile in vectors
  return `
var<workgroup> left : array<vec4<f32>, ${tileRows * rowStride}>;
var<workgroup> right : array<vec4<f32>, ${stepDepth * width}>;
${readFunction('readLeft', 'x', variant.leftComponents, isLeftTransposed ? ['depth', 'rows'] : ['rows', 'depth'])}
${readFunction('readRight', 'weight', variant.rightComponents, isRightTransposed ? ['columns', 'depth'] : ['depth', 'columns'])}
${writeFunction(variant)}
fn main() {
  let across = (uniforms.columns + ${4 * width - 1}) / ${4 * width};
  let tiles = across * ((uniforms.rows + ${tileRows - 1}) / ${tileRows});
  let slice = workgroupIndex() / tiles;
  let tile = workgroupIndex() % tiles;
  let firstRow = tile / across * ${tileRows};
  let firstColumn = tile % across * ${4 * width};
  let thread = i32(localIndex);
  let threadRow = thread / 8;
  let threadColumn = thread % 8;
  ${lines(4, (r) => lines(columnVectors, (v) => `var sum${r}${v} = vec4<f32>(0.0);`))}
  for (var step = 0; step < uniforms.steps; step++) {
    let first = (slice * uniforms.steps + step) * ${stepDepth};
    ${isLeftTransposed ? loadTransposedLeft : loadLeft}
    ${isRightTransposed ? loadTransposedRight(columnVectors) : loadRight(columnVectors)}
    workgroupBarrier();
    for (var k = 0; k < ${stepDepth / 4}; k++) {
      ${lines(4, (r) => `let a${r} = left[(threadRow + ${8 * r}) * ${rowStride} + k];`)}
      ${lines(
        4,
        (i) => `{
        ${lines(columnVectors, (v) => `let b${v} = right[(k * 4 + ${i}) * ${width} + threadColumn + ${8 * v}];`)}
        ${lines(4, (r) => lines(columnVectors, (v) => `sum${r}${v} = fma(vec4<f32>(a${r}[${i}]), b${v}, sum${r}${v});`))}
      }`,
      )}
    }
    workgroupBarrier();
  }
  if (slice < uniforms.slices) {
    ${lines(4, (r) => lines(columnVectors, (v) => `write(slice, firstRow + threadRow + ${8 * r}, firstColumn + (threadColumn + ${8 * v}) * 4, sum${r}${v});`))}
  }
}
`;
}

const loadLeft = `for (var e = thread; e < ${tileRows * (stepDepth / 4)}; e += ${productThreads}) {
      left[e / 4 * ${rowStride} + e % 4] = readLeft(firstRow + e / 4, first + e % 4 * 4);
    }`;

const loadTransposedLeft = `if (thread < ${(tileRows / 4) * (stepDepth / 4)}) {
      let block = thread % ${tileRows / 4} * 4; // of rows
      let k = thread / ${tileRows / 4};
      let turned = ${transposedBlock('readLeft', 'first + k * 4', 'firstRow + block')};
      ${lines(4, (i) => `left[(block + ${i}) * ${rowStride} + k] = turned[${i}];`)}
    }`;

const loadRight = (columnVectors: 1 | 2): string => {
  const width = 8 * columnVectors;
  return `for (var e = thread; e < ${stepDepth * width}; e += ${productThreads}) {
      right[e] = readRight(first + e / ${width}, firstColumn + e % ${width} * 4);
    }`;
};

const loadTransposedRight = (columnVectors: 1 | 2): string => {
  const width = 8 * columnVectors;
  return `if (thread < ${(stepDepth / 4) * width}) {
      let k = thread % ${stepDepth / 4} * 4;
      let block = thread / ${stepDepth / 4}; // of columns
      let turned = ${transposedBlock('readRight', 'firstColumn + block * 4', 'first + k')};
      ${lines(4, (i) => `right[(k + ${i}) * ${width} + block] = turned[${i}];`)}
    }`;
};

/** residual + scale * gelu(sum + bias) of four columns, in one go or one by one. */
function writeFunction(variant: ProductVariant): string {
  const { outputComponents, hasBias, hasGelu, hasScale, hasResidual } = variant;
  const type = valueType(outputComponents);
  const column = outputComponents === 4 ? 'column / 4' : 'column';
  return `
${hasGelu ? geluSource(outputComponents) : ''}
fn finish(sum : ${type}, row : i32, column : i32, at : i32) {
  var value = sum;
  ${hasBias ? `value += bias[${column}];` : ''}
  ${hasGelu ? 'value = gelu(value);' : ''}
  ${hasScale ? 'value *= scale[row];' : ''}
  ${hasResidual ? 'value += residual[at];' : ''}
  result[at] = value;
}
fn write(slice : i32, row : i32, column : i32, sum : vec4<f32>) {
  if (row >= uniforms.rows || column >= uniforms.columns) { return; }
  let at = (slice * uniforms.rows + row) * uniforms.columns + column;
  ${
    outputComponents === 4
      ? 'finish(sum, row, column, at / 4);'
      : lines(4, (i) => `if (column + ${i} < uniforms.columns) { finish(sum[${i}], row, column + ${i}, at + ${i}); }`)
  }
}
`;
}
