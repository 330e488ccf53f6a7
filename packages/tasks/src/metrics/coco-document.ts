/** COCO's JSON, with COCO's own keys, to what an evaluator takes. */

import type { CocoBox, CocoRle, Rle } from '@sparsevit/data';
import { checkBox, parseRle, rleFromPolygons } from '@sparsevit/data';
import { ConfigError, SparseViTError } from '@sparsevit/windows';
import type { CocoDetection, CocoKind, CocoTruth } from './coco-items';
import { checkDetection, checkTruth } from './coco-items';

/** An image of a file of annotations; its sides are needed where masks are polygons. */
export interface CocoImage {
  readonly id: number;
  readonly height?: number;
  readonly width?: number;
}

/** An annotation: an object in an image. */
export interface CocoAnnotation {
  readonly image_id: number;
  readonly category_id: number;
  readonly area: number;
  readonly iscrowd?: number;
  readonly bbox?: readonly number[];
  readonly segmentation?: readonly (readonly number[])[] | CocoRle;
}

/** A line of a file of results. */
export interface CocoResult {
  readonly image_id: number;
  readonly category_id: number;
  readonly score: number;
  readonly bbox?: readonly number[];
  readonly segmentation?: CocoRle;
}

/** A file of annotations, such as `instances_val2017.json`; more keys than these may be there. */
export interface CocoDocument {
  readonly images: readonly CocoImage[];
  readonly annotations: readonly CocoAnnotation[];
  readonly categories: readonly { readonly id: number; readonly name?: string }[];
}

/** The objects and detections of an image, as an evaluator takes them. */
export interface ItemsOfImage {
  readonly image: CocoImage;
  readonly truths: CocoTruth[];
  readonly detections: CocoDetection[];
}

/** Sorts annotations and results by image and reads the boxes or masks of them. */
export function readItems(
  document: CocoDocument,
  results: readonly CocoResult[],
  kind: CocoKind,
): Map<number, ItemsOfImage> {
  for (const key of ['images', 'annotations', 'categories'] as const) checkList(document?.[key], key);
  checkList(results, 'detections');
  const items = new Map<number, ItemsOfImage>();
  for (const image of document.images) {
    if (items.has(image.id)) throw new ConfigError(`evaluateCoco: expected every image once, got ${image.id} twice.`);
    items.set(image.id, { image, truths: [], detections: [] });
  }
  const categories = new Set(document.categories.map(({ id }) => id));
  const isKnown = (id: number): boolean => categories.has(id);
  const itemsOf = (imageId: number, name: string): ItemsOfImage => {
    const found = items.get(imageId);
    if (found !== undefined) return found;
    throw new ConfigError(`${name}: expected image_id to be of an image of the document, got ${String(imageId)}.`);
  };
  for (const [index, annotation] of document.annotations.entries()) {
    const name = `evaluateCoco: annotations[${index}]`;
    const { image, truths } = itemsOf(annotation.image_id, name);
    const { category_id: categoryId, area } = annotation;
    const region = readRegion(annotation, { kind, image, name });
    const truth = { categoryId, area, isCrowd: isCrowdOf(annotation, name), ...region };
    checkTruth(truth, { kind, isKnown, name });
    truths.push(truth);
  }
  for (const [index, result] of results.entries()) {
    const name = `evaluateCoco: detections[${index}]`;
    const { image, detections } = itemsOf(result.image_id, name);
    const { category_id: categoryId, score } = result;
    const detection = { categoryId, score, ...readRegion(result, { kind, image, name }) };
    checkDetection(detection, { kind, isKnown, name });
    detections.push(detection);
  }
  return items;
}

/** A list of objects, or an error: what comes from JSON has any form. */
function checkList(list: unknown, name: string): void {
  if (!Array.isArray(list)) throw new ConfigError(`evaluateCoco: expected ${name} to be a list, got ${typeof list}.`);
  const bad = list.findIndex((item) => typeof item !== 'object' || item === null);
  if (bad >= 0) throw new ConfigError(`evaluateCoco: expected ${name}[${bad}] to be an object, got ${list[bad]}.`);
}

function isCrowdOf({ iscrowd = 0 }: CocoAnnotation, name: string): boolean {
  if (iscrowd === 0 || iscrowd === 1) return iscrowd === 1;
  throw new ConfigError(`${name}: expected iscrowd to be 0 or 1, got ${String(iscrowd)}.`);
}

/** Reads the box or the mask that is compared; where there is none, the check of the item says so. */
function readRegion(
  { bbox, segmentation }: CocoAnnotation | CocoResult,
  { kind, image, name }: { kind: CocoKind; image: CocoImage; name: string },
): { box: CocoBox } | { mask: Rle } | Record<string, never> {
  if (kind === 'box') return bbox === undefined ? {} : { box: checkBox(bbox, name) };
  if (segmentation === undefined) return {};
  try {
    return { mask: readMask(segmentation, image) };
  } catch (error) {
    if (!SparseViTError.isInstance(error)) throw error;
    throw new ConfigError(`${name}: ${error.message}`, { cause: error });
  }
}

function readMask(segmentation: readonly (readonly number[])[] | CocoRle, { id, height, width }: CocoImage): Rle {
  if (typeof segmentation !== 'object' || segmentation === null) {
    throw new ConfigError(`expected polygons or a run-length mask, got ${String(segmentation)}.`);
  }
  if (!('counts' in segmentation)) {
    if (height === undefined || width === undefined) {
      throw new ConfigError(`expected height and width of image ${id}, got none. Polygons need them.`);
    }
    return rleFromPolygons(segmentation, height, width);
  }
  const mask = parseRle(segmentation);
  if (mask.size[0] !== (height ?? mask.size[0]) || mask.size[1] !== (width ?? mask.size[1])) {
    throw new ConfigError(
      `expected a mask of ${height}x${width}, the size of image ${id}, got ${mask.size.join('x')}.`,
    );
  }
  return mask;
}
