/** The study: jobs in processes of their own, one per core; then the report. */

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { randomWeights } from '@sparsevit/backbone';
import { createEngine } from '@sparsevit/engine';
import { learnsFrom, newTask } from '@sparsevit/tasks';
import { uniformSparsity } from '@sparsevit/windows';
import type { KeptObjectsOfModel, Latency } from './evaluate-job';
import {
  keptObjectsPath,
  macsOf,
  measureLatencies,
  namedSparsities,
  nameOf,
  readScores,
  runEvaluateJob,
} from './evaluate-job';
import { claimsOf, keptObjectsTable, markdownOf, plotOf } from './report';
import { runSearchStudy } from './search-study';
import type { Study } from './studies';
import { architecture, controlRatio, deployedRatios, sizeAt, studies } from './studies';
import type { Campaign, TrainJob } from './train-job';
import { runTrainJob } from './train-job';

const help = `claims: the paper's training claims, measured.

  node tooling/claims/claims.mjs [options]

  --study NAME   scenes (default; drawn here), aerial or camvid
  --data FOLDER  where the photos of aerial (a COCO folder) or camvid lie
  --longer N     N times as many steps of everything
  --searched     what a search makes of the adapted models that are there, on scenes
  --quick        a few minutes, one seed: to see that it works
  --folder PATH  where models, scores and the report go (default: .cache/NAME beside this tool, with -quick or -xN behind it); what is there is not done again
  --processes N  jobs at the same time; default: one per core
  --help
`;

type Job = { readonly train: TrainJob } | { readonly evaluate: { readonly seed: number; readonly lowWidth: number } };

