/** The document of the quickstart: the whole pipeline, so small that it takes minutes. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const training = (steps, learningRate) => ({
  steps,
  optimizer: { learningRate, clipNorm: 1 },
  schedule: { kind: 'cosine', warmUpSteps: 20 },
  saveEvery: 50,
});

/**
 * A pipeline of swin-nano.
 * @param {{ task: 'detection' | 'classification', data: object, size: { height: number, width: number }, output: string }} options
 */
export const quickstartDocument = ({ task, data, size, output }) => ({
  version: 1,
  task: { kind: task, ...(task === 'detection' ? { channels: 32 } : {}) },
  model: { preset: 'swin-nano' },
  data,
  input: {
    ...size,
    augment: {
      flip: true,
      ...(task === 'detection' ? { crop: { height: 192, width: 192, aroundBox: 0.8 } } : {}),
    },
  },
  batch: 2,
  ...(task === 'detection' ? { guidance: { weight: 1 } } : {}),
  train: training(170, 1e-3),
  adapt: training(90, 5e-4),
  latency: { configs: 30, rounds: 2, tolerance: 0.15 },
  search: { budgetRatio: 0.6, evaluations: 48, limit: 16, measured: 5 },
  finetune: training(50, 2e-4),
  report: { samples: 3, uniform: [0.3, 0.6, 0.8], random: 3, resolutions: [0.85, 0.7], choices: 7 },
  evaluation: { limit: 16 },
  output,
});

/** Drawn scenes: nothing has to be there. */
export const drawnScenes = {
  size: { height: 384, width: 384 },
  data: Object.fromEntries(
    [
      ['train', 60, 1],
      ['validation', 16, 1001],
      ['test', 24, 2001],
    ].map(([part, count, seed]) => [part, { kind: 'scenes', count, seed, height: 384, width: 384 }]),
  ),
};

const isFolder = (path) => existsSync(path) && statSync(path).isDirectory();
const isImage = (name) => /\.(?:jpe?g|png|webp)$/i.test(name);

/**
 * What a folder of images holds: boxes in the format of COCO, a folder for each class, or photos alone.
 * @param {string} folder
 * @returns {{ kind: 'coco', annotations: string, images: string } | { kind: 'classes', path: string } | { kind: 'photos', files: string[] } | { kind: 'none' }}
 */
export const lookInto = (folder) => {
  if (!isFolder(folder)) return { kind: 'none' };
  const names = readdirSync(folder);
  for (const place of [folder, join(folder, 'annotations')]) {
    if (!isFolder(place)) continue;
    for (const name of readdirSync(place).filter((file) => file.endsWith('.json'))) {
      const text = readFileSync(join(place, name), 'utf8');
      if (!text.includes('"images"') || !text.includes('"annotations"')) continue;
      const images = isFolder(join(folder, 'images')) ? join(folder, 'images') : folder;
      return { kind: 'coco', annotations: join(place, name), images };
    }
  }
  const classes = names.filter((name) => !name.startsWith('.') && isFolder(join(folder, name)));
  if (classes.some((name) => readdirSync(join(folder, name)).some(isImage))) return { kind: 'classes', path: folder };
  const files = names.filter(isImage).map((name) => join(folder, name));
  return files.length > 0 ? { kind: 'photos', files } : { kind: 'none' };
};
