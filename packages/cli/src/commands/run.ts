/** `sparsevit run`: a model on images, dense and sparse side by side. */

import { basename } from 'node:path';
import { familyRules } from '@sparsevit/backbone';
import { notationOf } from '@sparsevit/config/presets';
import { writeOutputFile } from '@sparsevit/pipeline/files';
import type { Command } from '../command';
import { defineCommand } from '../command';
import type { CliIo } from '../io';
import { checkpointOptions, loadModel, presetList } from '../model';
import type { Progress } from '../progress';
import { createProgress } from '../progress';
import { evaluateInput } from '../run/evaluate';
import { inputName, openInput } from '../run/inputs';
import { createOverlayFile } from '../run/overlay-file';
import type { RunJob, RunPlan } from '../run/plan';
import { planRun } from '../run/plan';
import type { FailedInput, InputFacts, RunFacts } from '../run/report';
import { describeModel, describeSparsity, renderInput, renderRunFacts, reportJson } from '../run/report';
import type { Runner } from '../run/runner';
import { backendChoices, startRunner } from '../run/start-runner';
import { chooseSparsity, denseCounterpart, modeOf } from '../sparsity';

/** The command. */
export const runCommand: Command = defineCommand({
  name: 'run',
  summary: 'Run a model on images, dense and sparse side by side.',
  usage: ['run <input...> [options]', 'run --scene SEED [options]'],
  options: {
    weights: { value: 'FILE', description: 'Checkpoint, safetensors or PyTorch; without it the weights are random.' },
    model: { value: 'PRESET', description: `Architecture, default swin-t or that of the checkpoint: ${presetList}.` },
    seed: { value: 'N', description: 'Seed of random weights, default 0.' },
    ...checkpointOptions,
    size: {
      value: 'HxW',
      description: "Resize photos to this height and width; default: each its own. A scene's is 672x672 by default.",
    },
    sparsity: {
      value: 'RATIOS',
      description:
        "Share of windows to leave out, 0 to 0.95: one number, or '.3|0|.1,.2,.2|0' for every pair of blocks of every stage. Default: the one saved with the weights, else 0.6.",
    },
    mode: {
      value: 'MODE',
      description:
        'clean: dense is dense Swin. official: as the published SparseViT code. Default: the one saved with the weights, else clean.',
    },
    backend: {
      value: 'NAME',
      description: `${backendChoices.join(', ')}; default engine: WebAssembly on all cores. auto: webgpu on a graphics card, else the engine. webgpu, wasm and cpu are TensorFlow.js's; webgpu in Node needs the package webgpu.`,
    },
    threads: { value: 'N', description: 'Threads of the engine, default all cores.' },
    'no-kernels': { description: "Run TensorFlow.js's own ops instead of the fused kernels." },
    repeats: { value: 'N', description: 'Timed runs of each after one to warm up, in turns; default 3.' },
    scene: { value: 'SEED', description: 'Draw a scene instead of reading an input.' },
    overlay: { value: 'FILE.png', description: 'Draw the kept windows of each stage over the photo.' },
    features: {
      value: 'FILE.safetensors',
      description: 'Write what the sparse run computed: out0.., logits, kept.STAGE.BLOCK.',
    },
    json: { description: 'Print one JSON document.' },
  },
  notes: [
    'An input is a JPEG, PNG or WebP, normalised as ImageNet is, or a .safetensors with a float32 tensor "input" [B, 3, H, W] that is used as it is.',
    'With several inputs the names of --overlay and --features get the name of each input: out.png becomes out.street.png.',
    'Stages and blocks count from 0. A model that takes longer than 20 s is timed once.',
  ],
  examples: [
    'run street.jpg --overlay kept.png',
    "run street.jpg --weights swin_tiny.pth --sparsity '.3|0|.1,.2,.2|0' --mode official",
    'run --scene 1 --model swin-nano --json',
  ],

  async execute({ options, inputs }, io) {
    const plan = await planRun(options, inputs);
    const model = await loadModel(options);
    const { architecture, family, sparsity: saved } = model;
    const sparsity = chooseSparsity(architecture, { text: options.sparsity, mode: options.mode, saved });
    const progress = createProgress(io);
    const named = plan.backend === 'auto' ? 'a backend' : `${plan.backend === 'engine' ? 'the ' : ''}${plan.backend}`;
    progress.step(`starting ${named}`);
    let runner: Runner | null = null;
    try {
      const readModel = () => {
        progress.step('taking in the weights');
        return { architecture, family, weights: model.readWeights() };
      };
      runner = await startRunner(readModel, { ...plan, now: io.now });
      const facts: RunFacts = { model, sparsity, backend: runner.facts, machine: io.machine() };
      progress.clear();
      if (!options.json) io.stdout(renderRunFacts(facts));
      const found: InputFacts[] = [];
      for (const job of plan.jobs) {
        const inputFacts = await runJob(job, { plan, facts, runner, io, progress }).catch((error: unknown) => {
          progress.clear();
          // What is done is not lost to an input that cannot be used.
          const failed = failureOf(job, runner?.explain(error));
          if (options.json && found.length > 0) printJson(io, facts, found, failed);
          throw error;
        });
        progress.clear();
        if (!options.json) io.stdout(renderInput(inputFacts));
        found.push(inputFacts);
      }
      if (options.json) printJson(io, facts, found, null);
    } catch (error) {
      throw runner === null ? error : runner.explain(error);
    } finally {
      progress.clear();
      await runner?.dispose();
    }
  },
});

