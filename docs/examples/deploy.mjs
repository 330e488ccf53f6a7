// A model that `sparsevit pipeline` has made, in an application: choose its sparsity for a latency budget on this device, and predict.
//
//   npm install @sparsevit/runtime @sparsevit/data sharp
//   node deploy.mjs model.safetensors [budget in ms] [photo.jpg]
//
// Without a file it makes a small one that has learnt nothing, which needs more packages (`npm install sparsevit sharp`). In a page it is the
// same: a model by its address, the pixels of a canvas, and localStorage for the calibration.
import { readFile } from 'node:fs/promises';
import { drawScene } from '@sparsevit/data';
import { decodeImage } from '@sparsevit/data/node';
import { chooseSparsity, loadModel } from '@sparsevit/runtime';

const [file, budget = '50', photoFile] = process.argv.slice(2);
const model = await loadModel(file ?? (await makeFile()));
const { task, deployment, report } = model;
console.log(`${task.kind} of ${task.classes.join(', ')}, in the ${report.backend} (${report.detail})`);

// ten sparsities are measured here; what they take is stored, so that the next start need not measure
const chosen = await chooseSparsity(model, { budgetMs: Number(budget) });
const stored = JSON.stringify(chosen.calibration);
for (const { sparsity, score, predicted, meetsBudget } of chosen.offered) {
  const ratios = sparsity.prunedRatios.map((stage) => stage.join(',')).join('|');
  const range = `${predicted.ms.toFixed(1)} ms (${predicted.lo.toFixed(1)} to ${predicted.hi.toFixed(1)})`;
  const mark = sparsity === chosen.sparsity ? ', chosen' : '';
  console.log(`${ratios}: ${deployment.scoreName} ${score}, ${range}${meetsBudget ? '' : ', too slow'}${mark}`);
}
if (!chosen.meetsBudget) console.log(`nothing meets ${budget} ms: the fastest was taken`);

const again = await chooseSparsity(model, { budgetMs: Number(budget) / 2, calibration: JSON.parse(stored) });
console.log(`for half of the budget, with nothing measured: ${again.sparsity.prunedRatios.join('|')}`);

// a photo of any size; boxes, masks and classes are in its own pixels
const photo =
  photoFile === undefined
    ? drawScene({ seed: 4, height: 480, width: 640 }).image
    : await decodeImage(await readFile(photoFile));
const { output } = await model.predict(photo, { sparsity: chosen.sparsity, minScore: file === undefined ? 0.1 : 0.3 });
if (output.kind === 'boxes') {
  console.log(`${output.detections.length} boxes, the best of them:`);
  for (const { className, score, x, y, width, height } of output.detections.slice(0, 3)) {
    const box = [x, y, width, height].map((side) => side.toFixed(0)).join(', ');
    console.log(`  ${className} ${score.toFixed(2)} at ${box}`);
  }
}
if (output.kind === 'mask')
  console.log(`classes in the photo: ${[...new Set(output.mask)].map((i) => task.classes[i])}`);
if (output.kind === 'label') console.log(`${output.classes[0].className} ${output.classes[0].probability.toFixed(2)}`);
await model.dispose();

/** A detector with random weights and three sparsities, timed by nobody: what the pipeline writes in earnest. */
async function makeFile() {
  const { randomWeights, readSafetensors, writeSafetensors } = await import('@sparsevit/backbone');
  const { countMacs, createSamplingPlan, fitPredictor } = await import('@sparsevit/latency');
  const { newTask, saveTask } = await import('@sparsevit/tasks');
  const { createSparsitySpace, sparsityModes } = await import('@sparsevit/windows');

  const architecture = { patchSize: 4, embedDim: 16, depths: [2, 2, 2], heads: [1, 2, 4], window: 7, mlpRatio: 4 };
  const size = { height: 168, width: 168 };
  const normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
  const backbone = { architecture, family: 'mmdet', weights: randomWeights(architecture, 0) };
  const checkpoint = {
    ...newTask({ kind: 'detection', classes: ['car', 'sign'], channels: 16, prior: 0.3 }, backbone, { seed: 0 }),
    input: { size, keepRatio: true, normalization },
  };

  const rules = sparsityModes.clean;
  const timed = (prunedRatios) => {
    const { totalMacs } = countMacs(architecture, {
      ...size,
      accounting: 'fair',
      sparsity: { prunedRatios, ...rules },
    });
    return { prunedRatios, ms: 1 + totalMacs / 1e7 };
  };
  const rows = createSamplingPlan(createSparsitySpace(architecture), { seed: 1 }).fit.map(timed);
  const predictor = fitPredictor({ architecture, ...size }, rows, { kind: 'table' });
  const sparsities = [0.8, 0.5, 0].map((ratio, i) => {
    const prunedRatios = [[ratio], [ratio], [ratio]];
    return { prunedRatios, score: [0.31, 0.38, 0.4][i], latencyMs: predictor.predictMs(prunedRatios) };
  });
  const deployment = {
    format: 'sparsevit-deployment',
    version: 1,
    scoreName: 'AP',
    scoredImages: 1,
    sparsities,
    rules,
    chosen: 1,
    budgetMs: null,
    input: { batch: 1, ...size },
    device: 'made up',
    predictor: predictor.toJSON(),
  };
  const { tensors, metadata } = readSafetensors(saveTask(checkpoint));
  return writeSafetensors(tensors, { ...metadata, 'sparsevit-deployment': JSON.stringify(deployment) });
}
