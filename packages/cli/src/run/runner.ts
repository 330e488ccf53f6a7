/** What runs a model, whatever computes: TensorFlow.js on one of its backends, or the engine. */

import type { KeptWindowIds, Sparsity } from '@sparsevit/windows';

/** An image batch as the model takes it. */
export interface RunInput {
  readonly values: Float32Array;
  readonly shape: readonly [number, number, number, number];
}

/** A map or the logits that a run gave. */
export interface RunMap {
  /** Of which stage it is the output; null for logits. */
  readonly stage: number | null;
  readonly shape: readonly number[];
  /** The sum of its values: not finite when one of them is not. */
  sum(): Promise<number>;
  read(): Promise<Float32Array>;
  /** Frees it before the rest. */
  release(): void;
}

/** What a run gave; `release` it. */
export interface RunOutput {
  readonly maps: readonly RunMap[];
  readWindows(): Promise<KeptWindowIds[]>;
  release(): void;
}

/** A forward that is ready to run. */
export interface PreparedRun {
  /** Milliseconds that making it took; null where nothing is made. */
  readonly compileMs: number | null;
  /** Ends when everything is computed. */
  run(): Promise<RunOutput>;
  release(): void;
}

/** Something that did not work, with the reason. */
export interface Refusal {
  readonly reason: string;
}

/** What runs the model, for the report. */
export interface RunnerFacts {
  readonly backend: string;
  readonly detail: string;
  /** Why this one, where several were tried. */
  readonly chosenBecause: string | null;
  /** What was meant to run and does not. */
  readonly refused: readonly Refusal[];
  /** What else the text report says behind the backend's name, comma-separated. */
  readonly more: string;
  /** What else the JSON report has. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** Runs one model. */
export interface Runner {
  readonly facts: RunnerFacts;
  prepare(input: RunInput, sparsity: Sparsity | null): Promise<PreparedRun>;
  /** The error to report for one that came out of a run. */
  explain(error: unknown): unknown;
  dispose(): Promise<void>;
}
