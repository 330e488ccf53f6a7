/** Data that training cannot use: one line with the file, the id or the class; left out where the document says so. And nothing outside is read. */

import { mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, sep } from 'node:path';
import { writeSafetensors } from '@sparsevit/backbone';
import { drawScene } from '@sparsevit/data';
import { encodePng } from '@sparsevit/data/node';
import sharp from 'sharp';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { run, temporaryFolder } from './fake-io';
import { readJournal, tinyRun, writeRun } from './train-run';

const at = temporaryFolder();
/** Files whose content was asked for, links followed. */
const opened = new Set<string>();

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs/promises')>();
  const note = (path: unknown): void => {
    if (typeof path !== 'string') return;
    try {
      opened.add(realpathSync(path));
    } catch {
      opened.add(path);
    }
  };
  return {
    ...real,
    readFile: (...given: Parameters<typeof real.readFile>) => {
      note(given[0]);
      return real.readFile(...given);
    },
    open: (...given: Parameters<typeof real.open>) => {
      note(given[0]);
      return real.open(...given);
    },
    readdir: (...given: Parameters<typeof real.readdir>) => {
      note(given[0]);
      return real.readdir(...given);
    },
  };
});

const training = { ...tinyRun.training, steps: 1 };
const categories = [
  { id: 1, name: 'car' },
  { id: 2, name: 'bus' },
];
const image = { id: 1, file_name: '1.png', height: 32, width: 32 };
const boxes = categories.map(({ id }) => ({ id, image_id: 1, category_id: id, bbox: [4, 4, 8, 8] }));

function writeJson(name: string, content: unknown): string {
  mkdirSync(dirname(at(name)), { recursive: true });
  writeFileSync(at(name), JSON.stringify(content));
  return name;
}
const coco = (name: string, changes: object = {}) => ({
  kind: 'coco',
  annotations: writeJson(name, { images: [image], annotations: boxes, categories, ...changes }),
  images: 'photos',
});

