/**
 * Penalised least squares on relative errors that outliers do not pull away: sum of w_i (y_i - x_i b)^2 + strength * n * b^T P b.
 *
 * The weights are 1 / p_i^2 of the last prediction p_i (a relative error, without the pull towards low values of 1 / y_i^2) times Huber's
 * min(1, k s / |e_i|) for the relative error e_i and its robust deviation s. The strength is chosen by cross-validation.
 */

import { createRandom, randomOrder } from '@sparsevit/windows';
import { median, robustDeviation } from '../statistics';
import { solveBounded } from './bounded-least-squares';

/** How errors count: `huber` from 1.345 deviations on linearly, `squared` always in full. */
export type ErrorLoss = 'huber' | 'squared';

/** What is to be fitted. Columns and values should be of size 1. */
export interface PenalizedProblem {
  /** [rows * columns] */
  readonly design: Float64Array;
  readonly columns: number;
  /** [rows], each above 0. */
  readonly values: Float64Array;
  /** P, [columns * columns]. */
  readonly penalty: Float64Array;
  /** Strengths of the penalty to choose from, rising. */
  readonly strengths: readonly number[];
  /** Coefficients that may not be below 0. */
  readonly isBounded: readonly boolean[];
  readonly loss: ErrorLoss;
  readonly seed: number;
}

/** 95 % efficiency for normal errors (Huber 1964). */
const huberDeviations = 1.345;
/** Keeps every system solvable; small enough to leave twelve digits of a fit without noise. */
const leastRidge = 1e-12;
/** Errors are never taken to be smaller than this: where most rows are fitted exactly, the others are no outliers yet. */
const leastDeviation = 0.005;
const largestIterations = 8;
const selectionFolds = 5;

/** X^T W X and X^T W y of some rows. */
interface NormalEquations {
  readonly gram: Float64Array;
  readonly right: Float64Array;
}

/** Coefficients of the problem, [columns]. */
export function fitPenalized(problem: PenalizedProblem): { coefficients: Float64Array; strength: number } {
  const { values, strengths } = problem;
  const first = strengths[Math.floor(strengths.length / 2)] ?? 0;
  const flat = { weights: Float64Array.from(values, (value) => 1 / (value * value)), coefficients: undefined };
  // a first fit says which rows are outliers; they then count little where strengths are compared
  const rough = iterate(problem, first, flat, 3);
  const strength = strengths.length > 1 ? chooseStrength(problem, rough.weights, rough.coefficients) : first;
  return { coefficients: iterate(problem, strength, rough, largestIterations).coefficients, strength };
}

/** Fits and weighs again, until the coefficients stay. */
function iterate(
  problem: PenalizedProblem,
  strength: number,
  from: { weights: Float64Array; coefficients: Float64Array | undefined },
  iterations: number,
): { weights: Float64Array; coefficients: Float64Array } {
  const { isBounded } = problem;
  let { weights } = from;
  let coefficients = from.coefficients ?? new Float64Array(problem.columns);
  for (let iteration = 0; iteration < iterations; iteration++) {
    const equations = penalized(normalEquations(problem, weights), problem, strength);
    const next = solveBounded(equations.gram, equations.right, isBounded, coefficients);
    const change = next.reduce((sum, value, i) => sum + Math.abs(value - (coefficients[i] ?? 0)), 0);
    const size = next.reduce((sum, value) => sum + Math.abs(value), 0);
    coefficients = next;
    weights = weightsOf(problem, coefficients);
    if (change <= 1e-5 * size) break;
  }
  return { weights, coefficients };
}

function predictionOf({ design, columns }: PenalizedProblem, row: number, coefficients: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < columns; j++) sum += (design[row * columns + j] ?? 0) * (coefficients[j] ?? 0);
  return sum;
}

