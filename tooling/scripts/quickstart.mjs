// `pnpm quickstart`: the whole pipeline on scenes that the project draws itself, in minutes. `--images DIR` takes one's own: boxes in the
// format of COCO, or a folder for each class; photos without either are run sparse as they are. More arguments go to `sparsevit pipeline`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { runSparsevit, useSparsevit } from './lib/build.mjs';
import { ensurePnpm, root } from './lib/process.mjs';
import { drawnScenes, lookInto, quickstartDocument } from './lib/quickstart-document.mjs';

const args = process.argv.slice(2).filter((argument) => argument !== '--');
ensurePnpm(['quickstart', ...args]);
const place = args.indexOf('--images');
const images = place < 0 ? undefined : (args[place + 1] ?? '');
const more = place < 0 ? args : args.filter((_, i) => i !== place && i !== place + 1);
const folder = join(root, 'out', images === undefined ? 'quickstart' : 'quickstart-images');
const shown = relative(process.cwd(), folder) || folder;

const picture = (what) => `
  ${what}
      |
      v
  dense model --> adapted to sparsity --> latencies of this machine --> sparsity of every layer
  (training)      (another one at         (30 sparsities measured)      (searched for 60 % of the
                   every step)                                           time of the dense model)
                                                                            |
                                                                            v
  ${shown}/model.safetensors  <--  judged beside dense, uniform  <--  fine-tuned
  ${shown}/report.html             and random sparsities

`;

/** `sparsevit <args>`, shown as one would type it. */
const show = (all) => {
  const quoted = all.map((argument) => (/^[\w./=-]+$/.test(argument) ? argument : `'${argument}'`));
  process.stderr.write(`sparsevit ${quoted.join(' ')}\n`);
};

const fail = (message) => {
  process.stderr.write(`quickstart: ${message}\n`);
  process.exit(2);
};

const found = images === undefined ? null : lookInto(resolve(images));
if (found?.kind === 'none') {
  fail(`expected --images DIR with photos, got ${JSON.stringify(images)} without. Name a folder.`);
}
if (found?.kind === 'photos') {
  process.stderr.write(
    'Photos without annotations: nothing can be learnt from them, so a Swin-T with random weights runs on them, dense and sparse.\n' +
      'For the whole pipeline put annotations.json in the format of COCO beside them, or a folder for each class.\n',
  );
  const run = ['run', ...found.files.slice(0, 4), '--sparsity', '0.6', '--overlay', 'overlay.png', ...more];
  show(run);
  await runSparsevit(run);
} else {
  mkdirSync(folder, { recursive: true });
  process.stderr.write(picture(images === undefined ? 'drawn scenes' : images));
  const runCli = await useSparsevit();
  let document = { task: 'detection', ...drawnScenes };
  if (found?.kind === 'coco') {
    const init = [
      'init',
      '--annotations',
      found.annotations,
      '--images',
      found.images,
      '--out',
      join(folder, 'starter.mjs'),
    ];
    show(init);
    const code = await runCli(init);
    if (code !== 0) process.exit(code);
    const part = (name) => ({ kind: 'coco', annotations: `${name}.json`, images: found.images, onBroken: 'skip' });
    const data = { train: part('train'), validation: part('validation'), test: part('test') };
    document = { task: 'detection', size: { height: 384, width: 672 }, data };
  } else if (found?.kind === 'classes') {
    const source = { kind: 'image-folder', path: found.path, onBroken: 'skip' };
    document = { task: 'classification', size: { height: 224, width: 224 }, data: { train: source } };
  }
  const config = join(folder, 'pipeline.json');
  writeFileSync(config, `${JSON.stringify(quickstartDocument({ ...document, output: '.' }), null, 2)}\n`);
  const pipeline = ['pipeline', '--config', relative(process.cwd(), config), ...more];
  show(pipeline);
  process.exitCode = await runCli(pipeline);
}
