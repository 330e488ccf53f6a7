/** A COCO annotation file and its folder of images as a data set with boxes. */

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, ImageError } from '@sparsevit/windows';
import { reportRecord } from '../broken';
import type { CocoImage, CocoOptions } from '../coco';
import { parseCoco } from '../coco';
import { rleFromSegmentation } from '../masks/segmentation';
import type { Dataset } from '../sample';
import { decodeImage } from './decode';
import type { DataFolder } from './inside';
import { fileInside, openDataFolder, wordsOf } from './inside';
import { itemAt } from './item';

/** A data set of COCO: what the file says of an item is in `images`, at the same index. */
export interface CocoDataset extends Dataset {
  /** The file's id of each class, by label. */
  readonly categoryIds: readonly number[];
  readonly images: readonly CocoImage[];
}

const maxFileBytes = 512 * 1024 * 1024;
/** How many files are looked for at the same time. */
const checksAtOnce = 32;

/**
 * Opens a COCO annotation file (`parseCoco` says what is checked) with its images. A sample has `boxes`, none for an image without
 * annotations, and with `masks: true` each box has a `mask`; its id is the image's id. Only files inside of the folder are read, symbolic links followed.
 *
 * @param options what to do with records that cannot be used, and images whose file is not there
 * @returns a data set that decodes an image when it is read, and then checks that it has the sides that the file says
 * @throws ConfigError when the file or the folder cannot be read, it is no COCO document, or no image is usable; for the rest see `onBroken`
 * @example
 * const cars = await readCocoBoxes('aerial/annotations.json', 'aerial/images', { onBroken: 'skip', onEvent: (event) => report(event) });
 */
export async function readCocoBoxes(
  annotationsFile: string,
  imagesFolder: string,
  options: Omit<CocoOptions, 'name'> = {},
): Promise<CocoDataset> {
  const folder = await openDataFolder(imagesFolder, 'readCocoBoxes');
  const named = { ...options, name: annotationsFile };
  const { classes, categoryIds, images: listed } = parseCoco(await readJson(annotationsFile), named);
  const images = await withFiles(listed, folder, named);
  if (images.length === 0) {
    throw new ConfigError(
      `readCocoBoxes: expected usable images in ${JSON.stringify(annotationsFile)}, got none of ${listed.length}.`,
    );
  }
  return {
    length: images.length,
    classes,
    categoryIds,
    images,
    describe: (index) => {
      const { id, fileName } = itemAt(images, index);
      return `${JSON.stringify(join(imagesFolder, fileName))} (image ${id})`;
    },
    read: async (index, signal) => {
      const { id, fileName, height, width, annotations } = itemAt(images, index);
      signal?.throwIfAborted();
      const name = join(imagesFolder, fileName);
      const image = await decodeImage(await fileInside(folder, fileName), { name });
      if (image.height !== height || image.width !== width) {
        throw new ImageError(
          `readCocoBoxes: expected ${height}x${width} pixels as the annotations say, got ${JSON.stringify(name)} with ${image.height}x${image.width}.`,
        );
      }
      const boxes = annotations.map(({ box, segmentation }) =>
        options.masks === true ? { ...box, mask: rleFromSegmentation(segmentation, { height, width }) } : box,
      );
      return { id: String(id), image, boxes };
    },
  };
}

/** The images whose files are there; looked for many at a time, reported in order. */
async function withFiles(
  images: readonly CocoImage[],
  folder: DataFolder,
  options: CocoOptions & { readonly name: string },
): Promise<CocoImage[]> {
  const found: CocoImage[] = [];
  for (let start = 0; start < images.length; start += checksAtOnce) {
    const some = images.slice(start, start + checksAtOnce);
    const problems = await Promise.all(some.map((image) => fileInside(folder, image.fileName).then(() => '', wordsOf)));
    some.forEach((image, i) => {
      const reason = problems[i] ?? '';
      if (reason === '') found.push(image);
      else {
        const record = { kind: 'image', id: String(image.id), reason, file: options.name } as const;
        reportRecord(record, { ...options, caller: 'readCocoBoxes' });
      }
    });
  }
  return found;
}

async function readJson(path: string): Promise<unknown> {
  const fail = (why: string, cause?: unknown): never => {
    throw new ConfigError(`readCocoBoxes: expected a COCO JSON file, got ${JSON.stringify(path)}, which ${why}.`, {
      cause,
    });
  };
  const found = await stat(path).catch((cause: unknown) => fail('cannot be read', cause));
  if (!found.isFile()) return fail('is no regular file');
  if (found.size > maxFileBytes) return fail(`has more than ${maxFileBytes} bytes`);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => fail('cannot be read', cause));
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (cause) {
    return fail(`is no JSON (${wordsOf(cause).slice(0, 80)})`, cause);
  }
}
