/**
 * What an evaluation costs beyond itself when it goes through a queue, and whether that grows with the queue: all evaluations are queued at
 * once, one worker process answers them. The rounds visit all cases in turn.
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createDistributedEvaluator } from '@sparsevit/distributed';
import { Redis } from 'ioredis';
import { startRedis } from './redis';
import { subjectOf } from './subject';

interface Case {
  readonly count: number;
  readonly concurrency: number;
}

interface Measured {
  /** Milliseconds from the first question to the last answer, over the evaluations. */
  readonly eachMs: number;
  /** What the evaluation itself took of that, by the worker's clock. */
  readonly ownMs: number;
  /** Bytes that Redis has more for each. */
  readonly bytes: number;
}

const warmUp = 100;
const help = `node tooling/search-bench/queue.mjs [--counts 100,1000,10000] [--concurrency 1,8] [--rounds 3] [--evaluation-ms 1] [--redis url]`;

const { values: options } = parseArgs({
  options: {
    counts: { type: 'string', default: '100,1000,10000' },
    concurrency: { type: 'string', default: '1,8' },
    rounds: { type: 'string', default: '3' },
    'evaluation-ms': { type: 'string', default: '1' },
    redis: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

async function measure(redis: string, { count, concurrency }: Case, name: string): Promise<Measured> {
  const worker = fork(join(import.meta.dirname, 'worker.mjs'), [
    redis,
    name,
    `${concurrency}`,
    options['evaluation-ms'],
  ]);
  let ownMs = 0;
  const distributed = await createDistributedEvaluator({
    redis,
    subject: subjectOf(name),
    onEvent: (event) => {
      if (event.type === 'answer-received') ownMs += event.durationMs;
    },
  });
  await once(worker, 'message');
  const { signal } = new AbortController();
  const evaluateAll = (first: number, many: number): Promise<unknown> =>
    Promise.all(
      Array.from({ length: many }, (_, i) =>
        distributed.evaluate(
          {
            id: i,
            generation: 0,
            prunedRatios: [[0.1], [0.2], [0, 0.1, 0.2], [0.3]],
            attempt: 1,
            seed: first + i,
            subsets: [],
          },
          { signal },
        ),
      ),
    );
  const client = new Redis(redis);
  const usedBytes = async (): Promise<number> =>
    Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1] ?? Number.NaN);

  await evaluateAll(0, warmUp);
  ownMs = 0;
  const bytesBefore = await usedBytes();
  const startMs = performance.now();
  await evaluateAll(warmUp, count);
  const eachMs = (performance.now() - startMs) / count;
  const bytes = ((await usedBytes()) - bytesBefore) / count;
  client.disconnect();
  await distributed.dispose();
  const exit = once(worker, 'exit');
  worker.disconnect();
  await exit;
  return { eachMs, ownMs: ownMs / count / concurrency, bytes };
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const spread = (values: readonly number[], digits = 2): string =>
  `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)})`;

async function main(): Promise<void> {
  if (options.help) return console.log(help);
  const numbers = (text: string): number[] => text.split(',').map(Number);
  const cases = numbers(options.concurrency).flatMap((concurrency) =>
    numbers(options.counts).map((count): Case => ({ count, concurrency })),
  );
  const rounds = Number(options.rounds);
  const own = options.redis === undefined ? await startRedis() : null;
  const redis = options.redis ?? own?.url ?? '';
  const measured = cases.map((): Measured[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, one] of cases.entries()) {
      const result = await measure(redis, one, `${process.pid}-${Date.now()}-${round}-${i}`);
      measured[i]?.push(result);
      console.error(
        `round ${round + 1}: ${one.count} queued, ${one.concurrency} at a time: ${result.eachMs.toFixed(2)} ms each`,
      );
    }
  }
  await own?.dispose();

  console.log(
    `Node ${process.versions.node}, ${cpus().length} x ${cpus()[0]?.model.trim()}; median of ${rounds} rounds (least to most)\n`,
  );
  console.log('| queued | at a time | ms each | of which evaluating | ms beyond that | KB in Redis |');
  console.log('| ---: | ---: | ---: | ---: | ---: | ---: |');
  for (const [i, { count, concurrency }] of cases.entries()) {
    const rows = measured[i] ?? [];
    console.log(
      `| ${count.toLocaleString('en')} | ${concurrency} | ${spread(rows.map(({ eachMs }) => eachMs))} | ${spread(rows.map(({ ownMs }) => ownMs))} | ${spread(rows.map(({ eachMs, ownMs }) => eachMs - ownMs))} | ${median(rows.map(({ bytes }) => bytes / 1024)).toFixed(1)} |`,
    );
  }
}

await main();
