/** The document a run writes. */

import type { CaseKind, CaseSpec } from './cases';
import type { ColdResult } from './cold';
import type { Measurement, Protocol } from './measure';
import type { ProductSpeeds } from './products';
import type { Profile } from './profile';
import type { CaseTime } from './summary';

/** Where it ran. */
export interface Machine {
  /** `Node 24.1.0`, `Chromium 140`. */
  readonly runtime: string;
  readonly os: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number | null;
  /** What TensorFlow.js's backend runs on, and the kernels installed on it. */
  readonly backend: string;
  readonly kernels: string;
  readonly versions: Readonly<Record<string, string>>;
  /** Of the sources; `-dirty` where they were changed. */
  readonly gitCommit: string | null;
  readonly flags: readonly string[];
  /** One-minute load average before the run; null where unknown. */
  readonly loadBefore: number | null;
}

/** The figures of one case. */
export interface CaseResult extends CaseSpec, CaseTime {
  /** Of one forward. */
  readonly gmacs: number;
  readonly msPerGmac: number;
}

/** Cases that were measured against each other. */
export interface GroupResult {
  readonly sizePixels: number;
  readonly cases: readonly CaseResult[];
  readonly raw: Measurement;
  /** The furthest that the sentinel was from its median: 0.05 is 5 %. */
  readonly largestDrift: number;
}

/** Profile of one forward. */
export interface ProfileResult extends Profile {
  readonly kind: CaseKind;
  readonly configuration: string;
  readonly sizePixels: number;
  readonly products: ProductSpeeds | null;
}

/** How the time grows, by straight lines through the measured rows. */
export interface Growth {
  /** Uniform rows of a size: time relative to dense at no multiply-accumulates, and its growth to 1 at all of them. */
  readonly withMacs: readonly { readonly sizePixels: number; readonly atZero: number; readonly perShare: number }[];
  /** Dense: t ~ pixels^exponent over all sizes; null for a single size. */
  readonly pixelsExponent: number | null;
}

/** Everything. */
export interface BenchResult {
  readonly version: 1;
  readonly kind: 'sparsevit-bench';
  readonly date: string;
  readonly command: string;
  readonly machine: Machine;
  readonly protocol: Protocol;
  readonly seed: number;
  readonly groups: readonly GroupResult[];
  readonly training: GroupResult | null;
  readonly profiles: readonly ProfileResult[];
  readonly cold: readonly ColdResult[];
  readonly growth: Growth;
  readonly warnings: readonly string[];
}
