/** One annotation file as three, so that nothing is judged by what it was chosen by. */

import type { Random } from '@sparsevit/windows';
import { createRandom, randomOrder } from '@sparsevit/windows';

/** A document of COCO, as far as splitting looks at it. */
interface CocoLike {
  readonly images: readonly { readonly id: unknown }[];
  readonly annotations: readonly { readonly image_id: unknown }[];
}

/** The parts of a split. */
export const splitNames = ['train', 'validation', 'test'] as const;

/** Shares of the images. */
const shares = { train: 0.6, validation: 0.2, test: 0.2 } as const;

/**
 * Splits a document of COCO by its images: 60 % to learn from, 20 % to search by, 20 % to judge by, drawn with a seed. Everything else stays in each part.
 *
 * @example
 * const { train, validation, test } = splitCoco(JSON.parse(text), 0);
 */
export function splitCoco<Document extends CocoLike>(
  document: Document,
  seed: number,
): Readonly<Record<(typeof splitNames)[number], Document>> {
  const random: Random = createRandom(seed);
  const order = [...randomOrder(document.images.length, random)];
  const validation = Math.max(1, Math.round(shares.validation * order.length));
  const test = Math.max(1, Math.round(shares.test * order.length));
  const places = {
    test: order.slice(0, test),
    validation: order.slice(test, test + validation),
    train: order.slice(test + validation),
  };
  const part = (wanted: readonly number[]): Document => {
    const kept = new Set(wanted);
    const images = document.images.filter((_, place) => kept.has(place));
    const ids = new Set(images.map(({ id }) => id));
    return { ...document, images, annotations: document.annotations.filter(({ image_id }) => ids.has(image_id)) };
  };
  return { train: part(places.train), validation: part(places.validation), test: part(places.test) };
}
