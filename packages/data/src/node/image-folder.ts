/** One folder per class with the images of the class in it: the plainest data set for classification. */

import { join } from 'node:path';
import { ConfigError } from '@sparsevit/windows';
import type { BrokenOptions, BrokenRecord } from '../broken';
import { reportRecord } from '../broken';
import type { Dataset } from '../sample';
import { decodeImage } from './decode';
import { fileInside, isImageName, listFolder, openDataFolder, wordsOf } from './inside';
import { itemAt } from './item';

/**
 * Opens a folder with one folder per class. Classes are sorted by name, and so are their images; a sample has a `label`. Hidden files,
 * and files beside the folders of the classes, do not count.
 *
 * @param options what to do with a class without images (it stays in `classes`, so that labels agree between folders), and with anything
 * in a class's folder that is no image by its name or leads out of the data set
 * @returns a data set that decodes an image when it is read
 * @throws ConfigError when the folder is not there or holds no class or no image; for the rest see `onBroken`
 * @example
 * const photos = await readImageFolder('photos', { onBroken: 'skip', onEvent: (event) => console.warn(event.id, event.reason) });
 */
export async function readImageFolder(path: string, options: BrokenOptions = {}): Promise<Dataset> {
  const root = await openDataFolder(path, 'readImageFolder');
  const report = (kind: BrokenRecord['kind'], id: string, reason: string): void =>
    reportRecord({ kind, id, reason }, { ...options, caller: 'readImageFolder' });
  const classes: string[] = [];
  const items: { id: string; label: number }[] = [];
  for (const { name: className, kind } of await listFolder(root.realPath)) {
    if (kind !== 'folder') continue;
    const label = classes.push(className) - 1;
    const folder = await fileInside(root, className).catch((cause: unknown) => {
      report('class', className, wordsOf(cause));
    });
    if (folder === undefined) continue;
    const before = items.length;
    for (const file of await listFolder(folder)) {
      const id = `${className}/${file.name}`;
      if (file.kind === 'folder' || !isImageName(file.name)) {
        report('file', id, file.kind === 'folder' ? 'it is a folder inside of a class' : 'its name is not of an image');
        continue;
      }
      const isInside = await fileInside(root, id).then(
        () => true,
        (cause: unknown) => report('file', id, wordsOf(cause)),
      );
      if (isInside) items.push({ id, label });
    }
    if (items.length === before) report('class', className, 'there are no images in its folder');
  }
  if (items.length === 0) {
    throw new ConfigError(
      `readImageFolder: expected a folder for each class with JPEG, PNG or WebP images, got ${JSON.stringify(path)} with ${classes.length} classes and no images.`,
    );
  }
  return {
    length: items.length,
    classes,
    describe: (index) => JSON.stringify(join(path, itemAt(items, index).id)),
    read: async (index, signal) => {
      const { id, label } = itemAt(items, index);
      signal?.throwIfAborted();
      const file = await fileInside(root, id);
      return { id, label, image: await decodeImage(file, { name: join(path, id) }) };
    },
  };
}
