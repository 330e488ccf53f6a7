/** What is trained, and how the steps differ. */

import { swinPresets } from '@sparsevit/config/presets';
import type { TaskConfig } from '@sparsevit/tasks';
import type { TrainingConfig } from '@sparsevit/trainer';
import type { SwinArchitecture } from '@sparsevit/windows';
import { uniformSparsity } from '@sparsevit/windows';

/** A model, its head and its images. */
export interface TrainingSubject {
  readonly name: string;
  readonly architecture: SwinArchitecture;
  readonly task: TaskConfig;
  readonly sidePixels: number;
  readonly batch: number;
}

/** How it is trained. */
export type TrainingKind = 'dense' | 'finetune 60 %' | 'adapt';

/** The kinds, in the order of the report. */
export const trainingKinds: readonly TrainingKind[] = ['dense', 'finetune 60 %', 'adapt'];

const detector: TaskConfig = { kind: 'detection', classes: ['a', 'b', 'c', 'd'], channels: 32 };
const classifier: TaskConfig = { kind: 'classification', classes: ['a', 'b', 'c', 'd'] };

/** The subjects by name. */
export const trainingSubjects: readonly TrainingSubject[] = [
  subject('swin-nano', 512, classifier),
  subject('swin-nano', 512, detector),
  subject('swin-t', 448, classifier),
  subject('swin-t', 448, detector),
];

function subject(preset: 'swin-nano' | 'swin-t', sidePixels: number, task: TaskConfig): TrainingSubject {
  return { name: `${preset} ${task.kind}`, architecture: swinPresets[preset], task, sidePixels, batch: 1 };
}

/** The trainer's config of a case: AdamW with the recipe's decay, clipping and a schedule, as users have it. */
export function trainingConfigOf({ architecture }: TrainingSubject, kind: TrainingKind, steps: number): TrainingConfig {
  return {
    seed: 0,
    steps,
    mode: kind === 'finetune 60 %' ? 'finetune' : kind,
    ...(kind === 'finetune 60 %' && { sparsity: uniformSparsity(architecture, 0.6) }),
    optimizer: { learningRate: 1e-4, clipNorm: 1, weightDecay: 0.05 },
    schedule: { kind: 'cosine', warmUpSteps: 2 },
  };
}