function weightsOf(problem: PenalizedProblem, coefficients: Float64Array): Float64Array {
  const { values, loss } = problem;
  const predictions = Float64Array.from(values, (value, row) =>
    // a prediction near or below 0 must not make its row the only one that counts
    Math.max(predictionOf(problem, row, coefficients), 0.2 * value),
  );
  const errors = Float64Array.from(values, (value, row) => value / (predictions[row] ?? 1) - 1);
  const deviation = loss === 'huber' ? Math.max(robustDeviation(errors), leastDeviation) : Number.POSITIVE_INFINITY;
  return Float64Array.from(predictions, (prediction, row) => {
    const distance = Math.abs(errors[row] ?? 0) / (huberDeviations * deviation);
    return (distance > 1 ? 1 / distance : 1) / (prediction * prediction);
  });
}

function normalEquations(
  { design, columns, values }: PenalizedProblem,
  weights: Float64Array,
  rows?: readonly number[],
): NormalEquations {
  const gram = new Float64Array(columns * columns);
  const right = new Float64Array(columns);
  const weighted = new Float64Array(columns);
  const used = new Int32Array(columns);
  const count = rows?.length ?? values.length;
  for (let i = 0; i < count; i++) {
    const row = rows?.[i] ?? i;
    const weight = weights[row] ?? 0;
    const offset = row * columns;
    const value = values[row] ?? 0;
    let uses = 0; // ramps and indicators are 0 in many columns
    for (let j = 0; j < columns; j++) {
      const entry = design[offset + j] ?? 0;
      if (entry === 0) continue;
      weighted[uses] = weight * entry;
      used[uses++] = j;
      right[j] = (right[j] ?? 0) + weight * entry * value;
    }
    for (let a = 0; a < uses; a++) {
      const scaled = weighted[a] ?? 0;
      const at = (used[a] ?? 0) * columns;
      for (let b = 0; b <= a; b++) {
        const j = used[b] ?? 0;
        gram[at + j] = (gram[at + j] ?? 0) + scaled * (design[offset + j] ?? 0);
      }
    }
  }
  for (let i = 0; i < columns; i++) {
    for (let j = 0; j < i; j++) gram[j * columns + i] = gram[i * columns + j] ?? 0;
  }
  return { gram, right };
}

/** Adds the penalty, whose size follows the number of rows and their weights (1 for values of size 1). */
function penalized(
  { gram, right }: NormalEquations,
  { penalty, columns, values }: PenalizedProblem,
  strength: number,
): NormalEquations {
  const total = gram.map((value, i) => value + strength * values.length * (penalty[i] ?? 0));
  for (let i = 0; i < columns; i++) total[i * columns + i] = (total[i * columns + i] ?? 0) + leastRidge * values.length;
  return { gram: total, right };
}

/** The strength of least error on rows that were left out; weights stay as they are. */
function chooseStrength(problem: PenalizedProblem, weights: Float64Array, start: Float64Array): number {
  const { values, strengths, isBounded, seed } = problem;
  const folds = Math.min(selectionFolds, values.length);
  const held: number[][] = Array.from({ length: folds }, () => []);
  randomOrder(values.length, createRandom(seed)).forEach((row, i) => {
    held[i % folds]?.push(row);
  });
  const all = normalEquations(problem, weights);
  const errors = new Float64Array(strengths.length);
  for (const rows of held) {
    const own = normalEquations(problem, weights, rows);
    const others = {
      gram: all.gram.map((value, i) => value - (own.gram[i] ?? 0)),
      right: all.right.map((value, i) => value - (own.right[i] ?? 0)),
    };
    let coefficients = start;
    for (let i = strengths.length - 1; i >= 0; i--) {
      const equations = penalized(others, problem, strengths[i] ?? 0);
      coefficients = solveBounded(equations.gram, equations.right, isBounded, coefficients);
      for (const row of rows) {
        const error = (values[row] ?? 0) - predictionOf(problem, row, coefficients);
        errors[i] = (errors[i] ?? 0) + (weights[row] ?? 0) * error * error;
      }
    }
  }
  const least = Math.min(...errors);
  // of strengths that do as well, the largest
  return strengths[errors.findLastIndex((error) => error <= 1.001 * least)] ?? median(strengths);
}
