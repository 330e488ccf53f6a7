/** Training as one line: how far, the loss, the speed, and how long it will take. */

import type { TrainingEvent } from '@sparsevit/trainer';
import { renderBar, renderDuration } from '../progress';
import { formatNumber } from '../table';

/** `step 12/100 [==              ] loss 0.532, 3.10 images/s, 0:42 left` */
export function renderStep(event: Extract<TrainingEvent, { type: 'step-end' }>, steps: number): string {
  const { step, loss, imagesPerSecond, remainingMs } = event;
  return `step ${step}/${steps} [${renderBar(step, steps)}] loss ${formatNumber(loss)}, ${formatNumber(imagesPerSecond)} images/s, ${renderDuration(remainingMs)} left`;
}
