/** The program of a pool in the tests: a synthetic metric, and misbehaviour on demand. */

import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Candidate } from '../../src/index';
import { serveEvaluations } from '../../src/node';
import { syntheticAccuracy } from './synthetic';

const [behaviour = '', marker = ''] = process.argv.slice(2);

/** True the first time over all processes. */
function isFirst(): boolean {
  if (existsSync(marker)) return false;
  writeFileSync(marker, '');
  return true;
}

const behaviours: Readonly<Record<string, (candidate: Candidate) => unknown>> = {
  async evaluate(candidate) {
    await pause(candidate.id % 4); // so that the order of answers is another one
    return { values: { accuracy: syntheticAccuracy(candidate), processId: process.pid } };
  },
  async 'die once'(candidate) {
    if (candidate.id === 5 && isFirst()) process.kill(process.pid, 'SIGKILL');
    await pause(candidate.id % 4);
    return { values: { accuracy: syntheticAccuracy(candidate) } };
  },
  poison: (candidate) =>
    candidate.id === 5 ? process.exit(7) : { values: { accuracy: syntheticAccuracy(candidate) } },
  throw: (candidate) => {
    throw new Error(`no metric for ${candidate.id}`);
  },
  nothing: () => undefined,
  text: () => ({ values: { accuracy: 'high' } }),
  'not a number': () => ({ values: { accuracy: Number.NaN } }),
  subsets: ({ subsets }) => ({ partial: subsets.map(({ items }) => items) }),
  block: () => {
    if (isFirst()) for (;;); // hears no message, like a long product in WebAssembly
    return { values: { accuracy: 1 } };
  },
  print: () => {
    process.stdout.write('out\n');
    process.stderr.write('err\n');
    return { values: { accuracy: 1 } };
  },
  damaged: () => process.send?.({ kind: 'outcome', call: 1, outcome: 'good' }),
  'other messages': () => {
    process.send?.({ kind: 'hello' });
    process.send?.('hello');
    return { values: { accuracy: 1 } };
  },
  'die in the second start': (candidate) => process.exit(candidate.id),
};

if (behaviour === 'exit') {
  process.stderr.write('no such model\n');
  process.exit(3);
}
if (behaviour === 'die in the second start' && !isFirst()) process.exit(4);
if (behaviour === 'old') process.send?.({ kind: 'ready', version: 0 });
else if (behaviour === 'silent') setInterval(() => {}, 1000);
else serveEvaluations((candidate) => behaviours[behaviour]?.(candidate) as never);
