/** `sparsevit worker`: evaluates for a search that runs elsewhere. */

import { setTimeout as pause } from 'node:timers/promises';
import { checkedPaths, createEvaluationPool } from '@sparsevit/pipeline/node';
import { SparseViTError } from '@sparsevit/windows';
import type { Command } from '../command';
import { defineCommand } from '../command';
import { inputError, quote } from '../errors';
import { refuseInputs } from '../profile/plan';
import { createProgress } from '../progress';
import { loadDistributed } from '../search/evaluators';
import { renderFacts } from '../table';
import { parseInteger } from '../values';

const lookIntervalMs = 2000;

/** The command. */
export const workerCommand: Command = defineCommand({
  name: 'worker',
  summary: 'Evaluate for a search that runs elsewhere.',
  usage: ['worker --redis URL [options]'],
  options: {
    redis: { value: 'URL', description: 'Where the search queues its candidates: redis://host:6379.' },
    root: {
      value: 'FOLDER',
      description: 'The folder that weights and data lie in, as on the machine that searches; default the current one.',
    },
    processes: { value: 'N', description: 'Evaluations at a time, each in a process of its own; default all cores.' },
    subject: {
      value: 'KEY',
      description: 'The beginning of the key of what to evaluate; default what was announced last.',
    },
    evaluations: { value: 'N', description: 'End after so many; default when it is stopped.' },
  },
  notes: [
    'Waits for a search to announce what it evaluates, and makes sure that the files here have the same contents. Ctrl-C ends it: what it had begun is given to another worker.',
  ],
  examples: ['worker --redis redis://queue:6379 --root /data'],

  async execute({ options, inputs }, io) {
    refuseInputs(inputs, 'worker');
    const { redis, root = '.', subject: wanted } = options;
    if (redis === undefined) throw inputError('worker: expected --redis URL, got none.');
    const processes =
      options.processes === undefined
        ? undefined
        : parseInteger(options.processes, '--processes', { min: 1, max: 1024 });
    const most =
      options.evaluations === undefined
        ? Number.POSITIVE_INFINITY
        : parseInteger(options.evaluations, '--evaluations', { min: 1, max: Number.MAX_SAFE_INTEGER });
    const { announcedSubjects, createEvaluationWorker } = await loadDistributed('worker');
    const progress = createProgress(io);
    const stop = new AbortController();
    const stopListening = io.onInterrupt(() => stop.abort());
    let done = 0;
    let failed = 0;
    try {
      let announced = (await announcedSubjects(redis)).find(({ key }) => key.startsWith(wanted ?? ''));
      while (announced === undefined && !stop.signal.aborted) {
        progress.step('waiting for a search');
        await pause(lookIntervalMs, undefined, { signal: stop.signal }).catch(() => {});
        announced = (await announcedSubjects(redis)).find(({ key }) => key.startsWith(wanted ?? ''));
      }
      if (announced === undefined || stop.signal.aborted) return;
      const { subject, key } = announced;
      progress.step('looking at the files');
      const paths = await checkedPaths(subject, root).catch((error: unknown) => {
        if (!SparseViTError.isInstance(error)) throw error;
        throw new SparseViTError(error.code, `--root ${quote(root)}: ${error.message}`, { cause: error });
      });
      progress.step('starting processes');
      const pool = await createEvaluationPool({ subject, paths, processes });
      try {
        const ended = new Promise<void>((resolve) => {
          stop.signal.addEventListener('abort', () => resolve(), { once: true });
        });
        const worker = await createEvaluationWorker({
          redis,
          subject,
          evaluate: pool.evaluate,
          concurrency: pool.concurrency,
          signal: stop.signal,
          onEvent(event) {
            if (event.type === 'job-refused') io.stderr(`sparsevit: worker: ${event.reason}\n`);
            if (event.type === 'connection-lost') progress.step('Redis is away: waiting');
            if (event.type !== 'evaluation-end') return;
            done++;
            if (event.reason !== undefined) {
              failed++;
              progress.clear();
              io.stderr(`sparsevit: worker: an evaluation failed: ${event.reason}\n`);
            }
            progress.step(`${done} evaluations, the last took ${(event.durationMs / 1000).toFixed(1)} s`);
            if (done >= most) stop.abort();
          },
        });
        progress.clear();
        io.stdout(
          renderFacts([
            ['worker', `${worker.name}, ${pool.concurrency} at a time`],
            [
              'evaluates',
              `${key.slice(0, 12)} (${Object.values(subject.files)
                .map(({ path }) => path)
                .join(', ')})`,
            ],
          ]),
        );
        await ended;
        await worker.dispose();
      } finally {
        await pool.dispose();
      }
      progress.clear();
      io.stdout(renderFacts([['evaluated', `${done}${failed === 0 ? '' : `, ${failed} failed`}`]]));
    } finally {
      stopListening();
      progress.clear();
    }
  },
});