beforeAll(async () => {
  const png = await encodePng(drawScene({ seed: 1, height: 32, width: 32 }).image);
  const mask = (value: number): Promise<Buffer> =>
    sharp(new Uint8Array(32 * 32).fill(value), { raw: { height: 32, width: 32, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toBuffer();
  const write = (name: string, bytes: Uint8Array): void => {
    mkdirSync(dirname(at(name)), { recursive: true });
    writeFileSync(at(name), bytes);
  };
  for (const name of ['photos/1.png', 'photos/2.png', 'outside/secret.png', 'classes/a/1.png', 'classes/b/1.png']) {
    write(name, png);
  }
  write('outside/mask.png', await mask(0));
  write('streets/1.png', png);
  write('streets/2.png', png);
  write('streets/3.png', png);
  write('tidy/1.png', png);
  write('tidy/2.png', png);
  write('tidy-masks/1.png', await mask(0));
  write('tidy-masks/2.png', await mask(255));
  write('classes-and-none/a/1.png', png);
  mkdirSync(at('classes-and-none/none'));
  write('masks/1.png', await mask(0));
  write('masks/2.png', await mask(1));
  symlinkSync(at('outside/mask.png'), at('masks/3.png'));
  symlinkSync(at('outside/secret.png'), at('photos/link.png'));
  symlinkSync(at('outside/secret.png'), at('classes/a/link.png'));
  symlinkSync(at('outside'), at('classes/c'));
  symlinkSync(at('outside'), at('photos/away'));
  mkdirSync(at('nothing'));
});
beforeEach(() => opened.clear());

/** Refuses a run in one line, with exit code 2 and nothing on stdout. */
async function refuse(name: string, changes: Parameters<typeof writeRun>[1], pattern: RegExp): Promise<void> {
  const config = writeRun(at(`${name}.json`), { batch: 1, training, ...changes, output: `never/${name}` });
  const { code, out, err } = await run(['train', '--config', config]);
  expect(err).toMatch(pattern);
  expect(err).toMatch(/^sparsevit: [^\n]+\n$/);
  expect([out, code]).toEqual(['', 2]);
}

/** Trains a step with what cannot be used left out; gives the report and the journal. */
async function train(name: string, changes: Parameters<typeof writeRun>[1]) {
  const config = writeRun(at(`${name}.json`), { batch: 1, training, ...changes, output: `done/${name}` });
  const text = await run(['train', '--config', config]);
  expect([text.err, text.code]).toEqual(['', 0]);
  const { out } = await run(['train', '--config', config, '--json']);
  return { text: text.out, report: JSON.parse(out), journal: readJournal(at(`done/${name}/journal.jsonl`)) };
}

const classification = { task: { kind: 'classification' } };
const semantic = { task: { kind: 'semantic', channels: 8 } };
const masks = (changes: object = {}) => ({
  kind: 'mask-folders',
  images: 'streets',
  masks: 'masks',
  classes: ['road', 'sky'],
  ...changes,
});

describe('an empty data set', () => {
  it.each<[string, () => Parameters<typeof writeRun>[1], RegExp]>([
    [
      'no-images',
      () => ({ data: { train: coco('empty/none.json', { images: [], annotations: [] }) } }),
      /readCocoBoxes: expected usable images in ".*none\.json", got none of 0\./,
    ],
    [
      'no-usable',
      () => ({
        data: {
          train: { ...coco('empty/gone.json', { images: [{ ...image, file_name: 'gone.png' }] }), onBroken: 'skip' },
        },
      }),
      /expected usable images in ".*gone\.json", got none of 1\./,
    ],
    [
      'no-pairs',
      () => ({ ...semantic, data: { train: masks({ images: 'nothing', masks: 'nothing' }) } }),
      /readMaskFolders: expected images in ".*nothing" and masks of the same names .* no pair\./,
    ],
    [
      'no-folders',
      () => ({ ...classification, data: { train: { kind: 'image-folder', path: 'nothing' } } }),
      /readImageFolder: expected a folder for each class .* got ".*nothing" with 0 classes and no images\./,
    ],
    [
      'no-folder',
      () => ({ ...classification, data: { train: { kind: 'image-folder', path: 'nowhere' } } }),
      /nowhere.*cannot be opened/,
    ],
    [
      'no-scenes',
      () => ({ data: { train: { kind: 'scenes', count: 0, height: 64, width: 64 } } }),
      /→ at data\.train\.count/,
    ],
  ])('%s', (name, changes, pattern) => refuse(name, changes(), pattern));
});

describe('a class without examples', () => {
  it.each<[string, () => Parameters<typeof writeRun>[1], RegExp]>([
    [
      'boxes',
      () => ({ data: { train: coco('without/boxes.json', { annotations: boxes.slice(0, 1) }) } }),
      /expected boxes of every class in ".*boxes\.json", got none of "bus"\. Remove the category, or set onBroken/,
    ],
    [
      'pixels',
      () => ({ ...semantic, data: { train: masks({ images: 'tidy', masks: 'tidy-masks' }) } }),
      /expected pixels of every class in the masks of ".*tidy-masks", got none of "sky"\. Remove the class, or/,
    ],
    [
      'folders',
      () => ({ ...classification, data: { train: { kind: 'image-folder', path: 'classes-and-none' } } }),
      /class "none" to be usable, but there are no images in its folder\./,
    ],
  ])('%s', (name, changes, pattern) => refuse(name, changes(), pattern));

  it('is trained without where the document says so, and named', async () => {
    const source = { ...coco('without/skipped.json', { annotations: boxes.slice(0, 1) }), onBroken: 'skip' };
    const { text, report, journal } = await train('skipped', {
      data: { train: source, classes: ['car', 'bus', 'van'] },
    });
    expect(text).toMatch(/^no examples +"bus", "van": cannot be learnt$/m);
    expect(report.classesWithoutExamples).toEqual(['bus', 'van']);
    expect(journal.slice(0, 2)).toEqual([
      { type: 'record-broken', kind: 'class', id: 'bus', reason: 'it has no boxes' },
      { type: 'record-broken', kind: 'class', id: 'van', reason: 'the training data do not have it' },
    ]);
    const listed = coco('without/listed.json'); // more classes than the data have are no error
    const more = await train('listed', { data: { train: listed, classes: ['car', 'bus', 'van'] } });
    expect(more.text).toMatch(/^data +1 images$/m);
    expect(more.text).toMatch(/^no examples +"van": cannot be learnt$/m);
    expect(more.report).toMatchObject({ brokenRecords: 0, classesWithoutExamples: ['van'] });
    const full = await train('full', { data: { train: coco('without/full.json') } });
    expect(full.text).not.toContain('no examples');
    expect(full.report.classesWithoutExamples).toEqual([]);
  });
});

describe('ids that do not exist, boxes that cannot be', () => {
  const bad: [string, object, RegExp][] = [
    ['image', { image_id: 9 }, /its image_id 9 names no usable image/],
    ['category', { category_id: 7 }, /its category_id 7 names no usable category/],
    ['twice', { id: 1 }, /its id comes twice/],
    ['area', { bbox: [4, 4, 0, 8] }, /its bbox \[4, 4, 0, 8\] has no area/],
    ['outside', { bbox: [40, 4, 8, 8] }, /reaches out of its image of 32x32 pixels/],
    ['number', { bbox: [4, 4, null, 8] }, /not four finite numbers/],
  ];
  it.each(bad)('%s: with the file and the id', async (name, changes, reason) => {
    const annotation = { ...boxes[0], id: 3, ...changes };
    const source = coco(`ids/${name}.json`, { annotations: [...boxes, annotation] });
    const named = new RegExp(
      `parseCoco: expected annotation "${annotation.id}" to be usable, but .*${reason.source}.* \\(in ".*ids/${name}\\.json"\\)\\.`,
    );
    await refuse(`ids-${name}`, { data: { train: source } }, named);
  });

  it('are left out where the document says so, each with a line in the journal', async () => {
    const annotations = [...boxes, ...bad.map(([, changes], i) => ({ ...boxes[0], id: 10 + i, ...changes }))];
    const source = { ...coco('ids/skipped.json', { annotations }), onBroken: 'skip' };
    const { text, report, journal } = await train('ids-skipped', { data: { train: source } });
    expect(text).toMatch(/^data +1 images, 6 records left out \(see the journal\)$/m);
    expect(report.brokenRecords).toBe(6);
    const lines = journal.slice(0, 6);
    expect(lines.map((line) => (line as { id?: string }).id)).toEqual(['10', '11', '1', '13', '14', '15']);
    for (const line of lines) expect(line).toMatchObject({ kind: 'annotation', file: at('ids/skipped.json') });
  });
});

describe('images that cannot be read', () => {
  const open = (onBroken: string) => {
    writeFileSync(at('photos/cut.png'), readFileSync(at('photos/1.png')).subarray(0, 200));
    const images = [
      image,
      { ...image, id: 2, file_name: 'cut.png' },
      { ...image, id: 3, file_name: '2.png', height: 31 },
    ];
    return { data: { train: { ...coco('unreadable.json', { images }), onBroken } } };
  };

  it('are fatal with file and id, when training comes to them', async () => {
    const config = writeRun(at('unreadable-run.json'), {
      ...open('fail'),
      batch: 3,
      training,
      output: 'never/unreadable',
    });
    const { code, err } = await run(['train', '--config', config]);
    expect(err).toMatch(
      /^sparsevit: createBatches: expected item \d to be whole, got ".*photos\/(cut|2)\.png" \(image [23]\): [^\n]+(truncated or damaged|as the annotations say)[^\n]+\n$/,
    );
    expect(code).toBe(2);
  });

  it('are left out where the document says so', async () => {
    const { journal } = await train('unreadable-skipped', open('skip'));
    const items = journal.filter(({ type }) => type === 'item-broken').map((line) => (line as { item?: string }).item);
    expect([...new Set(items)].sort()).toEqual([
      `${JSON.stringify(at('photos/2.png'))} (image 3)`,
      `${JSON.stringify(at('photos/cut.png'))} (image 2)`,
    ]);
  });
});

const runAt = (name: string): string => {
  mkdirSync(at(`${name}/checkpoints`), { recursive: true });
  return writeRun(at(`${name}.json`), { batch: 1, training, output: name });
};
const checkpoint = (metadata: Record<string, string>): Uint8Array =>
  writeSafetensors(new Map([['x', { values: new Float32Array(1), shape: [1] }]]), metadata);

describe('documents and checkpoints', () => {
  it.each<[string, Parameters<typeof writeRun>[1], RegExp]>([
    [
      'typo',
      { training: { ...training, optimizer: { learningrate: 1 } } },
      /Unrecognized key: "learningrate".*→ at training\.optimizer/,
    ],
    [
      'typo-in-data',
      { data: { train: { ...coco('typo.json'), onbroken: 'skip' } } },
      /Unrecognized key: "onbroken".*→ at data\.train/,
    ],
    ['newer-document', { version: 2 }, /expected 1, got 2.*→ at version/],
  ])('%s', (name, changes, pattern) => refuse(name, changes, pattern));

  const record = { version: 9, step: 1, data: { epoch: 0, position: 0 }, config: '', best: null };

  it.each<[string, Record<string, string>, RegExp]>([
    [
      'newer',
      { 'sparsevit-training': JSON.stringify(record) },
      /written by a newer @sparsevit\/trainer: update this one/,
    ],
    [
      'other',
      { 'sparsevit-training': JSON.stringify({ ...record, version: 1 }) },
      /expected tensors of a run|another configuration/,
    ],
    ['else', {}, /a safetensors file of something else/],
  ])('a checkpoint of the run: %s', async (name, metadata, pattern) => {
    const config = runAt(`checkpoint-${name}`);
    const file = at(`checkpoint-${name}/checkpoints/step-00000001.safetensors`);
    writeFileSync(file, checkpoint(metadata));
    const before = readFileSync(file);
    const { code, err } = await run(['train', '--config', config, '--json']);
    expect(err).toMatch(/^sparsevit: [^\n]+\n$/);
    expect(err).toMatch(pattern);
    expect(code).toBe(2);
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['newer', { 'sparsevit-task': JSON.stringify({ version: 9 }) }, /newer\.safetensors": .*newer @sparsevit\/tasks/],
    ['nothing', {}, /nothing\.safetensors": /],
  ])('weights to begin with: %s', async (name, metadata, pattern) => {
    writeFileSync(at(`${name}.safetensors`), checkpoint(metadata));
    await refuse(`weights-${name}`, { model: { weights: `${name}.safetensors` } }, pattern);
  });
});

describe('nothing outside of the given paths is read', () => {
  /** What was read of the folder of this test; its files outside of the data are secret. */
  const seen = (): string[] => {
    const root = realpathSync(at(''));
    return [...opened].filter((path) => path.startsWith(root + sep)).map((path) => path.slice(root.length + 1));
  };
  const names = [
    '../outside/secret.png',
    'away/secret.png',
    'link.png',
    '..\\outside\\secret.png',
    'photos/../../outside/secret.png',
  ];

  it.each([...names.map((name) => [name]), ['ABSOLUTE']])('a photo named %s', async (given) => {
    const name = given === 'ABSOLUTE' ? at('outside/secret.png') : given;
    const images = [image, { ...image, id: 2, file_name: name }];
    await refuse(
      'named',
      { data: { train: coco('named-boxes.json', { images }) } },
      /expected image "2" to be usable, but .*(is no plain path inside a folder|leads out of it) \(in ".*named-boxes\.json"\)\./,
    );
    expect(seen().sort()).toEqual(['named-boxes.json', 'named.json']);
  });

  it.each<[string, () => Parameters<typeof writeRun>[1], RegExp]>([
    [
      'classes',
      () => ({ ...classification, data: { train: { kind: 'image-folder', path: 'classes' } } }),
      /readImageFolder: expected file "a\/link\.png" to be usable, but .*leads out of it/,
    ],
    [
      'masks',
      () => ({ ...semantic, data: { train: masks() } }),
      /readMaskFolders: expected file ".*masks\/3\.png" to be usable, but .*leads out of it/,
    ],
  ])('links in folders of %s', async (name, changes, pattern) => {
    await refuse(`links-${name}`, changes(), pattern);
    expect(seen().filter((path) => path.includes('outside'))).toEqual([]);
  });

  it('nor where the rest is trained on', async () => {
    const images = [image, ...names.map((file_name, i) => ({ ...image, id: 2 + i, file_name }))];
    const sources: [string, Parameters<typeof writeRun>[1], string[]][] = [
      [
        'away-coco',
        { data: { train: { ...coco('away.json', { images }), onBroken: 'skip' } } },
        ['away.json', 'photos/1.png'],
      ],
      [
        'away-classes',
        { ...classification, data: { train: { kind: 'image-folder', path: 'classes', onBroken: 'skip' } } },
        ['classes', 'classes/a', 'classes/a/1.png', 'classes/b', 'classes/b/1.png'],
      ],
      [
        'away-masks',
        { ...semantic, data: { train: masks({ onBroken: 'skip' }) } },
        ['masks', 'masks/1.png', 'masks/2.png', 'streets', 'streets/1.png', 'streets/2.png'],
      ],
    ];
    for (const [name, changes, expected] of sources) {
      opened.clear();
      await train(name, changes);
      const own = seen().filter((path) => path !== `${name}.json` && !path.startsWith(`done/${name}/`));
      expect(own.sort()).toEqual(expected);
    }
  });

  it('nor a checkpoint that a link leads to', async () => {
    const config = runAt('linked');
    writeFileSync(at('outside/step.safetensors'), checkpoint({}));
    symlinkSync(at('outside/step.safetensors'), at('linked/checkpoints/step-00000009.safetensors'));
    opened.clear();
    const { err, out } = await run(['train', '--config', config, '--json']);
    expect(err).toBe('');
    expect(JSON.parse(out)).toMatchObject({ step: 1, resumedAt: null });
    expect(seen().filter((path) => path.includes('outside'))).toEqual([]);
  });
});
