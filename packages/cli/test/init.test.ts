import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { parsePipelineRun } from '@sparsevit/config';
import { describe, expect, it } from 'vitest';
import { splitCoco } from '../src/init/split';
import { run, temporaryFolder } from './fake-io';

const at = temporaryFolder();

async function starter(file: string) {
  const { default: document } = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as { default: unknown };
  return parsePipelineRun(document);
}

async function refuse(argv: readonly string[], pattern: RegExp): Promise<void> {
  const { code, err } = await run(argv);
  expect(err).toMatch(pattern);
  expect(err).toMatch(/^sparsevit: .+\n$/);
  expect(code).toBe(2);
}

const coco = {
  info: { description: 'kept' },
  categories: [{ id: 1, name: 'car' }],
  images: Array.from({ length: 10 }, (_, i) => ({ id: i, file_name: `${i}.jpg`, height: 10, width: 10 })),
  annotations: Array.from({ length: 30 }, (_, i) => ({ id: i, image_id: i % 10, category_id: 1, bbox: [0, 0, 5, 5] })),
};

describe('init', () => {
  it('writes a pipeline of drawn scenes that can be read', async () => {
    const { code, out } = await run(['init', '--out', at('scenes.mjs')]);
    expect(code).toBe(0);
    expect(out).toMatch(/^next +sparsevit pipeline --config .*scenes\.mjs$/m);
    const document = await starter(at('scenes.mjs'));
    expect(document).toMatchObject({ task: { kind: 'detection' }, model: { preset: 'swin-nano' } });
    expect(document.data.test).toMatchObject({ kind: 'scenes' });
    expect(document.guidance).toEqual({ weight: 1 });
    expect(
      readFileSync(at('scenes.mjs'), 'utf8')
        .split('\n')
        .filter((line) => line.includes('//')).length,
    ).toBeGreaterThan(10);
  });

  it('splits annotations of COCO in three', async () => {
    mkdirSync(at('photos'));
    writeFileSync(at('photos/all.json'), JSON.stringify(coco));
    const argv = ['init', '--annotations', at('photos/all.json'), '--images', at('photos'), '--out', at('coco.mjs')];
    const { code, out } = await run([...argv, '--size', '96x128']);
    expect(code).toBe(0);
    expect(out).toMatch(/train\.json: 6 images/);
    const document = await starter(at('coco.mjs'));
    expect(document.data.train).toMatchObject({ kind: 'coco', annotations: './train.json', images: './photos' });
    expect(document.input).toMatchObject({ height: 96, width: 128 });
  });

  it('takes a folder of images for each class, and a checkpoint', async () => {
    mkdirSync(at('classes/cat'), { recursive: true });
    writeFileSync(at('swin.pth'), '');
    const argv = ['init', '--images', at('classes'), '--weights', at('swin.pth'), '--out', at('classes.mjs')];
    expect((await run(argv)).code).toBe(0);
    const document = await starter(at('classes.mjs'));
    expect(document).toMatchObject({ task: { kind: 'classification' }, model: { weights: './swin.pth' } });
  });

  it('says in one line what is wrong', async () => {
    await refuse(['init', 'photos'], /expected options only/);
    await refuse(['init', '--out', at('a.json')], /--out: expected a name that ends with \.mjs/);
    await refuse(['init', '--annotations', at('photos/all.json')], /expected --images FOLDER/);
    await refuse(['init', '--images', at('photos'), '--out', at('x.mjs')], /expected a folder for each class/);
    await refuse(['init', '--images', at('none'), '--out', at('x.mjs')], /--images: expected a folder/);
    writeFileSync(at('few.json'), JSON.stringify({ images: [], annotations: [] }));
    const few = ['--annotations', at('few.json'), '--images', at('photos'), '--out', at('x.mjs')];
    await refuse(['init', ...few], /at least 5 images to split, got 0/);
    writeFileSync(at('none.json'), '{}');
    await refuse(['init', ...few.map((text) => text.replace('few', 'none'))], /with images and annotations/);
  });
});

describe('a split', () => {
  it('has every image once, with its annotations, and is the same for a seed', () => {
    const parts = splitCoco(coco, 1);
    const all = Object.values(parts);
    expect(all.flatMap(({ images }) => images.map(({ id }) => id)).sort()).toEqual(coco.images.map(({ id }) => id));
    expect(all.flatMap(({ annotations }) => annotations)).toHaveLength(30);
    for (const { images, annotations, info } of all) {
      expect(info).toEqual(coco.info);
      const ids = new Set(images.map(({ id }) => id));
      expect(annotations.every(({ image_id }) => ids.has(image_id))).toBe(true);
    }
    expect(splitCoco(coco, 1)).toEqual(parts);
    expect(splitCoco(coco, 2)).not.toEqual(parts);
  });
});
