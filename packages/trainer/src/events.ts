/** What a training run tells on its way; each is one line of JSON in a journal. */

import type { Sparsity } from '@sparsevit/windows';
import type { TrainingRecord } from './checkpoint';

/** An event of a run. */
export type TrainingEvent =
  | { readonly type: 'training-resumed'; readonly step: number; readonly name: string }
  | {
      readonly type: 'step-end';
      /** Steps done. */
      readonly step: number;
      readonly loss: number;
      readonly parts: Readonly<Record<string, number>>;
      /** Of all gradients, before clipping. */
      readonly gradientNorm: number;
      readonly sparsities: readonly (Sparsity | null)[];
      readonly items: readonly string[];
      readonly imagesPerSecond: number;
      readonly remainingMs: number;
    }
  | {
      readonly type: 'evaluation-end';
      readonly step: number;
      readonly score: number;
      readonly metrics: Readonly<Record<string, unknown>>;
    }
  | { readonly type: 'checkpoint-saved'; readonly step: number; readonly name: string }
  /** A file that is damaged: an earlier one is taken. */
  | { readonly type: 'checkpoint-skipped'; readonly name: string; readonly reason: string }
  | { readonly type: 'training-end'; readonly step: number; readonly best: TrainingRecord['best'] };