const here = dirname(fileURLToPath(import.meta.url)); // the bundle lies in .cache
const { values } = parseArgs({
  options: {
    study: { type: 'string', default: 'scenes' },
    data: { type: 'string' },
    longer: { type: 'string', default: '1' },
    quick: { type: 'boolean', default: false },
    searched: { type: 'boolean', default: false },
    folder: { type: 'string' },
    processes: { type: 'string' },
    job: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const study = studies[values.study];
if (study === undefined) {
  console.error(`claims: expected a study of ${Object.keys(studies).join(', ')}, got ${values.study}.`);
  process.exit(2);
}
const longer = Number(values.longer);
if (!Number.isInteger(longer) || longer < 1) {
  console.error(`claims: expected --longer to be a whole number of at least 1, got ${values.longer}.`);
  process.exit(2);
}
const kind = `${study.name}${values.quick ? '-quick' : ''}${longer > 1 ? `-x${longer}` : ''}`;
const folder = values.folder ?? join(here, kind);
const chosen = values.quick ? study.quick : study.amount;
const steps = Object.fromEntries(
  Object.entries(chosen.steps).map(([name, count]) => [name, count * longer]),
) as typeof chosen.steps;
const campaign: Campaign = {
  study,
  amount: { ...chosen, steps },
  limit: values.quick ? study.quick.images : undefined,
  dataFolder: values.data,
  folder,
};

if (values.help) console.log(help);
else if (values.job !== undefined) await runJob(JSON.parse(values.job) as Job);
else if (values.searched) await runSearchStudy(campaign, here);
else await runStudy(campaign);

async function runJob(job: Job): Promise<void> {
  if ('train' in job) await runTrainJob(job.train, campaign);
  else await runEvaluateJob(job.evaluate.seed, job.evaluate.lowWidth, campaign);
}

async function runStudy({ study, amount, dataFolder }: Campaign): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const start = performance.now();
  const test = await study.open('test', dataFolder);
  const lowWidth = await widthOfEqualMacs(study, test.classes);
  const low = sizeAt(study, lowWidth);
  console.log(`low resolution: ${low.width}x${low.height} pixels`);
  const { seeds, steps } = amount;
  const hasBoxes = learnsFrom(study.taskOf(test.classes)) === 'boxes'; // guidance is for these
  const chains = seeds.flatMap((seed): Job[][] => [
    [
      ...(['dense', 'continue', 'adapt', 'finetune'] as const),
      ...(hasBoxes ? (['guided', 'guided-finetune', 'longer', 'adapt-guided'] as const) : []),
    ].map((kind) => ({ train: { kind, seed, width: study.size.width } })),
    (hasBoxes ? (['low', 'low-longer'] as const) : (['low'] as const)).map((kind) => ({
      train: { kind, seed, width: lowWidth },
    })),
  ]);
  const processes = Number(values.processes ?? availableParallelism());
  await inParallel(chains, processes);
  await inParallel(
    seeds.map((seed): Job[] => [{ evaluate: { seed, lowWidth } }]),
    processes,
  );
  const scores = seeds.flatMap((seed) => readScores(folder, seed));
  const latencyFile = join(folder, 'latency.json');
  let latencies = existsSync(latencyFile) ? (JSON.parse(readFileSync(latencyFile, 'utf8')) as Latency[]) : [];
  const isMeasured = Object.keys(namedSparsities(study.prunedRatios)).every((pruned) =>
    latencies.some((one) => one.pruned === pruned && one.width === study.size.width),
  );
  if (!isMeasured) {
    latencies = await measureLatencies(campaign, lowWidth, () => performance.now());
    writeFileSync(latencyFile, `${JSON.stringify(latencies, null, 1)}\n`);
  }
  const minutes = (performance.now() - start) / 60_000;
  const options = `${study.name === 'scenes' ? '' : ` --study ${study.name} --data FOLDER`}${longer > 1 ? ` --longer ${longer}` : ''}${values.quick ? ' --quick' : ''}`;
  const facts = [
    `\`node tooling/claims/claims.mjs${options}\`, ${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'}, this time ${minutes.toFixed(0)} minutes; ${cpus()[0]?.model ?? ''}, ${availableParallelism()} cores, Node ${process.versions.node}, TensorFlow.js on wasm with @sparsevit/kernels-wasm`,
    study.about,
    `crops of ${study.crop} pixels, batch ${study.batch}; steps: dense ${steps.dense} + ${steps.adapt}, adaptation ${steps.dense} dense + ${steps.adapt}, fine-tuning ${steps.finetune} more, low resolution ${steps.dense + steps.adapt}`,
    ...(hasBoxes ? guidedFacts(campaign) : []),
    'ms: one image in the engine, one thread, the median of fifteen rounds in which all had their turn',
  ];
  const keptObjects = hasBoxes
    ? seeds.flatMap((seed) => JSON.parse(readFileSync(keptObjectsPath(folder, seed), 'utf8')) as KeptObjectsOfModel[])
    : [];
  const report = [
    markdownOf(scores, latencies, facts, study),
    ...(hasBoxes ? [keptObjectsTable(keptObjects)] : []),
  ].join('\n');
  writeFileSync(join(folder, 'report.md'), report);
  writeFileSync(join(folder, 'plot.svg'), plotOf(scores, study));
  writeFileSync(
    join(folder, 'scores.json'),
    `${JSON.stringify({ study: study.name, amount, facts, claims: claimsOf(scores, latencies, study), latencies, keptObjects, scores }, null, 1)}\n`,
  );
  console.log(report);
  console.log(`report.md, plot.svg and scores.json lie in ${folder}`);
}

function guidedFacts({ study, amount: { steps } }: Campaign): string[] {
  const { crop, batch } = study.guided;
  return [
    `adapted, guided: as adapted, with guidance`,
    `guided: the dense model adapted for ${steps.guided} steps with guidance, then fine-tuned for ${steps.guidedFinetune} at ${nameOf(deployedRatios)}; crops of ${crop} pixels, batch ${batch}; longer: ${steps.guided + steps.guidedFinetune} dense steps more, as before`,
  ];
}

/** The width, a multiple of 28, at which a dense model costs what a pruned one costs at the full width. */
async function widthOfEqualMacs(study: Study, classes: readonly string[]): Promise<number> {
  const weights = randomWeights(architecture, 0);
  const checkpoint = newTask(study.taskOf(classes), { architecture, family: 'mmdet', weights }, { seed: 0 });
  const engine = await createEngine({ threads: 1 });
  const wanted = await macsOf(engine, checkpoint, study.size, uniformSparsity(architecture, controlRatio));
  let best = { width: 0, difference: Number.POSITIVE_INFINITY };
  for (let width = 56; width < study.size.width; width += 28) {
    const difference = Math.abs((await macsOf(engine, checkpoint, sizeAt(study, width), null)) - wanted);
    if (difference < best.difference) best = { width, difference };
  }
  await engine.dispose();
  return best.width;
}

/** Runs chains of jobs, each in its order, several at a time. */
async function inParallel(chains: readonly Job[][], processes: number): Promise<void> {
  const left = [...chains];
  const work = async (): Promise<void> => {
    for (let chain = left.shift(); chain !== undefined; chain = left.shift()) {
      for (const job of chain) await inProcess(job);
    }
  };
  await Promise.all(Array.from({ length: processes }, work));
}

function inProcess(job: Job): Promise<void> {
  const given = ['--job', JSON.stringify(job), '--folder', folder, '--study', values.study, '--longer', values.longer];
  if (values.data !== undefined) given.push('--data', values.data);
  if (values.quick) given.push('--quick');
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(here, '../claims.mjs'), ...given], { stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else
        reject(
          new Error(
            `expected the job ${JSON.stringify(job)} to end well, got exit code ${code}. Start again: what is done stays.`,
          ),
        );
    });
  });
}
