/** COCO annotations: from the JSON document to checked records. The document is hostile: nothing in it is used before it is checked. */

import { ConfigError, SparseViTError } from '@sparsevit/windows';
import type { BrokenOptions, BrokenRecord } from './broken';
import { reportRecord, show } from './broken';
import { checkSegmentation } from './masks/segmentation';
import type { LabelledBox } from './sample';

/** An object of an image. */
export interface CocoAnnotation {
  readonly id: number;
  /** In pixels, inside the image; its label is an index into the document's classes. */
  readonly box: LabelledBox;
  /** As it is in the file: polygons, run lengths, or anything else; with `masks: true` what `rleFromSegmentation` reads. */
  readonly segmentation: unknown;
}

/** An image and what is marked in it. */
export interface CocoImage {
  readonly id: number;
  /** A relative path that does not lead out of its folder. */
  readonly fileName: string;
  readonly height: number;
  readonly width: number;
  readonly annotations: readonly CocoAnnotation[];
}

/** A document, checked. */
export interface CocoDocument {
  /** Names of the categories, in the file's order: the label of a box is its place here. */
  readonly classes: readonly string[];
  /** The file's id of each class, by label. */
  readonly categoryIds: readonly number[];
  /** In the file's order. */
  readonly images: readonly CocoImage[];
}

/** How a document is read. */
export interface CocoOptions extends BrokenOptions {
  /** Whether an annotation that no mask can be made of is broken; default false. `rleFromSegmentation` makes them. */
  readonly masks?: boolean;
  /** What events and errors call the document: the path of its file. */
  readonly name?: string;
}

type Fields = Readonly<Record<string, unknown>>;
type Report = (kind: BrokenRecord['kind'], id: string, reason: string) => void;

/** How far a box may reach over the border of its image and still be taken for rounding; it is cut there. */
const overhangPixels = 1;
const maxSide = 1_000_000;

/**
 * Checks a COCO document and sorts its annotations to their images. What cannot be used is reported by its id: a wrong type, an id that
 * comes twice or names nothing, a box that is empty, not finite or reaches more than a pixel out of its image, a file name that leads out
 * of its folder; and with `masks: true` a segmentation that is no mask of its image.
 *
 * @param json the parsed document, with `images`, `annotations` and `categories`
 * @throws ConfigError when it is no such document, and with `onBroken: 'fail'` for the first record that cannot be used
 * @example
 * const { images, classes } = parseCoco(JSON.parse(text), { onBroken: 'skip', onEvent: (event) => report(event) });
 */
export function parseCoco(json: unknown, options: CocoOptions = {}): CocoDocument {
  const lists = checkDocument(json);
  const file = options.name === undefined ? {} : { file: options.name };
  const report: Report = (kind, id, reason) =>
    reportRecord({ kind, id, reason, ...file }, { ...options, caller: 'parseCoco' });
  const { classes, categoryIds } = readCategories(lists.categories, report);
  if (classes.length === 0) throw new ConfigError('parseCoco: expected at least one usable category, got none.');
  const images = readImages(lists.images, report);
  const labels = new Map(categoryIds.map((id, label) => [id, label]));
  readAnnotations(lists.annotations, { images, labels, wantsMasks: options.masks === true, report });
  return { classes, categoryIds, images: [...images.values()] };
}

function checkDocument(json: unknown): { images: unknown[]; annotations: unknown[]; categories: unknown[] } {
  const list = (name: string): unknown[] => {
    const value = isFields(json) ? json[name] : undefined;
    if (!Array.isArray(value)) {
      throw new ConfigError(
        `parseCoco: expected a COCO document with a list of ${name}, got ${isFields(json) ? show(value) : show(json)}. Pass the parsed JSON of an instances file.`,
      );
    }
    return value;
  };
  return { images: list('images'), annotations: list('annotations'), categories: list('categories') };
}

function readCategories(list: readonly unknown[], report: Report): { classes: string[]; categoryIds: number[] } {
  const classes = new Set<string>();
  const categoryIds: number[] = [];
  visitRecords(
    list,
    (name, reason) => report('category', name, reason),
    ({ name }, id) => {
      if (typeof name !== 'string' || name === '') return `its name is ${show(name)}, not a text`;
      if (classes.has(name)) return `its name ${show(name)} comes twice`;
      classes.add(name);
      categoryIds.push(id);
      return undefined;
    },
  );
  return { classes: [...classes], categoryIds };
}

type OpenImage = CocoImage & { annotations: CocoAnnotation[] };

