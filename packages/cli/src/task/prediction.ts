/** What a task says about a photo, in the photo's own pixels. */

import type { RgbImage } from '@sparsevit/data';
import { boxToOriginal, letterbox, normalizeImage, resizePlacement, resizeSample } from '@sparsevit/data';
import type { TaskRunner } from '@sparsevit/pipeline';
import type { Detection, TaskConfig, TaskInput } from '@sparsevit/tasks';
import { decodeClasses, decodeDetections } from '@sparsevit/tasks';
import type { Sparsity } from '@sparsevit/windows';

/** What is found in a photo. */
export type Prediction =
  | { readonly kind: 'boxes'; readonly detections: readonly Detection[] }
  | {
      readonly kind: 'mask';
      /** [height, width] of the photo. */
      readonly mask: Uint8Array;
    }
  | {
      readonly kind: 'label';
      /** Every class, the most probable first. */
      readonly classes: readonly { readonly label: number; readonly probability: number }[];
    };

/** How it is asked for. */
export interface PredictionOptions {
  readonly task: TaskConfig;
  readonly input: TaskInput;
  readonly sparsity: Sparsity | null;
  readonly minScore: number;
}

/** Runs a task on a photo. */
export async function predictPhoto(
  runner: TaskRunner,
  photo: RgbImage,
  { input, sparsity, minScore }: PredictionOptions,
): Promise<Prediction> {
  const { seen, placement } = seenPhoto(photo, input);
  const pixels = normalizeImage(seen, input.normalization);
  const output = await runner.run({ pixels, shape: [1, seen.height, seen.width, 3], sparsity });
  switch (output.kind) {
    case 'detection': {
      const size = { height: photo.height * placement.scaleY, width: photo.width * placement.scaleX }; // without pads
      const [found = []] = decodeDetections(output, { minScore, sizes: [size] });
      return { kind: 'boxes', detections: found.map((detection) => boxToOriginal(detection, placement)) };
    }
    case 'semantic': {
      const [mask = new Uint8Array()] = decodeClasses(output.logits, photo, { placement, seen });
      return { kind: 'mask', mask };
    }
    default:
      return { kind: 'label', classes: probabilities(output.logits.values) };
  }
}

type Placement = ReturnType<typeof resizePlacement>;

/** The photo as the model sees it, in the way of evaluation. */
export function seenPhoto(photo: RgbImage, { size, keepRatio }: TaskInput): { seen: RgbImage; placement: Placement } {
  const sample = { id: 'photo', image: photo };
  if (size === null) return { seen: photo, placement: resizePlacement(photo, photo) };
  if (!keepRatio) return { seen: resizeSample(sample, size).image, placement: resizePlacement(photo, size) };
  const { sample: seen, placement } = letterbox(sample, { ...size, align: 'corner' });
  return { seen: seen.image, placement };
}

function probabilities(logits: Float32Array): { label: number; probability: number }[] {
  const largest = logits.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const powers = Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers
    .map((power, label) => ({ label, probability: power / sum }))
    .sort((a, b) => b.probability - a.probability || a.label - b.label);
}
