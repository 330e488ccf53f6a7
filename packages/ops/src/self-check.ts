/**
 * Whether the installed kernels compute what they should: every op on small inputs through the kernels and through plain TensorFlow.js ops.
 * It runs once, where an application starts, since drivers and browsers differ from the machines that a pack was tested on.
 */

import type { Selection, WindowGrid, WindowOps } from '@sparsevit/windows';
import { createRandom, createWindowGrid } from '@sparsevit/windows';
import { withoutKernels } from './kernels';
import { gelu } from './linear';
import { messageOf } from './message-of';
import type { Tensor } from './tensor';
import { dispose, keep, tensor, tidy } from './tensor';
import { createTensorOps } from './tensor-ops';

/** What kernels may differ by: values are of order 1, and orders of summation differ. */
export const selfCheckTolerance = 1e-4;

/** What the check found. */
export interface SelfCheckResult {
  /** Infinity where a kernel failed, or gave something else than numbers. */
  readonly largestDifference: number;
  /** What is wrong; null when all is right. */
  readonly reason: string | null;
}

/** Random numbers, uniform in -limit..limit. */
interface CheckInput {
  readonly shape: readonly number[];
  readonly limit: number;
}

/** One thing to compute in both ways: from inputs made once to what is compared. */
interface SelfCheckCase {
  readonly name: string;
  readonly inputs: Readonly<Record<string, CheckInput>>;
  compute(ops: WindowOps<Tensor>, inputs: Readonly<Record<string, Tensor>>): Tensor[];
}

/** Compares the kernels of the active backend with its plain ops. Leaves no tensors behind. */
export async function checkKernels(): Promise<SelfCheckResult> {
  const ops = createTensorOps();
  let worst: { name: string; difference: number } = { name: '', difference: 0 };
  for (const [seed, check] of selfCheckCases().entries()) {
    const outcome = await compare(ops, check, seed + 1);
    if (typeof outcome === 'string') return { largestDifference: Number.POSITIVE_INFINITY, reason: outcome };
    if (outcome > worst.difference) worst = { name: check.name, difference: outcome };
  }
  const { name, difference } = worst;
  const reason = difference <= selfCheckTolerance ? null : `a difference of ${difference.toPrecision(3)} in ${name}`;
  return { largestDifference: difference, reason };
}

/** The largest difference, or what went wrong. */
async function compare(ops: WindowOps<Tensor>, check: SelfCheckCase, seed: number): Promise<number | string> {
  const random = createRandom(seed);
  const made: Tensor[] = [];
  const run = (inputs: Record<string, Tensor>): Tensor[] => {
    const results = tidy(() => check.compute(ops, inputs).map((result) => keep(result)));
    made.push(...results);
    return results;
  };
  try {
    const inputs: Record<string, Tensor> = {};
    for (const [name, { shape, limit }] of Object.entries(check.inputs)) {
      const size = shape.reduce((product, side) => product * side, 1);
      const drawn = Float32Array.from({ length: size }, () => limit * (2 * random.uniform() - 1));
      const input = tensor(drawn, [...shape], 'float32');
      inputs[name] = input;
      made.push(input);
    }
    const expected = withoutKernels(() => run(inputs));
    let actual: Tensor[];
    try {
      actual = run(inputs);
    } catch (error) {
      return `an error in ${check.name} (${messageOf(error)})`;
    }
    let largest = 0;
    for (const [i, reference] of expected.entries()) {
      const result = actual[i];
      if (result === undefined || String(result.shape) !== String(reference.shape)) {
        return `the shape [${result?.shape.join(', ')}] instead of [${reference.shape.join(', ')}] in ${check.name}`;
      }
      largest = Math.max(largest, largestDifference(await result.data(), await reference.data()));
      if (largest === Number.POSITIVE_INFINITY) return `NaN or infinite values in ${check.name}`;
    }
    return largest;
  } finally {
    dispose(made);
  }
}

function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((actual[i] ?? Number.NaN) - (expected[i] ?? Number.NaN));
    if (!Number.isFinite(difference)) return Number.POSITIVE_INFINITY;
    largest = Math.max(largest, difference);
  }
  return largest;
}

/**
 * What is compared: little, since on webgpu each op of the reference path is a program that is compiled for this only. Heads of 32 channels
 * are what kernels are fast at, and 12 channels in 3 heads fit no vector; both grids are padded.
 */