function readImages(list: readonly unknown[], report: Report): Map<number, OpenImage> {
  const images = new Map<number, OpenImage>();
  const fileNames = new Set<string>();
  visitRecords(
    list,
    (name, reason) => report('image', name, reason),
    ({ file_name: fileName, height, width }, id) => {
      if (typeof fileName !== 'string') return `its file_name is ${show(fileName)}, not a text`;
      if (!isInnerPath(fileName)) return `its file_name ${show(fileName)} is no plain path inside a folder`;
      if (fileNames.has(fileName)) return `its file_name ${show(fileName)} comes twice`;
      if (!isSide(height) || !isSide(width)) {
        return `its height and width are ${show(height)} and ${show(width)}, not whole numbers of at least 1`;
      }
      fileNames.add(fileName);
      images.set(id, { id, fileName, height, width, annotations: [] });
      return undefined;
    },
  );
  return images;
}

function readAnnotations(
  list: readonly unknown[],
  options: {
    images: ReadonlyMap<number, OpenImage>;
    labels: ReadonlyMap<number, number>;
    wantsMasks: boolean;
    report: Report;
  },
): void {
  const { images, labels, wantsMasks, report } = options;
  visitRecords(
    list,
    (name, reason) => report('annotation', name, reason),
    (fields, id) => {
      const { image_id: imageId, category_id: categoryId, bbox, iscrowd = 0, segmentation } = fields;
      const image = typeof imageId === 'number' ? images.get(imageId) : undefined;
      if (image === undefined) return `its image_id ${show(imageId)} names no usable image`;
      const label = typeof categoryId === 'number' ? labels.get(categoryId) : undefined;
      if (label === undefined) return `its category_id ${show(categoryId)} names no usable category`;
      const isCrowd = iscrowd === 1 || iscrowd === true;
      if (!isCrowd && iscrowd !== 0 && iscrowd !== false) return `its iscrowd is ${show(iscrowd)}, not 0 or 1`;
      const box = boxOf(bbox, image);
      if (typeof box === 'string') return box;
      const problem = wantsMasks ? maskProblemOf(segmentation, image) : undefined;
      if (problem !== undefined) return problem;
      image.annotations.push({ id, box: { ...box, label, ...(isCrowd && { isCrowd }) }, segmentation });
      return undefined;
    },
  );
}

/** Takes the records of a list one by one; `take` returns what is wrong with one, and `report` is told under its id or its place. */
function visitRecords(
  list: readonly unknown[],
  report: (name: string, reason: string) => void,
  take: (fields: Fields, id: number) => string | undefined,
): void {
  const ids = new Set<number>();
  for (const [place, entry] of list.entries()) {
    if (!isFields(entry)) {
      report(`#${place}`, `it is ${show(entry)}, not a record`);
      continue;
    }
    const { id } = entry;
    if (typeof id !== 'number' || !Number.isSafeInteger(id)) {
      report(`#${place}`, `its id is ${show(id)}, not a whole number`);
      continue;
    }
    const reason = ids.has(id) ? 'its id comes twice' : take(entry, id);
    ids.add(id);
    if (reason !== undefined) report(String(id), reason);
  }
}

/** The box of a `bbox`, cut at the border of the image; or what is wrong with it. */
function boxOf(bbox: unknown, image: CocoImage): Omit<LabelledBox, 'label'> | string {
  if (!Array.isArray(bbox) || bbox.length !== 4) return `its bbox is ${show(bbox)}, not four numbers`;
  const numbers: unknown[] = bbox;
  if (!numbers.every((value): value is number => Number.isFinite(value))) {
    return `its bbox is ${show(bbox)}, not four finite numbers`;
  }
  const [x = 0, y = 0, width = 0, height = 0] = numbers;
  if (!(width > 0 && height > 0)) return `its bbox ${show(bbox)} has no area`;
  const left = Math.max(0, x);
  const top = Math.max(0, y);
  const right = Math.min(image.width, x + width);
  const bottom = Math.min(image.height, y + height);
  const overhang = Math.max(left - x, top - y, x + width - right, y + height - bottom);
  if (overhang > overhangPixels || !(right > left && bottom > top)) {
    return `its bbox ${show(bbox)} reaches out of its image of ${image.width}x${image.height} pixels (width x height)`;
  }
  // A box that lies inside keeps its own numbers: the sums above round.
  return overhang > 0 ? { x: left, y: top, width: right - left, height: bottom - top } : { x, y, width, height };
}

/** Why no mask can be made of a segmentation; undefined when one can. */
function maskProblemOf(segmentation: unknown, image: CocoImage): string | undefined {
  try {
    checkSegmentation(segmentation, image);
    return undefined;
  } catch (error) {
    if (!SparseViTError.isInstance(error)) throw error;
    return `its segmentation is no mask (${error.message.replace(/\.$/, '')})`;
  }
}

/** True for a relative path of plain names, with `/` between them, that stays inside its folder on every system. */
function isInnerPath(path: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\\:\u0000-\u001f]/.test(path)) return false;
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isSide = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= maxSide;
