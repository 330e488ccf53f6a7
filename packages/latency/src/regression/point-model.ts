/** What every kind of regression comes down to: features -> milliseconds, and a document. */

import type { AdditiveDocument } from './additive';
import type { BoostedDocument } from './boosted';
import type { LinearDocument } from './linear';

/** The numbers of a fitted model, as they are saved. */
export type PointModelDocument = LinearDocument | AdditiveDocument | BoostedDocument;

/** A fitted model without an interval. */
export interface PointModel {
  /** Milliseconds, above 0. */
  predictMs(features: ArrayLike<number>): number;
  toJSON(): PointModelDocument;
}

/** A prediction is never below this share of the least time that was fitted: a straight line may cross 0, a latency cannot. */
export const leastShare = 0.05;
