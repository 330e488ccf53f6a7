/** A worker whose evaluations take a millisecond. */

import { setTimeout as pause } from 'node:timers/promises';
import { createEvaluationWorker } from '@sparsevit/distributed';
import { subjectOf } from './subject';

const [redis = '', measurement = '', concurrency = '1', evaluationMs = '1'] = process.argv.slice(2);

const worker = await createEvaluationWorker({
  redis,
  subject: subjectOf(measurement),
  concurrency: Number(concurrency),
  async evaluate({ seed }) {
    await pause(Number(evaluationMs));
    return { values: { accuracy: seed } };
  },
});
process.on('disconnect', () => void worker.dispose());
process.send?.('ready');
