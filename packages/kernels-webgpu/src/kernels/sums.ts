/**
 * Sums over rows, in an order that depends on sizes only: parts of the rows first, then the parts one after the other. Atomic additions
 * would be quicker and give other bits in every run.
 */

import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from '../tensorflow/backend';
import { runProgram, view, withScratch } from '../tensorflow/program';

/** Columns and rows that a workgroup takes at once. */
const columnThreads = 64;
const rowThreads = 4;

/** Rows of a part: few enough that there are many parts, not so many that adding the parts costs more. */
export function partsOf(rows: number): { rowsPerPart: number; parts: number } {
  const rowsPerPart = Math.max(64, Math.ceil(rows / 128));
  return { rowsPerPart, parts: Math.ceil(rows / rowsPerPart) };
}

/** output[offset + i] = the sum over slices s of parts[s * stride + first + i], for i below `size`. */
export function addSlices(
  backend: WebGPUBackend,
  options: {
    parts: TensorInfo;
    slices: number;
    stride: number;
    size: number;
    output: TensorInfo;
    first?: number;
    offset?: number;
  },
): void {
  const { parts, slices, stride, size, output, first = 0, offset = 0 } = options;
  runProgram(backend, {
    name: 'add-slices',
    variant: [],
    threads: 64,
    workgroups: Math.ceil(size / 64),
    inputs: { parts: view(parts) },
    integers: { slices, stride, count: size, first, offset },
    output: view(output),
    source: () => `
fn main() {
  let at = workgroupIndex() * 64 + i32(localIndex);
  if (at >= uniforms.count) { return; }
  var sum = 0.0;
  for (var slice = 0; slice < uniforms.slices; slice++) { sum += parts[slice * uniforms.stride + uniforms.first + at]; }
  result[uniforms.offset + at] = sum;
}
`,
  });
}

/** What is added up of each row. */
export interface RowTerms {
  readonly name: string;
  /** Terms of a row: sums are [terms, columns]. */
  readonly terms: number;
  readonly inputs: Readonly<Record<string, TensorInfo>>;
  readonly integers?: Readonly<Record<string, number>>;
  readonly isIndexed?: boolean;
  /** WGSL statements that add to `sum0`, `sum1`, ... for `row` and `column`. */
  readonly source: string;
}

/** Sums over `rows` of the terms, in parts: [parts, terms, columns]. */
export function sumRowsInParts(
  backend: WebGPUBackend,
  { rows, columns, rowTerms, output }: { rows: number; columns: number; rowTerms: RowTerms; output: TensorInfo },
): void {
  const { terms, inputs } = rowTerms;
  const { rowsPerPart, parts } = partsOf(rows);
  const perTerm = (line: (term: number) => string): string =>
    Array.from({ length: terms }, (_, i) => line(i)).join('\n');
  runProgram(backend, {
    name: `sum-rows-${rowTerms.name}`,
    variant: [rowTerms.isIndexed ?? false],
    threads: columnThreads * rowThreads,
    workgroups: parts * Math.ceil(columns / columnThreads),
    inputs: Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, view(tensor)])),
    integers: { rows, columns, parts, rowsPerPart, ...rowTerms.integers },
    output: view(output),
    source: () => `
var<workgroup> sums : array<f32, ${terms * columnThreads * rowThreads}>;
fn main() {
  let across = (uniforms.columns + ${columnThreads - 1}) / ${columnThreads};
  let part = workgroupIndex() / across;
  let thread = i32(localIndex);
  let lane = thread / ${columnThreads};
  let column = workgroupIndex() % across * ${columnThreads} + thread % ${columnThreads};
  ${perTerm((term) => `var sum${term} = 0.0;`)}
  if (column < uniforms.columns) {
    let end = min((part + 1) * uniforms.rowsPerPart, uniforms.rows);
    for (var row = part * uniforms.rowsPerPart + lane; row < end; row += ${rowThreads}) {
      ${rowTerms.source}
    }
  }
  ${perTerm((term) => `sums[${term * columnThreads * rowThreads} + thread] = sum${term};`)}
  workgroupBarrier();
  if (lane == 0 && column < uniforms.columns && part < uniforms.parts) {
    ${perTerm((term) => {
      const terms = Array.from(
        { length: rowThreads },
        (_, i) => `sums[${(term * rowThreads + i) * columnThreads} + thread]`,
      );
      return `result[(part * ${rowTerms.terms} + ${term}) * uniforms.columns + column] = ${terms.join(' + ')};`;
    })}
  }
}
`,
  });
}

/**
 * output[offset + c] = the sum over rows of x [rows, columns]; with `slots` only over rows whose slot is a pad (`tokens` or more).
 */
export function columnSums(
  backend: WebGPUBackend,
  options: {
    x: TensorInfo;
    rows: number;
    columns: number;
    output: TensorInfo;
    offset?: number;
    pads?: { slots: TensorInfo; tokens: number };
  },
): void {
  const { x, rows, columns, output, offset = 0, pads } = options;
  const value = 'sum0 += x[row * uniforms.columns + column];';
  const rowTerms: RowTerms = pads
    ? {
        name: 'of-pads',
        terms: 1,
        inputs: { x, slots: pads.slots },
        integers: { tokens: pads.tokens },
        source: `if (slots[row] >= uniforms.tokens) { ${value} }`,
      }
    : { name: 'of-all', terms: 1, inputs: { x }, source: value };
  const { parts } = partsOf(rows);
  withScratch(backend, [parts, columns], (scratch) => {
    sumRowsInParts(backend, { rows, columns, rowTerms, output: scratch });
    addSlices(backend, { parts: scratch, slices: parts, stride: columns, size: columns, output, offset });
  });
}
