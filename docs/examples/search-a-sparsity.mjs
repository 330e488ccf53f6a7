// The search alone: any function of a sparsity can be searched. Here a sensitivity of each stage stands for a model, and multiply-accumulates for
// its latency.
//
//   npm install @sparsevit/config @sparsevit/latency @sparsevit/search @sparsevit/windows
//   node search-a-sparsity.mjs
import { formatSparsity, swinPreset } from '@sparsevit/config/presets';
import { countMacs } from '@sparsevit/latency';
import { createSearch, memoryJournal, runSearch } from '@sparsevit/search';
import { createSparsitySpace, sparsityModes } from '@sparsevit/windows';

const architecture = swinPreset('swin-t');
const gmacs = (prunedRatios) => {
  const sparsity = { ...sparsityModes.clean, prunedRatios };
  return countMacs(architecture, { height: 672, width: 672, accounting: 'fair', sparsity }).totalMacs / 1e9;
};
const sensitivity = [0.5, 1, 4, 2];
const accuracy = (prunedRatios) =>
  80 -
  prunedRatios.flatMap((pairs, stage) => pairs.map((ratio) => sensitivity[stage] * ratio ** 2)).reduce((a, b) => a + b);

const options = {
  space: createSparsitySpace(architecture),
  objectives: [{ name: 'accuracy', direction: 'maximize' }],
  constraints: [{ name: 'gmacs', of: gmacs, atMost: 22 }],
  seed: 0,
  maxEvaluations: 80,
};

// everything that is known lies in the journal: after a crash a new search goes on from it
const journal = memoryJournal();
const stop = new AbortController();
const stopped = runSearch(
  createSearch(options),
  async ({ prunedRatios }) => ({ values: { accuracy: accuracy(prunedRatios) } }),
  {
    journal,
    signal: stop.signal,
    onEvent(event) {
      if (event.type === 'evaluation-end' && event.progress.evaluations === 30) stop.abort(new Error('stopped'));
    },
  },
);
await stopped.catch(({ message }) => console.log(`${message} after 30 evaluations`));

const result = await runSearch(
  createSearch(options),
  async ({ prunedRatios }) => ({ values: { accuracy: accuracy(prunedRatios) } }),
  { journal, concurrency: 4 },
);
const { best, history, importance, feasibleShare } = result;
console.log(
  `${history.length} of ${result.spaceSize} sparsities evaluated, ${(100 * feasibleShare.value).toFixed(0)} % of them fit 22 GMACs`,
);
console.log(
  `best: ${formatSparsity(best)}, accuracy ${best.values.accuracy.toFixed(2)}, ${best.values.gmacs.toFixed(1)} GMACs`,
);
for (const { stage, pair, share } of importance)
  console.log(`stage ${stage}, pair ${pair}: ${(100 * share).toFixed(0)} % of it`);
