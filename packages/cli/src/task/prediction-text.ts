/** What a task says about a photo, as lines and as JSON. */

import type { PhotoPrediction } from '@sparsevit/tasks';

const mostClasses = 5;

/** The photo's name, and a line for each box, class or share of pixels. */
export function renderPrediction(input: string, prediction: PhotoPrediction, classes: readonly string[]): string {
  const nameOf = (label: number): string => classes[label] ?? String(label);
  switch (prediction.kind) {
    case 'boxes': {
      const { detections } = prediction;
      const lines = detections.map(({ className, score, ...box }) => {
        const [x, y, width, height] = [box.x, box.y, box.width, box.height].map((side) => side.toFixed(0));
        return `  ${className} ${score.toFixed(2)} at ${x},${y} ${width}x${height}\n`;
      });
      return `${input}: ${detections.length} ${detections.length === 1 ? 'box' : 'boxes'}\n${lines.join('')}`;
    }
    case 'mask': {
      const lines = sharesOf(prediction.mask).map(([label, share]) => `  ${nameOf(label)} ${percent(share)}\n`);
      return `${input}: ${lines.length} ${lines.length === 1 ? 'class' : 'classes'}\n${lines.join('')}`;
    }
    default: {
      const [best] = prediction.classes;
      const lines = prediction.classes
        .slice(0, mostClasses)
        .map(({ className, probability }) => `  ${className} ${percent(probability)}\n`);
      return `${input}: ${best?.className ?? 'no class'}\n${lines.join('')}`;
    }
  }
}

/** The same for a JSON document. */
export function predictionJson(prediction: PhotoPrediction, classes: readonly string[]): Record<string, unknown> {
  const named = (label: number): { class: string; label: number } => ({
    class: classes[label] ?? String(label),
    label,
  });
  switch (prediction.kind) {
    case 'boxes':
      return {
        detections: prediction.detections.map(({ label, score, x, y, width, height }) => ({
          ...named(label),
          score,
          box: { x, y, width, height },
        })),
      };
    case 'mask':
      return { classes: sharesOf(prediction.mask).map(([label, share]) => ({ ...named(label), share })) };
    default:
      return { classes: prediction.classes.map(({ label, probability }) => ({ ...named(label), probability })) };
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Shares of the pixels by class, the largest first. */
function sharesOf(mask: Uint8Array): [label: number, share: number][] {
  const counts = new Map<number, number>();
  for (const label of mask) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts]
    .map(([label, count]): [number, number] => [label, count / mask.length])
    .sort((a, b) => b[1] - a[1] || a[0] - b[0]);
}
