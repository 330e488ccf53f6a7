/** A worker with a synthetic metric, and misbehaviour on demand. Each evaluation that begins is a line of the log. */

import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Candidate } from '@sparsevit/search';
import { createEvaluationWorker } from '../../src/index';
import { accuracyOf, subject } from './synthetic';

const [redis = '', log = '', behaviour = '', lockMs = '1000', device = ''] = process.argv.slice(2);
const victim = 13;

/** True the first time over all processes. */
function isFirst(): boolean {
  const marker = `${log}.marker`;
  if (existsSync(marker)) return false;
  writeFileSync(marker, '');
  return true;
}

async function misbehave({ id }: Candidate): Promise<void> {
  if (id !== victim) return;
  if (behaviour === 'poison' || (behaviour === 'die once' && isFirst())) {
    await pause(20);
    process.kill(process.pid, 'SIGKILL');
  }
  if (behaviour === 'block once' && isFirst()) {
    // like a long product in WebAssembly: no lock is renewed meanwhile
    for (const end = performance.now() + 4 * Number(lockMs); performance.now() < end; );
  }
}

const worker = await createEvaluationWorker({
  redis,
  subject,
  ...(device === '' ? {} : { device }),
  lockMs: Number(lockMs),
  lostWorkers: behaviour === 'poison' ? 2 : 4,
  async evaluate(candidate) {
    appendFileSync(log, `${candidate.id}\n`);
    await misbehave(candidate);
    await pause(1 + (candidate.id % 5));
    return { values: { accuracy: accuracyOf(candidate) } };
  },
});
process.on('disconnect', () => void worker.dispose());
process.send?.('ready');
