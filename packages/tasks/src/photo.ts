/** A photo as a task sees it, and what the task says about it, in the photo's own pixels. */

import type { ImageSize, Placement, RgbImage, Sample } from '@sparsevit/data';
import { boxToOriginal, letterbox, resizePlacement, resizeSample } from '@sparsevit/data';
import type { TaskConfig } from './config';
import type { SeenPlacement } from './decode/classes';
import { decodeClasses } from './decode/classes';
import type { DecodeMap, Detection } from './decode/detections';
import { decodeDetections } from './decode/detections';
import type { TaskInput } from './input';
import type { TaskOutput } from './task';

/** A photo at the size that a task sees, and where its pixels went. */
export interface SeenPhoto extends SeenPlacement {
  readonly placement: Placement;
  readonly seen: RgbImage;
}

/** A box that was found, with the name of its class; pixels of the photo. */
export interface NamedDetection extends Detection {
  readonly className: string;
}

/** How probable a class is. */
export interface NamedProbability {
  readonly label: number;
  readonly className: string;
  /** 0 to 1; those of all classes add up to 1. */
  readonly probability: number;
}

/** What a task says about a photo. */
export type PhotoPrediction =
  | {
      readonly kind: 'boxes';
      /** The best first. */
      readonly detections: readonly NamedDetection[];
    }
  | {
      readonly kind: 'mask';
      /** The class of each pixel, [height, width] of the photo. */
      readonly mask: Uint8Array;
    }
  | {
      readonly kind: 'label';
      /** Every class, the most probable first. */
      readonly classes: readonly NamedProbability[];
    };

/** What an output is read with. */
export interface DecodePhotoOptions extends SeenPlacement {
  /** The task whose output it is. */
  readonly task: Pick<TaskConfig, 'classes'>;
  /** Boxes that score less are left out; default 0.3. */
  readonly minScore?: number | undefined;
}

/**
 * A photo as a task sees it, in the way of its evaluation: at its own size, stretched to another, or fitted into one from the upper left corner.
 *
 * @throws ImageError for pixels that are no image; ConfigError for a size of more than 100 million pixels
 * @example
 * const { seen, placement } = seenPhoto(photo, taskInputOf(checkpoint));
 * const pixels = normalizeImage(seen, taskInputOf(checkpoint).normalization); // [seen.height, seen.width, 3]
 */
export function seenPhoto(photo: RgbImage, input: Pick<TaskInput, 'size' | 'keepRatio'>): SeenPhoto {
  const { seen, placement } = seenSample({ id: 'photo', image: photo }, input);
  return { seen: seen.image, placement };
}

/**
 * A sample of a data set as a task sees it, with its boxes and masks: as `seenPhoto` for its image.
 *
 * @throws as `seenPhoto`
 * @example
 * const { seen } = seenSample(await dataset.read(0), taskInputOf(checkpoint));
 */
export function seenSample(
  sample: Sample,
  { size, keepRatio }: Pick<TaskInput, 'size' | 'keepRatio'>,
): { readonly seen: Sample; readonly placement: Placement } {
  const { image } = sample;
  if (size === null) return { seen: sample, placement: resizePlacement(image, image) };
  if (!keepRatio) return { seen: resizeSample(sample, size), placement: resizePlacement(image, size) };
  const { sample: seen, placement } = letterbox(sample, { ...size, align: 'corner' });
  return { seen, placement };
}

/**
 * What the output of a task for one image says about the photo: boxes cut at its borders, a class for each of its pixels, or every class by
 * probability (softmax).
 *
 * @param output of a batch of one image, on the host
 * @param photo its sides in pixels
 * @param options with `placement`, where the photo lies in what the task saw (`seen`); `seenPhoto` gives both
 * @throws ShapeError for maps that do not go together
 * @example
 * const { seen, placement } = seenPhoto(photo, input);
 * const prediction = decodePhoto(output, photo, { task: checkpoint.config, seen, placement, minScore: 0.5 });
 */
export function decodePhoto(
  output: TaskOutput<DecodeMap>,
  photo: ImageSize,
  { task, placement, seen, minScore = 0.3 }: DecodePhotoOptions,
): PhotoPrediction {
  const named = (label: number) => ({ label, className: task.classes[label] ?? String(label) });
  switch (output.kind) {
    case 'detection': {
      const size = { height: photo.height * placement.scaleY, width: photo.width * placement.scaleX }; // without pads
      const [found = []] = decodeDetections(output, { minScore, sizes: [size] });
      return {
        kind: 'boxes',
        detections: found.map((detection) => ({ ...boxToOriginal(detection, placement), ...named(detection.label) })),
      };
    }
    case 'semantic': {
      const [mask = new Uint8Array()] = decodeClasses(output.logits, photo, { placement, seen });
      return { kind: 'mask', mask };
    }
    default:
      return {
        kind: 'label',
        classes: softmax(output.logits.values)
          .map((probability, label) => ({ ...named(label), probability }))
          .sort((a, b) => b.probability - a.probability || a.label - b.label),
      };
  }
}

function softmax(logits: Float32Array): number[] {
  const largest = logits.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const powers = Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
