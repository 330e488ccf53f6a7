/** The study: jobs in processes of their own, one per core; then the report. */

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { randomWeights } from '@sparsevit/backbone';
import { createEngine } from '@sparsevit/engine';
import { newTask } from '@sparsevit/tasks';
import { uniformSparsity } from '@sparsevit/windows';
import type { Score } from './evaluate-job';
import { macsOf, runEvaluateJob } from './evaluate-job';
import type { Protocol } from './protocol';
import { architecture, controlRatio, fullProtocol, quickProtocol, scenesOf, taskOf } from './protocol';
import { claimsOf, markdownOf, plotOf } from './report';
import type { TrainJob } from './train-job';
import { runTrainJob } from './train-job';

const help = `claims: the paper's training claims, measured on scenes that are drawn here.

  node tooling/claims/claims.mjs [options]

  --quick        a few minutes, one seed: to see that it works
  --folder PATH  where models, scores and the report go (default: .cache/full or .cache/quick beside this tool); what is there is not done again
  --processes N  jobs at the same time; default: one per core
  --help
`;

type Job = { readonly train: TrainJob } | { readonly evaluate: { readonly seed: number; readonly lowSide: number } };

const here = dirname(fileURLToPath(import.meta.url)); // the bundle lies in .cache
const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    folder: { type: 'string' },
    processes: { type: 'string' },
    job: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const protocol: Protocol = values.quick ? quickProtocol : fullProtocol;
const folder = values.folder ?? join(here, values.quick ? 'quick' : 'full');

if (values.help) console.log(help);
else if (values.job !== undefined) await runJob(JSON.parse(values.job) as Job);
else await runStudy();

async function runJob(job: Job): Promise<void> {
  if ('train' in job) await runTrainJob(job.train, protocol, folder);
  else await runEvaluateJob(job.evaluate.seed, job.evaluate.lowSide, protocol, folder);
}

async function runStudy(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const start = performance.now();
  const lowSide = await sideOfEqualMacs();
  console.log(`low resolution: ${lowSide} pixels`);
  const { side, seeds } = protocol;
  const chains = seeds.flatMap((seed): Job[][] => [
    (['dense', 'continue', 'adapt', 'finetune'] as const).map((kind) => ({ train: { kind, seed, side } })),
    [{ train: { kind: 'low', seed, side: lowSide } }],
  ]);
  const processes = Number(values.processes ?? availableParallelism());
  await inParallel(chains, processes);
  await inParallel(
    seeds.map((seed): Job[] => [{ evaluate: { seed, lowSide } }]),
    processes,
  );
  const scores = seeds.flatMap(
    (seed) => JSON.parse(readFileSync(join(folder, `scores-seed${seed}.json`), 'utf8')) as Score[],
  );
  const minutes = (performance.now() - start) / 60_000;
  const facts = [
    `\`node tooling/claims/claims.mjs${values.quick ? ' --quick' : ''}\`, ${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'}, ${minutes.toFixed(0)} minutes; ${cpus()[0]?.model ?? ''}, ${availableParallelism()} cores, Node ${process.versions.node}, TensorFlow.js on wasm with @sparsevit/kernels-wasm`,
    `scenes of ${side}x${side}, ${protocol.trainScenes} to train on and ${protocol.testScenes} to judge, never both; crops of ${protocol.crop}, batch ${protocol.batch}`,
    `steps: dense ${protocol.steps.dense} + ${protocol.steps.adapt}, adaptation ${protocol.steps.dense} dense + ${protocol.steps.adapt}, fine-tuning ${protocol.steps.finetune} more, low resolution ${protocol.steps.dense + protocol.steps.adapt}`,
    `low resolution: ${lowSide} pixels, whose multiply-accumulates come nearest to those of ${controlRatio * 100} % pruned at ${side}, head included`,
  ];
  const report = markdownOf(scores, facts);
  writeFileSync(join(folder, 'report.md'), report);
  writeFileSync(join(folder, 'plot.svg'), plotOf(scores));
  writeFileSync(
    join(folder, 'scores.json'),
    `${JSON.stringify({ protocol, facts, claims: claimsOf(scores), scores }, null, 1)}\n`,
  );
  console.log(report);
  console.log(`report.md, plot.svg and scores.json lie in ${folder}`);
}

/** The side, a multiple of 28, at which a dense model costs what a pruned one costs at the full side. */
async function sideOfEqualMacs(): Promise<number> {
  const { classes } = scenesOf(protocol, 'test');
  const weights = randomWeights(architecture, 0);
  const checkpoint = newTask(taskOf(classes), { architecture, family: 'mmdet', weights }, { seed: 0 });
  const engine = await createEngine({ threads: 1 });
  const wanted = await macsOf(engine, checkpoint, protocol.side, uniformSparsity(architecture, controlRatio));
  let best = { side: 0, difference: Number.POSITIVE_INFINITY };
  for (let side = 28; side < protocol.side; side += 28) {
    const difference = Math.abs((await macsOf(engine, checkpoint, side, null)) - wanted);
    if (difference < best.difference) best = { side, difference };
  }
  await engine.dispose();
  return best.side;
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
  if ('evaluate' in job && existsSync(join(folder, `scores-seed${job.evaluate.seed}.json`))) return Promise.resolve();
  const given = ['--job', JSON.stringify(job), '--folder', folder, ...(values.quick ? ['--quick'] : [])];
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