function printJson(io: CliIo, facts: RunFacts, found: readonly InputFacts[], failed: FailedInput | null): void {
  io.stdout(`${JSON.stringify(reportJson(facts, found, failed), null, 2)}\n`);
}

function failureOf({ source }: RunJob, error: unknown): FailedInput {
  return { input: inputName(source), message: error instanceof Error ? error.message : String(error) };
}

/** One input: read, run, files written. */
async function runJob(
  { source, overlay, features }: RunJob,
  context: { plan: RunPlan; facts: RunFacts; runner: Runner; io: CliIo; progress: Progress },
): Promise<InputFacts> {
  const { plan, facts, runner, io, progress } = context;
  const { model, sparsity } = facts;
  const { patchSize } = model.architecture;
  const name = inputName(source);
  progress.step(`${name}: reading`);
  const input = await openInput(source, { size: plan.size, patchSize });
  const { shape, origin } = input;
  const { featuresFile, photo, ...findings } = await evaluateInput(input, {
    runner,
    architecture: model.architecture,
    rules: familyRules[model.family],
    sparsity,
    dense: denseCounterpart(model.architecture, sparsity),
    repeats: plan.repeats,
    features: features === null ? null : featureFacts(facts, name),
    wantsPhoto: overlay !== null,
    now: io.now,
    onStep: (text) => progress.step(`${name}: ${text}`),
  });
  progress.step(`${name}: writing files`);
  if (overlay !== null && photo !== null) {
    const caption = [`${basename(name)}, ${shape[1]}x${shape[2]}`, describeModel(model), describeSparsity(facts)];
    const picture = await createOverlayFile(photo, { kept: findings.kept, patchSize, caption });
    await writeOutputFile(overlay, picture, '--overlay');
  }
  if (features !== null && featuresFile !== null) await writeOutputFile(features, featuresFile, '--features');
  return { name, origin, shape, findings, peakMemoryBytes: io.peakMemoryBytes(), overlay, features };
}

/** How the features came about, for the metadata of their file. */
function featureFacts({ model, sparsity }: RunFacts, input: string): Record<string, string> {
  return {
    input,
    model: model.preset ?? JSON.stringify(model.architecture),
    weights: 'seed' in model.source ? `random, seed ${model.source.seed}` : model.source.weights,
    family: model.family,
    sparsity: notationOf(sparsity),
    mode: modeOf(sparsity),
  };
}
