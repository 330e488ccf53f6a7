/** Times of training steps in interleaved rounds, dense and pruned, each case in a process of its own. */

import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { createRandom } from '@sparsevit/windows';
import { describeHost } from '../node/machine';
import { median, spreadOf } from '../statistics';
import type { TrainingKind, TrainingSubject } from './cases';
import { trainingKinds, trainingSubjects } from './cases';
import type { WorkerReply, WorkerRequest } from './worker';
import { runWorker } from './worker';

const help = `training: times of training steps, dense and pruned, and the memory that they take.

  node tooling/bench/training.mjs [options]

  --subjects NAMES  of ${trainingSubjects.map(({ name }) => name).join(', ')}; default all
  --rounds 5        rounds; in each every case is visited once, in a new order
  --steps 3         steps of each visit
  --out FILE        the JSON (default: .cache/results in tooling/bench)
  --help
`;

/** What is known of a case in the end. */
interface CaseResult {
  readonly subject: string;
  readonly kind: TrainingKind;
  readonly sidePixels: number;
  readonly batch: number;
  /** Milliseconds per step of each visit. */
  readonly visitMs: readonly number[];
  readonly peakProcessBytes: number;
  readonly peakWasmBytes: number;
}

const { values } = parseArgs({
  options: {
    subjects: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    steps: { type: 'string', default: '3' },
    out: { type: 'string' },
    worker: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) console.log(help);
else if (values.worker !== undefined) {
  const { name, kind } = JSON.parse(values.worker) as { name: string; kind: TrainingKind };
  await runWorker(subjectOf(name), kind);
} else await runBench();

async function runBench(): Promise<void> {
  const [rounds, steps] = [countOf('rounds'), countOf('steps')];
  const subjects = values.subjects?.split(',').map(subjectOf) ?? trainingSubjects;
  const machine = describeHost();
  const results: CaseResult[] = [];
  // a subject at a time: their memory does not fit beside each other everywhere
  for (const subject of subjects) results.push(...(await measureSubject(subject, rounds, steps)));
  const file = values.out ?? join(dirname(process.argv[1] ?? ''), 'results', 'training.json');
  mkdirSync(dirname(file), { recursive: true });
  const command = `node tooling/bench/training.mjs --rounds ${rounds} --steps ${steps}`;
  writeFileSync(file, `${JSON.stringify({ command, node: process.versions.node, machine, results }, null, 1)}\n`);
  console.log(tableOf(results));
  console.log(`\n- \`${command}\`; ${machine.cpu}, ${machine.cores} cores, Node ${process.versions.node}; ${file}`);
}

async function measureSubject(subject: TrainingSubject, rounds: number, steps: number): Promise<CaseResult[]> {
  const random = createRandom(rounds);
  const cases = await Promise.all(trainingKinds.map((kind) => startCase(subject, kind)));
  for (const one of cases) await one.visit(2); // the first steps find memory and compile
  const visits = new Map<TrainingKind, number[]>(trainingKinds.map((kind) => [kind, []]));
  for (let round = 0; round < rounds; round++) {
    const order = [...cases];
    while (order.length > 0) {
      const [one] = order.splice(random.integer(0, order.length), 1);
      if (one === undefined) break;
      const ms = (await one.visit(steps)) / steps;
      visits.get(one.kind)?.push(ms);
      console.log(`${subject.name}, ${one.kind}: ${ms.toFixed(0)} ms per step`);
    }
  }
  const results: CaseResult[] = [];
  for (const { kind, end } of cases) {
    const { name, sidePixels, batch } = subject;
    results.push({ subject: name, kind, sidePixels, batch, visitMs: visits.get(kind) ?? [], ...(await end()) });
  }
  return results;
}

interface RunningCase {
  readonly kind: TrainingKind;
  /** Milliseconds that some steps took. */
  visit(steps: number): Promise<number>;
  end(): Promise<Pick<CaseResult, 'peakProcessBytes' | 'peakWasmBytes'>>;
}

async function startCase({ name }: TrainingSubject, kind: TrainingKind): Promise<RunningCase> {
  const child = fork(process.argv[1] ?? '', ['--worker', JSON.stringify({ name, kind })]);
  await answerOf(child); // ready
  const ask = async (request: WorkerRequest): Promise<WorkerReply> => {
    const answer = answerOf(child);
    child.send(request);
    return answer;
  };
  return {
    kind,
    visit: async (steps) => {
      const answer = await ask({ steps });
      if (!('ms' in answer)) throw new Error(`expected a time of ${name}, ${kind}, got ${JSON.stringify(answer)}`);
      return answer.ms;
    },
    end: async () => {
      const answer = await ask({ end: true });
      if (!('peakWasmBytes' in answer)) throw new Error(`expected memory of ${name}, got ${JSON.stringify(answer)}`);
      return answer;
    },
  };
}

function answerOf(child: ChildProcess): Promise<WorkerReply> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`expected an answer, got exit code ${code}`));
    child.once('exit', onExit);
    child.once('message', (message: WorkerReply) => {
      child.off('exit', onExit);
      resolve(message);
    });
  });
}

function tableOf(results: readonly CaseResult[]): string {
  const gib = (bytes: number): string => (bytes / 2 ** 30).toFixed(2);
  const rows = results.map((result) => {
    const dense = results.find(({ subject, kind }) => subject === result.subject && kind === 'dense') ?? result;
    const { median: middle, firstQuartile, thirdQuartile } = spreadOf(result.visitMs);
    const ratios = result.visitMs.map((ms, round) => ms / (dense.visitMs[round] ?? Number.NaN));
    const cells = [
      result.subject,
      `${result.sidePixels}`,
      result.kind,
      `${middle.toFixed(0)} (${firstQuartile.toFixed(0)} to ${thirdQuartile.toFixed(0)})`,
      `${median(ratios).toFixed(3)}x`,
      ((1000 * result.batch) / middle).toFixed(2),
      gib(result.peakWasmBytes),
      gib(result.peakProcessBytes),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    '| model and head | pixels | steps | ms per step (quartiles) | of dense, round by round | images/s | peak of WASM memory, GiB | peak of the process, GiB |',
    '| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |',
    ...rows,
  ].join('\n');
}

function subjectOf(name: string): TrainingSubject {
  const found = trainingSubjects.find((subject) => subject.name === name.trim());
  if (found !== undefined) return found;
  throw new Error(`expected a subject of ${trainingSubjects.map((subject) => subject.name).join(', ')}, got ${name}.`);
}

function countOf(name: 'rounds' | 'steps'): number {
  const count = Number(values[name]);
  if (Number.isInteger(count) && count > 0) return count;
  throw new Error(`expected --${name} to be a whole number above 0, got ${values[name]}.`);
}