function selfCheckCases(): SelfCheckCase[] {
  const shifted = createWindowGrid({
    ...{ batch: 2, height: 16, width: 9, window: 7, isShifted: true }, // 3 x 2 windows in each image
    rules: { pad: 'after-norm', shift: 'pad-then-roll', shiftOff: 'never' },
  });
  const regular = createWindowGrid({
    ...{ batch: 1, height: 6, width: 7, window: 4, isShifted: false }, // 2 x 2 windows
    rules: { pad: 'before-norm', shift: 'roll-then-pad', shiftOff: 'never' },
  });
  return [
    linearCase,
    normCase,
    choiceCase(shifted),
    blockCase('a block on kept windows', { grid: shifted, kept: [4, 0, 5, 5, 2, 1], channels: 64, heads: 2 }),
    blockCase('a block on all windows', { grid: regular, kept: null, channels: 12, heads: 3 }),
  ];
}

const linearCase: SelfCheckCase = {
  name: 'a linear layer',
  inputs: {
    x: { shape: [13, 64], limit: 1 },
    weight: { shape: [64, 12], limit: 0.2 },
    bias: { shape: [12], limit: 1 },
    residual: { shape: [13, 12], limit: 1 },
    scale: { shape: [13, 1], limit: 1 },
  },
  compute(ops, w) {
    const x = given(w.x);
    const weights = { weight: given(w.weight), bias: given(w.bias) };
    const residual = given(w.residual);
    return [
      ops.linear(x, { weight: weights.weight, bias: null }),
      ops.linear(x, weights, { gelu: true, residual }),
      ops.linear(x, weights, { residual, scale: given(w.scale) }),
    ];
  },
};

const normCase: SelfCheckCase = {
  name: 'GELU and a layer norm',
  inputs: {
    x: { shape: [3, 5, 12], limit: 4 },
    weight: { shape: [12], limit: 1 },
    bias: { shape: [12], limit: 1 },
  },
  compute: (ops, w) => [gelu(given(w.x)), ops.layerNorm(given(w.x), { weight: given(w.weight), bias: given(w.bias) })],
};

function choiceCase(grid: WindowGrid): SelfCheckCase {
  const { batch, height, width } = grid;
  return {
    name: 'scores and the choice of windows',
    inputs: {
      x: { shape: [batch, height, width, 12], limit: 1 },
      importance: { shape: [batch, height, width], limit: 1 },
    },
    compute(ops, w) {
      const scores = ops.windowScores(given(w.importance), grid, 'left-out');
      const selection = ops.selectWindows(scores, grid, { kind: 'topk', keptPerImage: 3 });
      return [
        ops.magnitude(given(w.x), 'l1-mean'),
        ops.magnitude(given(w.x), 'l2'),
        ops.windowScores(given(w.importance), grid, 'counted'),
        scores,
        ...(selection.kind === 'topk' && selection.ids !== null ? [selection.ids] : []),
      ];
    },
  };
}

/** A whole block of a Swin: norm, attention and MLP on kept windows, written back into the map. */
function blockCase(
  name: string,
  { grid, kept, channels, heads }: { grid: WindowGrid; kept: number[] | null; channels: number; heads: number },
): SelfCheckCase {
  const values = (...shape: number[]): CheckInput => ({ shape, limit: 1 });
  // of variance 1 / rows, so that a product with it keeps the order of its input
  const matrix = (rows: number, columns: number): CheckInput => ({
    shape: [rows, columns],
    limit: Math.sqrt(3 / rows),
  });
  return {
    name,
    inputs: {
      map: values(grid.batch, grid.height, grid.width, channels),
      normWeight: values(channels),
      normBias: values(channels),
      qkv: matrix(channels, 3 * channels),
      qkvBias: values(3 * channels),
      table: values((2 * grid.window - 1) ** 2, heads),
      projection: matrix(channels, channels),
      expand: matrix(channels, 2 * channels),
      contract: matrix(2 * channels, channels),
    },
    compute(ops, w) {
      const norm = { weight: given(w.normWeight), bias: given(w.normBias) };
      const selection: Selection<Tensor> =
        kept === null ? { kind: 'all' } : ops.givenWindows(Int32Array.from(kept), grid, kept.length / grid.batch);
      const block = ops.mapWindows(given(w.map), selection, grid, (windows) => {
        const rows = ops.normWindows(windows, norm);
        const qkv = ops.linear(rows, { weight: given(w.qkv), bias: given(w.qkvBias) });
        const attended = ops.windowAttention(windows, qkv, given(w.table));
        const y = ops.linear(attended, { weight: given(w.projection), bias: null }, { residual: windows.tokens });
        const hidden = ops.linear(ops.layerNorm(y, norm), { weight: given(w.expand), bias: null }, { gelu: true });
        return ops.linear(hidden, { weight: given(w.contract), bias: null }, { residual: y });
      });
      return [block];
    },
  };
}

function given(input: Tensor | undefined): Tensor {
  if (input === undefined) throw new RangeError('self-check: expected an input of every name, got none.');
  return input;
}
