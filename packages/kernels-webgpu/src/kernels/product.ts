/** Running the tiled matrix product. */

import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from '../tensorflow/backend';
import { componentsOf, runProgram, view } from '../tensorflow/program';
import type { ProductVariant } from '../wgsl/product';
import { columnVectorsFor, productSource, productThreads, stepDepth, tileColumns, tileRows } from '../wgsl/product';

/** A product c = a b and what is done to it. */
export interface Product {
  readonly rows: number;
  readonly depth: number;
  readonly columns: number;
  /** a [rows, depth], or its transpose. */
  readonly left: TensorInfo;
  readonly isLeftTransposed?: boolean;
  /** b [depth, columns], or its transpose. */
  readonly right: TensorInfo;
  readonly isRightTransposed?: boolean;
  readonly bias?: TensorInfo | undefined;
  readonly hasGelu?: boolean;
  readonly scale?: TensorInfo | undefined;
  readonly residual?: TensorInfo | undefined;
  /** c, or one c for each slice of the depth, [slices, rows, columns]. */
  readonly output: TensorInfo;
  readonly slices?: number;
}

/** Workgroups that a product over all its depth has. */
export const tilesOf = (rows: number, columns: number): number =>
  Math.ceil(rows / tileRows) * Math.ceil(columns / tileColumns(columnVectorsFor(columns)));

/** Writes the product to `output`. */
export function multiply(backend: WebGPUBackend, product: Product): void {
  const { rows, depth, columns, left, right, bias, scale, residual, slices = 1 } = product;
  const { isLeftTransposed = false, isRightTransposed = false, hasGelu = false } = product;
  const outputComponents = componentsOf(columns);
  const variant: ProductVariant = {
    isLeftTransposed,
    isRightTransposed,
    leftComponents: componentsOf(isLeftTransposed ? rows : depth),
    rightComponents: componentsOf(isRightTransposed ? depth : columns),
    outputComponents,
    columnVectors: columnVectorsFor(columns),
    hasBias: bias !== undefined,
    hasGelu,
    hasScale: scale !== undefined,
    hasResidual: residual !== undefined,
  };
  runProgram(backend, {
    name: 'product',
    variant: Object.values(variant),
    threads: productThreads,
    workgroups: tilesOf(rows, columns) * slices,
    inputs: {
      x: view(left, variant.leftComponents),
      weight: view(right, variant.rightComponents),
      bias: view(bias, outputComponents),
      scale: view(scale),
      residual: view(residual, outputComponents),
    },
    integers: { rows, columns, depth, slices, steps: Math.ceil(depth / slices / stepDepth) },
    output: view(product.output, outputComponents),
    source: () => productSource(variant),
  });
}
