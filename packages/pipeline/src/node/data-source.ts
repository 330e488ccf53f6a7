/** Data sets of a document: opened, and with their classes in the order that the model has them. */

import { setImmediate } from 'node:timers/promises';
import type { DataSource } from '@sparsevit/config';
import type { BrokenRecord, Dataset, Sample } from '@sparsevit/data';
import { createScenes, ignoredClass } from '@sparsevit/data';
import type { MaskDataset } from '@sparsevit/data/node';
import { readCocoBoxes, readImageFolder, readMaskFolders } from '@sparsevit/data/node';
import { inputError, quote } from './errors';

/** What a task learns from. */
export type Learns = 'labels' | 'masks' | 'boxes';

/** How a data set is opened. */
export interface OpenOptions {
  readonly learns: Learns;
  /** Whether a class without an example is broken, as it cannot be learnt. */
  readonly wantsEveryClass: boolean;
  readonly onEvent: (event: BrokenRecord) => void;
}

/**
 * Opens a data set; nothing outside of its paths is read.
 *
 * @throws ConfigError for one that is missing, empty or broken; SparseViTError for a class without examples
 */
export async function openSource(source: DataSource, options: OpenOptions): Promise<Dataset> {
  const dataset = await openData(source, options);
  return {
    ...dataset,
    async read(index, signal) {
      // Scenes are drawn, and models run, without a turn of the event loop: Ctrl-C would be heard only at the end.
      await setImmediate();
      return dataset.read(index, signal);
    },
  };
}

async function openData(source: DataSource, options: OpenOptions): Promise<Dataset> {
  const { learns, wantsEveryClass, onEvent } = options;
  const broken = { onBroken: source.onBroken, onEvent };
  switch (source.kind) {
    case 'scenes': {
      const { kind: _, onBroken: __, ...scenes } = source;
      const dataset = createScenes(scenes);
      // masks have 0 for what is no object
      return learns === 'masks' ? { ...dataset, classes: ['background', ...dataset.classes] } : dataset;
    }
    case 'coco': {
      const dataset = await readCocoBoxes(source.annotations, source.images, broken);
      if (!wantsEveryClass) return dataset;
      const found = new Set(dataset.images.flatMap(({ annotations }) => annotations.map(({ box }) => box.label)));
      checkClasses(dataset.classes, found, {
        ...broken,
        reason: 'it has no boxes',
        expected: `data: expected boxes of every class in ${quote(source.annotations)}`,
        remedy: 'Remove the category',
      });
      return dataset;
    }
    case 'image-folder':
      return readImageFolder(source.path, broken);
    case 'mask-folders': {
      const { images, masks, classes, ignoredValues } = source;
      const dataset = await readMaskFolders({ images, masks, classes, ignoredValues, ...broken });
      if (!wantsEveryClass) return dataset;
      checkClasses(classes, await classesInMasks(dataset), {
        ...broken,
        reason: 'it is in no mask',
        expected: `data: expected pixels of every class in the masks of ${quote(masks)}`,
        remedy: 'Remove the class',
      });
      return dataset;
    }
  }
}

/** The classes that masks have; reads one after the other until all were seen. What is broken counts as empty: training reports it. */
async function classesInMasks(dataset: MaskDataset): Promise<ReadonlySet<number>> {
  const found = new Set<number>();
  for (let index = 0; index < dataset.length && found.size < dataset.classes.length; index++) {
    const mask = await dataset.readMask(index).catch(() => new Uint8Array());
    for (const label of mask) if (label !== ignoredClass) found.add(label);
  }
  return found;
}

/**
 * Reports classes without an example.
 *
 * @throws SparseViTError for the first, unless such are skipped
 */
function checkClasses(
  classes: readonly string[],
  found: ReadonlySet<number>,
  options: {
    readonly onBroken: 'skip' | 'fail';
    readonly onEvent: (event: BrokenRecord) => void;
    readonly reason: string;
    /** What opens the error's message. */
    readonly expected: string;
    readonly remedy: string;
  },
): void {
  const { onBroken, onEvent, reason, expected, remedy } = options;
  for (const [label, id] of classes.entries()) {
    if (found.has(label)) continue;
    onEvent({ type: 'record-broken', kind: 'class', id, reason });
    if (onBroken === 'skip') continue;
    throw inputError(`${expected}, got none of ${quote(id)}. ${remedy}, or set onBroken to 'skip'.`);
  }
}

/**
 * The data set with its labels as indices into the given classes.
 *
 * @param what what opens the error's message
 * @throws SparseViTError for a class of the data that is not among them
 */
export function withClasses(dataset: Dataset, classes: readonly string[], what: string): Dataset {
  const labels = dataset.classes.map((name) => classes.indexOf(name));
  const unknown = dataset.classes[labels.indexOf(-1)];
  if (unknown !== undefined) {
    const known = classes.slice(0, 20).map(quote).join(', ');
    throw inputError(
      `${what}: expected classes of the model (${known}${classes.length > 20 ? ', ...' : ''}), got ${quote(unknown)} in the data.`,
    );
  }
  if (labels.every((label, i) => label === i)) return { ...dataset, classes };
  const labelOf = (label: number): number => labels[label] ?? label;
  const table = Uint8Array.from({ length: 256 }, (_, value) => (value === ignoredClass ? value : labelOf(value)));
  const renamed = ({ label, boxes, mask, ...rest }: Sample): Sample => ({
    ...rest,
    ...(label === undefined ? {} : { label: labelOf(label) }),
    ...(boxes && { boxes: boxes.map((box) => ({ ...box, label: labelOf(box.label) })) }),
    ...(mask && { mask: mask.map((value) => table[value] ?? value) }),
  });
  return { ...dataset, classes, read: async (index, signal) => renamed(await dataset.read(index, signal)) };
}

/** A data set whose paths have been made absolute. */
export function absoluteSource(source: DataSource, from: (path: string) => string): DataSource {
  switch (source.kind) {
    case 'coco':
      return { ...source, annotations: from(source.annotations), images: from(source.images) };
    case 'image-folder':
      return { ...source, path: from(source.path) };
    case 'mask-folders':
      return { ...source, images: from(source.images), masks: from(source.masks) };
    default:
      return source;
  }
}
