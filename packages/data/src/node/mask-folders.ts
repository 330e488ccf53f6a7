/** Semantic segmentation in two folders: images, and masks of the same name (as CamVid comes). */

import { join, parse } from 'node:path';
import { ConfigError, ImageError } from '@sparsevit/windows';
import type { BrokenOptions, BrokenRecord } from '../broken';
import { reportRecord } from '../broken';
import type { Dataset } from '../sample';
import { ignoredClass } from '../sample';
import { decodeImage } from './decode';
import type { DecodedMask } from './decode-mask';
import { decodeMask } from './decode-mask';
import type { DataFolder } from './inside';
import { fileInside, isImageName, listFolder, openDataFolder, wordsOf } from './inside';
import { itemAt } from './item';

/** Where images and masks lie, and what the masks mean. */
export interface MaskFolderOptions extends BrokenOptions {
  /** The folder of the images. */
  readonly images: string;
  /** The folder of the masks: 8-bit grey PNG files whose grey value is the class. */
  readonly masks: string;
  /** Names of the classes, by grey value; 255 is always ignored. */
  readonly classes: readonly string[];
  /** Other grey values that are ignored, as 11 in CamVid of 11 classes; they become 255. */
  readonly ignoredValues?: readonly number[];
}

/** A data set of images and masks. */
export interface MaskDataset extends Dataset {
  /** The mask of an item without its image: the class of each pixel, as `Sample.mask`. */
  readMask(index: number, signal?: AbortSignal): Promise<Uint8Array>;
}

/**
 * Opens a folder of images and one of masks; `a.jpg` belongs to `a.png`. A sample has a `mask`. Hidden files do not count.
 *
 * @param options an image without mask, a mask without image, a file that is neither or leads out of its folder, is reported; a mask with
 * another class, or of another size than its image, breaks the item when it is read
 * @returns a data set that decodes image and mask when they are read
 * @throws ConfigError when a folder is not there, the classes are not 1 to 255 names, or there is no pair; for the rest see `onBroken`
 * @example
 * const streets = await readMaskFolders({ images: 'camvid/train', masks: 'camvid/trainannot', classes, ignoredValues: [11] });
 */
export async function readMaskFolders(options: MaskFolderOptions): Promise<MaskDataset> {
  const { classes, ignoredValues = [] } = options;
  checkClasses(classes, ignoredValues);
  const images = await openDataFolder(options.images, 'readMaskFolders');
  const masks = await openDataFolder(options.masks, 'readMaskFolders');
  const report = (id: string, reason: string, kind: BrokenRecord['kind'] = 'file'): void =>
    reportRecord({ kind, id, reason }, { ...options, caller: 'readMaskFolders' });
  const imageNames = await usableFiles(images, { isUsable: isImageName, what: 'of an image', report });
  const maskNames = await usableFiles(masks, { isUsable: (name) => /\.png$/i.test(name), what: 'of a PNG', report });

  const items: { id: string; image: string; mask: string }[] = [];
  for (const [id, image] of imageNames) {
    const mask = maskNames.get(id);
    if (mask === undefined) report(join(images.path, image), 'it has no mask of its name', 'image');
    else items.push({ id, image, mask });
  }
  for (const [id, mask] of maskNames) {
    if (!imageNames.has(id)) report(join(masks.path, mask), 'it has no image of its name');
  }
  if (items.length === 0) {
    throw new ConfigError(
      `readMaskFolders: expected images in ${JSON.stringify(images.path)} and masks of the same names in ${JSON.stringify(masks.path)}, got ${imageNames.size} and ${maskNames.size} and no pair.`,
    );
  }
  const isIgnored = new Set([...ignoredValues, ignoredClass]);
  const classOf = Uint16Array.from({ length: 256 }, (_, value) =>
    isIgnored.has(value) ? ignoredClass : value < classes.length ? value : noClass,
  );
  const maskOf = async (fileName: string): Promise<DecodedMask> => {
    const name = join(masks.path, fileName);
    const decoded = await decodeMask(await fileInside(masks, fileName), name);
    return { ...decoded, classes: mapClasses(decoded.classes, { classOf, name, count: classes.length }) };
  };
  return {
    length: items.length,
    classes,
    describe: (index) => {
      const { image, mask } = itemAt(items, index);
      return `${JSON.stringify(join(images.path, image))} with ${JSON.stringify(join(masks.path, mask))}`;
    },
    read: async (index, signal) => {
      const { id, image: imageName, mask: maskName } = itemAt(items, index);
      signal?.throwIfAborted();
      const image = await decodeImage(await fileInside(images, imageName), { name: join(images.path, imageName) });
      signal?.throwIfAborted();
      const { height, width, classes: mask } = await maskOf(maskName);
      if (height !== image.height || width !== image.width) {
        throw new ImageError(
          `readMaskFolders: expected a mask of ${image.height}x${image.width} as its image, got ${JSON.stringify(join(masks.path, maskName))} of ${height}x${width}.`,
        );
      }
      return { id, image, mask };
    },
    readMask: async (index, signal) => {
      const { mask } = itemAt(items, index);
      signal?.throwIfAborted();
      return (await maskOf(mask)).classes;
    },
  };
}

/** What a grey value that is no class maps to, beyond every byte. */
const noClass = 256;

function mapClasses(values: Uint8Array, options: { classOf: Uint16Array; name: string; count: number }): Uint8Array {
  const { classOf, name, count } = options;
  const mask = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    const mapped = classOf[value] ?? noClass;
    if (mapped === noClass) {
      throw new ImageError(
        `readMaskFolders: expected classes below ${count}, or 255, got ${value} in ${JSON.stringify(name)}. Add the class, or name the value in ignoredValues.`,
      );
    }
    mask[i] = mapped;
  }
  return mask;
}

/** Files of a folder by their name without extension. */
async function usableFiles(
  folder: DataFolder,
  options: { isUsable: (name: string) => boolean; what: string; report: (id: string, reason: string) => void },
): Promise<Map<string, string>> {
  const { isUsable, what, report } = options;
  const found = new Map<string, string>();
  for (const { name, kind } of await listFolder(folder.realPath)) {
    const path = join(folder.path, name);
    const id = parse(name).name;
    if (kind === 'folder' || !isUsable(name)) report(path, `its name is not ${what}`);
    else if (found.has(id)) report(path, `${JSON.stringify(found.get(id))} has the same name`);
    else {
      const isInside = await fileInside(folder, name).then(
        () => true,
        (cause: unknown) => report(path, wordsOf(cause)),
      );
      if (isInside) found.set(id, name);
    }
  }
  return found;
}

function checkClasses(classes: readonly string[], ignoredValues: readonly number[]): void {
  if (!Array.isArray(classes) || classes.length < 1 || classes.length > ignoredClass) {
    throw new ConfigError(`readMaskFolders: expected the names of 1 to 255 classes, got ${classes?.length ?? 'none'}.`);
  }
  if (!ignoredValues.every((value) => Number.isInteger(value) && value >= 0 && value <= 255)) {
    throw new ConfigError(
      `readMaskFolders: expected ignoredValues to be grey values from 0 to 255, got [${ignoredValues.join(', ')}].`,
    );
  }
}
