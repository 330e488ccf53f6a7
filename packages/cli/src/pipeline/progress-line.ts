/** What a pipeline tells, as one line. */

import type { PipelineEvent, PipelineStage } from '@sparsevit/pipeline/node';
import { renderBar, renderDuration } from '../progress';
import { formatNumber } from '../table';

/** What each stage does, for people. */
export const stageTitles: Readonly<Record<PipelineStage, string>> = {
  train: 'dense training',
  dense: 'dense model judged',
  adapt: 'adaptation to sparsity',
  profile: 'latencies measured',
  search: 'sparsity searched',
  finetune: 'fine-tuning',
  evaluate: 'result judged and timed',
  report: 'report',
};

/** The line of an event; null for one without. */
export function renderPipelineEvent({
  stage,
  event,
}: Extract<PipelineEvent, { type: 'stage-progress' }>): string | null {
  const title = stageTitles[stage];
  switch (event.type) {
    case 'step-end':
      return `${title}: step ${event.step}, loss ${formatNumber(event.loss)}, ${formatNumber(event.imagesPerSecond)} images/s, ${renderDuration(event.remainingMs)} left`;
    case 'image-evaluated':
      return `${title}: image ${event.index + 1} of ${event.count}`;
    case 'evaluation-end':
      if (!('candidate' in event)) return null;
      return searchLine(title, event.progress, event.remainingMs);
    case 'measurement-end':
      return `${title}: measuring the best, ${event.done} of ${event.count}`;
    case 'case-start':
      return `${title}: ${event.name} (${event.place + 1} of ${event.count})`;
    case 'case-measured':
      return `${title}: timing ${event.name} (${event.place + 1} of ${event.count})`;
    default: {
      if (!('progress' in event) || !('visitsDone' in event.progress)) return null;
      const { visitsDone, visits } = event.progress;
      return `${title}: ${visitsDone} of ${visits} visits [${renderBar(visitsDone, visits)}]`;
    }
  }
}

function searchLine(
  title: string,
  { evaluations, maxEvaluations }: { readonly evaluations: number; readonly maxEvaluations: number },
  remainingMs: number,
): string {
  return `${title}: ${evaluations} of ${maxEvaluations} [${renderBar(evaluations, maxEvaluations)}] ${renderDuration(remainingMs)} left`;
}
