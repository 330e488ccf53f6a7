/** A driver that is killed and started again in the tests; it prints the history at its end. */

import { runSearch } from '@sparsevit/search';
import { fileJournal } from '@sparsevit/search/node';
import { createDistributedEvaluator } from '../../src/index';
import { subject, syntheticSearch } from './synthetic';

const [redis = '', journal = ''] = process.argv.slice(2);

const distributed = await createDistributedEvaluator({ redis, subject, checkIntervalMs: 200 });
const { history } = await runSearch(syntheticSearch(), distributed.evaluate, {
  concurrency: 8,
  journal: fileJournal(journal),
});
await distributed.dispose();
process.stdout.write(JSON.stringify(history));
