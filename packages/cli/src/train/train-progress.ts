/** Training as one line: how far, the loss, the speed, and how long it will take. */

import type { TrainingEvent } from '@sparsevit/trainer';
import { formatNumber } from '../table';

const barWidth = 16;

/** `step 12/100 [==              ] loss 0.532, 3.10 images/s, 0:42 left` */
export function renderStep(event: Extract<TrainingEvent, { type: 'step-end' }>, steps: number): string {
  const { step, loss, imagesPerSecond, remainingMs } = event;
  const done = steps === 0 ? barWidth : Math.floor((barWidth * step) / steps);
  const bar = `${'='.repeat(done)}${' '.repeat(barWidth - done)}`;
  return `step ${step}/${steps} [${bar}] loss ${formatNumber(loss)}, ${formatNumber(imagesPerSecond)} images/s, ${renderDuration(remainingMs)} left`;
}

/** `0:42`, `12:05`, `3:07:00` */
export function renderDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const two = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
