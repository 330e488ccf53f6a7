import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ConfigError, createRandom, ImageError } from '@sparsevit/windows';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type BrokenRecord, createBatches, type Dataset } from '../src/index';
import { decodeMask, readCocoBoxes, readImageFolder, readMaskFolders } from '../src/node';

let root = '';
let folder = '';
let count = 0;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'sparsevit-readers-'));
});
beforeEach(() => {
  folder = join(root, String(count++));
  mkdirSync(folder);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);

function write(name: string, content: string | Uint8Array): string {
  mkdirSync(dirname(at(name)), { recursive: true });
  writeFileSync(at(name), content);
  return at(name);
}

async function writeImage(
  name: string,
  size: { height: number; width: number } = { height: 3, width: 4 },
): Promise<string> {
  const random = createRandom(name.length);
  const pixels = Uint8Array.from({ length: size.height * size.width * 3 }, () => random.integer(0, 256));
  return write(
    name,
    await sharp(pixels, { raw: { ...size, channels: 3 } })
      .png()
      .toBuffer(),
  );
}

const greyPng = (values: Uint8Array, size: { height: number; width: number }): Promise<Buffer> =>
  sharp(values, { raw: { ...size, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  const outcome = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(outcome instanceof Error)) throw new Error('expected an error');
  expect(outcome.message).toMatch(/^\w+: expected [^\n]*\.$/);
  return outcome;
}

/** What a reader reports when it skips, and what it then holds. */
async function skipping<D extends Dataset>(
  open: (options: { onBroken: 'skip'; onEvent: (event: BrokenRecord) => void }) => Promise<D>,
): Promise<{ dataset: D; events: BrokenRecord[] }> {
  const events: BrokenRecord[] = [];
  const dataset = await open({ onBroken: 'skip', onEvent: (event) => events.push(event) });
  return { dataset, events };
}

const idsOf = (dataset: Dataset): Promise<string[]> =>
  Promise.all(Array.from({ length: dataset.length }, (_, i) => dataset.read(i).then(({ id }) => id)));

describe('readImageFolder', () => {
  it('sorts classes and images by name, and decodes when it reads', async () => {
    for (const name of ['dog/2.png', 'dog/10.png', 'cat/b.png', 'Zebra/a.png']) await writeImage(name);
    write('README.md', 'not a class');
    write('dog/.hidden', '');
    write('cat/broken.jpg', 'text');
    const dataset = await readImageFolder(folder);
    expect(dataset.classes).toEqual(['Zebra', 'cat', 'dog']);
    expect(dataset.length).toBe(5);
    expect(dataset.describe(1)).toBe(JSON.stringify(at('cat/b.png')));
    expect(await dataset.read(3)).toMatchObject({ id: 'dog/10.png', label: 2, image: { height: 3, width: 4 } });
    expect((await failureOf(dataset.read(2))).message).toContain('broken.jpg');
    await expect(dataset.read(0, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
    await expect(dataset.read(9)).rejects.toThrow(/index from 0 to 4, got 9/);
    const events: string[] = [];
    const options = {
      batch: 4,
      seed: 1,
      onBroken: 'skip',
      onEvent: (event: { item: string }) => void events.push(event.item),
    } as const;
    for await (const { samples } of createBatches(dataset, options)) expect(samples).toHaveLength(4);
    expect(events).toEqual([JSON.stringify(at('cat/broken.jpg'))]);
  });

  it('reports what is no image, and classes without any, which keep their label', async () => {
    await writeImage('b/1.png');
    await writeImage('b/deep/2.png');
    write('b/notes.txt', '');
    mkdirSync(at('a'));
    const { dataset, events } = await skipping((options) => readImageFolder(folder, options));
    expect(events.map(({ kind, id }) => [kind, id])).toEqual([
      ['class', 'a'],
      ['file', 'b/deep'],
      ['file', 'b/notes.txt'],
    ]);
    expect(dataset.classes).toEqual(['a', 'b']);
    expect((await dataset.read(0)).label).toBe(1);
    expect((await failureOf(readImageFolder(folder))).message).toMatch(
      /class "a" to be usable, but there are no images/,
    );
  });

  it('does not follow links out of its folder', async () => {
    await writeImage('outside/secret.png');
    await writeImage('data/a/1.png');
    symlinkSync(at('outside/secret.png'), at('data/a/2.png'));
    symlinkSync(at('outside'), at('data/b'));
    symlinkSync(at('nowhere.png'), at('data/a/3.png'));
    symlinkSync(at('data/a/1.png'), at('data/a/4.png'));
    const { dataset, events } = await skipping((options) => readImageFolder(at('data'), options));
    expect(events.map(({ id }) => id)).toEqual(['a/2.png', 'a/3.png', 'b']);
    expect(events[0]?.reason).toMatch(/leads out of it/);
    expect(await idsOf(dataset)).toEqual(['a/1.png', 'a/4.png']);
    // A file that becomes a link after the folder was opened.
    rmSync(at('data/a/1.png'));
    symlinkSync(at('outside/secret.png'), at('data/a/1.png'));
    await expect(dataset.read(0)).rejects.toThrow(/leads out of it/);
  });

  it('may lie behind a link itself', async () => {
    await writeImage('data/a/1.png');
    symlinkSync(at('data'), at('link'));
    expect(await idsOf(await readImageFolder(at('link')))).toEqual(['a/1.png']);
  });

  it('is an error without folder, class or image', async () => {
    expect(await failureOf(readImageFolder(at('none')))).toBeInstanceOf(ConfigError);
    expect((await failureOf(readImageFolder(write('file', '')))).message).toMatch(/is no folder/);
    expect((await failureOf(readImageFolder(folder, { onBroken: 'skip' }))).message).toMatch(/0 classes and no images/);
    mkdirSync(at('a'));
    expect((await failureOf(readImageFolder(folder, { onBroken: 'skip' }))).message).toMatch(/1 classes and no images/);
  });
});

describe('decodeMask', () => {
  it('keeps every byte, whatever the file says about colour', async () => {
    const values = Uint8Array.from({ length: 256 }, (_, i) => i);
    const png = await greyPng(values, { height: 16, width: 16 });
    expect([...(await decodeMask(png)).classes]).toEqual([...values]);
    // A gamma of 1.0 and a transparent grey of 7, put in after the header.
    const chunk = (type: string, data: number[]): Buffer => {
      const body = Buffer.concat([Buffer.from(type, 'latin1'), Buffer.from(data)]);
      const frame = Buffer.alloc(body.length + 8);
      frame.writeUInt32BE(data.length, 0);
      body.copy(frame, 4);
      frame.writeUInt32BE(crc32(body), body.length + 4);
      return frame;
    };
    const extras = [chunk('gAMA', [0, 1, 134, 160]), chunk('tRNS', [0, 7])];
    const odd = Buffer.concat([png.subarray(0, 33), ...extras, png.subarray(33)]);
    expect([...(await decodeMask(odd)).classes]).toEqual([...values]);
  });

  it('refuses other kinds of files in one line with their name', async () => {
    const raw = { raw: { height: 2, width: 2, channels: 3 } } as const;
    const colours = sharp(
      Uint8Array.from({ length: 12 }, (_, i) => 20 * i),
      raw,
    );
    const grey = new Uint8Array(4).fill(3);
    const png = await greyPng(grey, { height: 2, width: 2 });
    const cases: [string | Uint8Array, RegExp][] = [
      [await colours.clone().png().toBuffer(), /has colours/],
      [await colours.clone().png({ palette: true }).toBuffer(), /has a palette/],
      [await colours.clone().ensureAlpha().png().toBuffer(), /has colours and alpha/],
      [await colours.clone().jpeg().toBuffer(), /is a JPEG image/],
      [await colours.clone().toColourspace('grey16').png().toBuffer(), /16 bits|has colours/],
      [png.subarray(0, 40), /no end mark/],
      [Buffer.concat([png.subarray(0, 8), png.subarray(-12)]), /no header/],
      [new Uint8Array(), /empty file/],
      [at('none.png'), /none.png.*cannot be read/],
      [folder, /is no regular file/],
    ];
    for (const [source, message] of cases) {
      const error = await failureOf(decodeMask(source));
      expect(error).toBeInstanceOf(ImageError);
      expect(error.message).toMatch(message);
    }
    const damaged = Uint8Array.from(png);
    damaged[64] = (damaged[64] ?? 0) ^ 255; // in the pixels
    expect((await failureOf(decodeMask(damaged, 'my mask'))).message).toMatch(
      /"my mask", which is truncated or damaged/,
    );
  });
});

describe('readMaskFolders', () => {
  const classes = ['road', 'sky', 'car'];
  const size = { height: 3, width: 4 };
  const open = (more: object = {}) => readMaskFolders({ images: at('images'), masks: at('masks'), classes, ...more });
  const writePair = async (name: string, values: Uint8Array): Promise<void> => {
    await writeImage(`images/${name}.png`, size);
    write(`masks/${name}.png`, await greyPng(values, size));
  };

  it('reads images with the classes of their pixels', async () => {
    const values = Uint8Array.of(0, 1, 2, 255, 2, 1, 0, 0, 1, 1, 2, 11);
    await writePair('b', values);
    await writePair('a', new Uint8Array(12));
    const dataset = await open({ ignoredValues: [11] });
    expect(await idsOf(dataset)).toEqual(['a', 'b']);
    expect(dataset.classes).toEqual(classes);
    const { mask, image } = await dataset.read(1);
    expect([...(mask ?? [])]).toEqual([0, 1, 2, 255, 2, 1, 0, 0, 1, 1, 2, 255]);
    expect(image).toMatchObject(size);
    expect(dataset.describe(1)).toContain(at('masks/b.png'));
    expect(await dataset.readMask(1)).toEqual(mask);
    await expect(dataset.readMask(2)).rejects.toThrow(/index from 0 to 1, got 2/);
    const strict = await open();
    expect((await failureOf(strict.read(1))).message).toMatch(/classes below 3, or 255, got 11 in ".*b.png"/);
  });

  it('reports images and masks without the other, and files that are neither', async () => {
    await writePair('a', new Uint8Array(12));
    await writeImage('images/b.png');
    await writeImage('masks/c.png');
    await writeImage('images/a.webp');
    write('masks/notes.txt', '');
    write('images/.DS_Store', '');
    const { dataset, events } = await skipping(open);
    expect(dataset.length).toBe(1);
    expect(events.map(({ id }) => id).sort()).toEqual(
      ['images/a.webp', 'images/b.png', 'masks/c.png', 'masks/notes.txt'].map(at).sort(),
    );
    expect(await failureOf(open())).toBeInstanceOf(ConfigError);
  });

  it('breaks an item whose mask has another size', async () => {
    await writePair('a', new Uint8Array(12));
    write('masks/a.png', await greyPng(new Uint8Array(12), { height: 4, width: 3 }));
    const dataset = await open();
    expect((await failureOf(dataset.read(0))).message).toMatch(/mask of 3x4 as its image, got .* of 4x3/);
  });

  it('does not follow links out of its folders', async () => {
    await writePair('a', new Uint8Array(12));
    await writeImage('images/b.png');
    write('outside.png', await greyPng(new Uint8Array(12), size));
    symlinkSync(at('outside.png'), at('masks/b.png'));
    const { dataset, events } = await skipping(open);
    expect(await idsOf(dataset)).toEqual(['a']);
    expect(events[0]?.reason).toMatch(/leads out/);
  });

  it('refuses no pairs, no classes, and values that are no bytes', async () => {
    mkdirSync(at('images'));
    mkdirSync(at('masks'));
    expect((await failureOf(open())).message).toMatch(/0 and 0 and no pair/);
    await expect(open({ classes: [] })).rejects.toThrow(/1 to 255 classes, got 0/);
    await expect(open({ ignoredValues: [256] })).rejects.toThrow(/got \[256\]/);
    await expect(open({ masks: at('none') })).rejects.toThrow(ConfigError);
  });
});

describe('readCocoBoxes', () => {
  const image = { id: 1, file_name: 'a.png', height: 3, width: 4 };
  const box = { id: 1, image_id: 1, category_id: 5, bbox: [0, 1, 2, 1.5] };
  const documentOf = (changes: object = {}): string =>
    JSON.stringify({ images: [image], annotations: [box], categories: [{ id: 5, name: 'car' }], ...changes });

  it('reads images with their boxes', async () => {
    await writeImage('images/a.png');
    await writeImage('images/sub/b.png');
    const images = [{ ...image, id: 2, file_name: 'sub/b.png' }, image];
    const dataset = await readCocoBoxes(write('boxes.json', `\ufeff${documentOf({ images })}`), at('images'));
    expect(await dataset.read(1)).toMatchObject({ id: '1', boxes: [{ x: 0, y: 1, width: 2, height: 1.5, label: 0 }] });
    expect((await dataset.read(0)).boxes).toEqual([]);
    expect(dataset.categoryIds).toEqual([5]);
    expect(dataset.classes).toEqual(['car']);
    expect(dataset.images[1]?.annotations[0]?.id).toBe(1);
    expect(dataset.describe(0)).toBe(`${JSON.stringify(at('images/sub/b.png'))} (image 2)`);
  });

  it('reports images whose file is not there, or elsewhere, by id', async () => {
    await writeImage('images/a.png');
    await writeImage('secret.png');
    symlinkSync(at('secret.png'), at('images/link.png'));
    const files = ['../secret.png', 'link.png', 'missing.png', 'a.png/b.png'];
    const images = [...files.map((file_name, i) => ({ ...image, id: 10 + i, file_name })), image];
    const file = write('boxes.json', documentOf({ images }));
    const { dataset, events } = await skipping((options) => readCocoBoxes(file, at('images'), options));
    expect(events.map(({ kind, id }) => [kind, id])).toEqual([10, 11, 12, 13].map((id) => ['image', String(id)]));
    expect(events[1]?.reason).toMatch(/leads out of it/);
    expect(await idsOf(dataset)).toEqual(['1']);
    expect((await failureOf(readCocoBoxes(file, at('images')))).message).toMatch(/image "10" to be usable/);
  });

  it('breaks an item whose file has other sides than the annotations say, or is damaged', async () => {
    const path = await writeImage('images/a.png', { height: 4, width: 3 });
    const dataset = await readCocoBoxes(write('boxes.json', documentOf()), at('images'));
    expect((await failureOf(dataset.read(0))).message).toMatch(/3x4 pixels as the annotations say, got .* with 4x3/);
    truncateSync(path, 50);
    expect((await failureOf(dataset.read(0))).message).toMatch(/truncated or damaged/);
  });

  it.each<[string, RegExp]>([
    ['', /is no JSON/],
    ['{"images": [', /is no JSON/],
    ['{"images": [NaN]}', /is no JSON/],
    ['[]', /COCO document/],
    ['{"images": []}', /COCO document with a list of/],
    ['{"images": [], "annotations": [], "categories": [{"id": 1, "name": "a"}]}', /usable images .* none of 0/],
  ])('refuses the file %j', async (text, message) => {
    mkdirSync(at('images'));
    const error = await failureOf(readCocoBoxes(write('boxes.json', text), at('images'), { onBroken: 'skip' }));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toMatch(message);
  });

  it('refuses files and folders that are none', async () => {
    const file = write('boxes.json', documentOf());
    expect((await failureOf(readCocoBoxes(file, at('none')))).message).toMatch(/expected a folder/);
    expect((await failureOf(readCocoBoxes(at('none.json'), folder))).message).toMatch(/none.json.*cannot be read/);
    expect((await failureOf(readCocoBoxes(folder, folder))).message).toMatch(/is no regular file/);
  });
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
