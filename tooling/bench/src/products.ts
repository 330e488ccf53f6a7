/**
 * The matrix products of a forward against the same products alone: how much of the machine's limit is left when they are called in the
 * middle of a model, with their epilogues, on data that other kernels wrote.
 */

import { kernelNames } from '@sparsevit/windows';
import type { NamedAttrMap, NamedTensorMap, Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { ProductCall, RunProfile } from './profile';
import { median } from './statistics';

/** Speeds of the same products, in giga floating-point operations per second (two per multiply-accumulate). */
export interface ProductSpeeds {
  /** In the forward, epilogues included. */
  readonly insideGflops: number;
  /** Alone: no bias, no GELU, no residual. */
  readonly bareGflops: number;
  /** Alone, with their epilogues. */
  readonly withEpiloguesGflops: number;
  /** inside / bare. */
  readonly shareOfBare: number;
}

type Shape = Omit<ProductCall, 'durationMs'>;

/** The milliseconds of all products of a forward, alone. */
export interface ProductTimes {
  readonly bareMs: number;
  readonly withEpiloguesMs: number;
}

/** Runs the products of a profiled forward alone, right after it: on tensors of their own, each of one shape once. */
export function timeProducts({ products }: RunProfile, now: () => number): ProductTimes {
  const sumOf = (simplify: (shape: Shape) => Shape): number => {
    const times = new Map<string, number>();
    return products.reduce((sum, { durationMs: _, ...call }) => {
      const shape = simplify(call);
      const key = Object.values(shape).join(' ');
      const ms = times.get(key) ?? timeProduct(shape, now);
      times.set(key, ms);
      return sum + ms;
    }, 0);
  };
  return {
    bareMs: sumOf((shape) => ({ ...shape, hasBias: false, hasGelu: false, hasResidual: false })),
    withEpiloguesMs: sumOf((shape) => shape),
  };
}

/**
 * Compares profiled forwards with their products alone, each with the one that followed it.
 *
 * @throws RangeError without a profile
 */
export function compareProducts(profiles: readonly RunProfile[], alone: readonly ProductTimes[]): ProductSpeeds {
  const [first] = profiles;
  if (first === undefined) throw new RangeError('compareProducts: expected profiled runs, got none.');
  const flops = first.products.reduce((sum, { rows, depth, columns }) => sum + 2 * rows * depth * columns, 0);
  const gflops = (ms: number): number => flops / ms / 1e6;
  const insideMs = profiles.map(({ products }) => products.reduce((sum, { durationMs }) => sum + durationMs, 0));
  return {
    insideGflops: gflops(median(insideMs)),
    bareGflops: gflops(median(alone.map(({ bareMs }) => bareMs))),
    withEpiloguesGflops: gflops(median(alone.map(({ withEpiloguesMs }) => withEpiloguesMs))),
    shareOfBare: median(alone.map(({ bareMs }, run) => bareMs / (insideMs[run] ?? Number.NaN))),
  };
}

/** The time of one product after a first run, which packs the weight. */
function timeProduct({ rows, depth, columns, hasBias, hasGelu, hasResidual }: Shape, now: () => number): number {
  const given: Record<string, Tensor> = {
    x: tf.fill([rows, depth], 0.5),
    weight: tf.fill([depth, columns], 0.25),
    ...(hasBias && { bias: tf.zeros([columns]) }),
    ...(hasResidual && { residual: tf.zeros([rows, columns]) }),
  };
  const run = (): number => {
    const start = now();
    const result = tf
      .engine()
      .runKernel(kernelNames.linear, given as NamedTensorMap, { gelu: hasGelu } as unknown as NamedAttrMap);
    const duration = now() - start;
    tf.dispose(result);
    return duration;
  };
  run();
  const ms = run();
  tf.dispose(given);
  return ms;
}
