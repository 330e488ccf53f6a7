/** `sparsevit init`: a pipeline to begin with. */

import { readdir, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { checkInputFile, checkOutputFile, readJsonFile, writeOutputFile } from '@sparsevit/pipeline/files';
import type { Command } from '../command';
import { defineCommand } from '../command';
import { inputError, quote } from '../errors';
import { splitCoco, splitNames } from '../init/split';
import { starterText } from '../init/starter';
import { renderFacts } from '../table';
import { parseInteger, parseSize, seedRange } from '../values';

const leastImages = 5;

/** The command. */
export const initCommand: Command = defineCommand({
  name: 'init',
  summary: 'Write a pipeline to begin with.',
  usage: ['init --annotations FILE --images FOLDER [options]', 'init --images FOLDER [options]', 'init [options]'],
  options: {
    images: {
      value: 'FOLDER',
      description: 'Photos: of --annotations; or, without, a folder for each class. Without it scenes are drawn.',
    },
    annotations: {
      value: 'FILE',
      description: 'Boxes in the format of COCO. Its images are split in three, beside --out.',
    },
    weights: {
      value: 'FILE',
      description: 'A checkpoint of a Swin to begin with; default swin-nano with random weights.',
    },
    size: { value: 'HxW', description: 'What images are resized to; default 448x448.' },
    seed: { value: 'N', description: 'Of the split, default 0.' },
    out: { value: 'FILE', description: 'The document; default sparsevit.config.mjs.' },
  },
  notes: ['Nothing is overwritten but with --out. The document says in comments what there is to change.'],
  examples: ['init --annotations photos/annotations.json --images photos', 'init --images flowers --size 384x384'],

  async execute({ options, inputs }, io) {
    if (inputs.length > 0) throw inputError(`init: expected options only, got ${quote(inputs[0] ?? '')}.`);
    const out = options.out ?? 'sparsevit.config.mjs';
    if (!out.endsWith('.mjs')) throw inputError(`--out: expected a name that ends with .mjs, got ${quote(out)}.`);
    const seed = parseInteger(options.seed ?? '0', '--seed', seedRange);
    const size = parseSize(options.size ?? '448x448', '--size');
    if (options.annotations !== undefined && options.images === undefined) {
      throw inputError('init: expected --images FOLDER beside --annotations, got none.');
    }
    const reads = [options.weights, options.annotations].filter((file) => file !== undefined);
    for (const file of reads) await checkInputFile(file, 'init');
    if (options.out === undefined && (await stat(out).catch(() => null)) !== null) {
      throw inputError(
        `init: expected no ${quote(out)} yet, got one. Name another file with --out, or the same to replace it.`,
      );
    }
    await checkOutputFile(out, '--out', reads);
    const folder = dirname(resolve(out));
    /** As the document names it. */
    const named = (path: string): string => {
      const inner = relative(folder, resolve(path)).split(sep).join('/');
      return JSON.stringify(inner.startsWith('.') || inner === '' ? inner || '.' : `./${inner}`);
    };
    const written: string[] = [];
    let data: Record<(typeof splitNames)[number], string>;
    let task: 'detection' | 'classification' = 'detection';
    if (options.annotations !== undefined && options.images !== undefined) {
      const parts = await splitAnnotations(options.annotations, seed);
      data = { train: '', validation: '', test: '' };
      for (const name of splitNames) {
        const file = join(folder, `${name}.json`);
        await checkOutputFile(file, 'init', [...reads, out]);
        await writeOutputFile(file, new TextEncoder().encode(`${JSON.stringify(parts[name])}\n`), 'init');
        written.push(`${file}: ${parts[name].images.length} images`);
        data[name] = `{ kind: 'coco', annotations: ${named(file)}, images: ${named(options.images)} }`;
      }
    } else if (options.images !== undefined) {
      await checkClassFolders(options.images);
      task = 'classification';
      const source = `{ kind: 'image-folder', path: ${named(options.images)} }`;
      data = { train: source, validation: source, test: source };
    } else {
      const { height, width } = size;
      const scenes = (count: number, of: number): string =>
        `{ kind: 'scenes', count: ${count}, seed: ${of}, height: ${height}, width: ${width} }`;
      data = { train: scenes(100, 1), validation: scenes(40, 1001), test: scenes(40, 2001) };
    }
    const text = starterText({
      data,
      task,
      weights: options.weights === undefined ? null : (JSON.parse(named(options.weights)) as string),
      size,
      batch: 2,
      steps: { train: 800, adapt: 800, finetune: 400 },
    });
    await writeOutputFile(out, new TextEncoder().encode(text), '--out');
    io.stdout(
      renderFacts([
        ...written.map((line) => ['written', line] as const),
        ['written', out],
        ...(task === 'classification'
          ? [['mind', 'train, validation and test are the same folder: name others in the document'] as const]
          : []),
        ['next', `sparsevit pipeline --config ${out}`],
      ]),
    );
  },
});

type Coco = Parameters<typeof splitCoco>[0];

async function splitAnnotations(file: string, seed: number): Promise<ReturnType<typeof splitCoco>> {
  const document = (await readJsonFile(file, '--annotations')) as Partial<Coco> | null;
  const { images, annotations } = document ?? {};
  if (!Array.isArray(images) || !Array.isArray(annotations)) {
    throw inputError(
      `--annotations: expected a document of COCO with images and annotations, got ${quote(file)} without.`,
    );
  }
  if (images.length < leastImages) {
    throw inputError(
      `--annotations: expected at least ${leastImages} images to split, got ${images.length} in ${quote(file)}.`,
    );
  }
  return splitCoco(document as Coco, seed);
}

async function checkClassFolders(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw inputError(`--images: expected a folder, got ${quote(folder)}.`, { cause });
  });
  if (entries.some((entry) => entry.isDirectory() && !entry.name.startsWith('.'))) return;
  throw inputError(
    `--images: expected a folder for each class, got ${quote(folder)} without folders. Boxes are given with --annotations.`,
  );
}
