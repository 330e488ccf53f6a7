/** `sparsevit search`: the sparsity of every layer, under a budget of milliseconds. */

import { searchSparsity } from '@sparsevit/pipeline';
import { writeOutputFile } from '@sparsevit/pipeline/files';
import { fileJournal } from '@sparsevit/search/node';
import { createSparsitySpace } from '@sparsevit/windows';
import type { Command } from '../command';
import { defineCommand } from '../command';
import { interruption, quote } from '../errors';
import { refuseInputs } from '../profile/plan';
import { createProgress } from '../progress';
import { startEvaluators } from '../search/evaluators';
import { startMeasuring } from '../search/measuring';
import type { SearchPlan } from '../search/plan';
import { planSearch } from '../search/plan';
import { renderSearchEvent, renderSearchPlan, renderSearchResult } from '../search/report';

/** The command. */
export const searchCommand: Command = defineCommand({
  name: 'search',
  summary: 'Find the sparsity of every layer for a budget of milliseconds.',
  usage: ['search --weights FILE --latency FILE --budget-ms MS (--config FILE | --data JSON) --out FILE [options]'],
  options: {
    weights: {
      value: 'FILE',
      description: 'A trained task, best one that was adapted: model.safetensors of `sparsevit adapt`.',
    },
    latency: {
      value: 'FILE',
      description:
        'What `sparsevit profile` measured, or a predictor that `sparsevit calibrate` or `predict-latency --save` wrote.',
    },
    'budget-ms': { value: 'MS', description: 'Milliseconds that an image may take at most.' },
    'at-least-ms': {
      value: 'MS',
      description: 'Milliseconds that it takes at least: for a sparsity that uses the budget.',
    },
    margin: {
      value: 'SHARE',
      description:
        'What predictions may be wrong by: the search keeps to the budget divided by 1 plus this. Default: what the predictor says of itself.',
    },
    front: {
      description: 'Search the whole front of score against latency, instead of the best score within a budget.',
    },
    config: { value: 'FILE', description: 'A run: its validation data, or training data without such, and its input.' },
    data: {
      value: 'JSON',
      description: 'A data set as in the document of a run, its paths relative to the current folder.',
    },
    size: { value: 'HxW', description: 'What images are resized to. Default: as the run says, or as in training.' },
    limit: { value: 'N', description: 'Images at most, from the first.' },
    out: { value: 'FILE', description: 'The result. Beside it FILE.journal.jsonl, what was evaluated so far.' },
    resume: {
      description:
        'Go on from the journal, and stop where there is none. Without it a journal is gone on from as well.',
    },
    evaluations: { value: 'N', description: 'Sparsities that are evaluated at most, default 200.' },
    preset: {
      value: 'NAME',
      description: 'assisted (default), small, sparsevit, ofa, hat, spos, nsga2, random or exhaustive.',
    },
    seed: { value: 'N', description: 'Of everything that is drawn, default 0.' },
    begin: {
      value: 'RATIOS',
      isRepeatable: true,
      description: "A sparsity to begin with: '.6', or '.3|0|.1,.2,.2|0'. May be repeated.",
    },
    subsets: {
      value: 'SHARES',
      description: "Evaluate on growing parts of the images first, such as '.25,.5', and drop what is behind there.",
    },
    measure: {
      value: 'N',
      description: 'Measure so many of the best at the end, when the table is of this machine; default 10, 0 for none.',
    },
    processes: { value: 'N', description: 'Processes that evaluate, default all cores; 1: this one, on all cores.' },
    redis: { value: 'URL', description: 'Let `sparsevit worker` evaluate, on this or other machines.' },
    root: {
      value: 'FOLDER',
      description:
        'With --redis: the folder that weights and data lie in, as on every worker; default the current one.',
    },
    json: { description: 'Print the result as JSON.' },
  },
  notes: [
    'Nothing is evaluated whose predicted time is over the budget. At the end the best are measured in turns, and the best that meets the budget as measured wins.',
    'The same command goes on where it was stopped or killed, to the same result, whatever the number of processes. Remove the journal to begin anew.',
    'Search on images that neither training nor the final evaluation has seen: the score of the best of many flatters.',
  ],
  examples: [
    'search --weights runs/adapted/model.safetensors --latency table.json --budget-ms 33 --config run.json --out search.json',
    'search --weights runs/adapted/model.safetensors --latency table.json --front --config run.json --out front.json',
    'search --weights adapted.safetensors --latency table.json --budget-ms 33 --config run.json --out search.json --redis redis://queue:6379',
  ],

  async execute({ options, inputs }, io) {
    refuseInputs(inputs, 'search');
    const progress = createProgress(io);
    const stop = new AbortController();
    let evaluations = 0;
    let journal = '';
    const stopListening = io.onInterrupt(() => stop.abort(interruption('search: stopped.')));
    try {
      progress.step('opening weights, data and table');
      const plan = await planSearch(options);
      journal = plan.journal;
      const evaluators = await startEvaluators(plan, progress);
      try {
        const measuring = await startMeasuring(plan, io);
        try {
          let feasibleShare = 1;
          const { architecture } = plan.checkpoint.backbone;
          const result = await searchSparsity({
            space: createSparsitySpace(architecture),
            predictMs: (prunedRatios) => plan.latency.predictor.predictMs(prunedRatios),
            evaluate: evaluators.evaluate,
            scoreName: plan.scoreName,
            budget: plan.budget,
            wantsFront: plan.wantsFront,
            seed: plan.seed,
            evaluations: plan.evaluations,
            preset: plan.preset,
            initial: plan.initial,
            subsets: plan.subsets,
            subject: plan.identity,
            concurrency: evaluators.concurrency,
            journal: fileJournal(plan.journal),
            measuring:
              measuring.measure === null ? null : { measure: measuring.measure, count: plan.measureCount, rounds: 5 },
            signal: stop.signal,
            now: io.now,
            onEvent(event) {
              if (event.type === 'search-start') {
                feasibleShare = event.feasibleShare.value;
                progress.clear();
                if (!options.json) io.stdout(renderSearchPlan(plan, whereOf(plan, evaluators.concurrency)));
                return;
              }
              if (event.type === 'measurement-end') {
                progress.step(`measuring the best: ${event.done} of ${event.count}`);
                return;
              }
              if ('progress' in event) evaluations = event.progress.evaluations;
              const line = renderSearchEvent(plan, event, feasibleShare);
              if (line !== null) progress.step(line);
            },
          });
          await writeOutputFile(plan.out, new TextEncoder().encode(`${JSON.stringify(result)}\n`), '--out');
          progress.clear();
          const reason = measuring.measure === null ? measuring.reason : null;
          io.stdout(
            options.json ? `${JSON.stringify(result, null, 2)}\n` : `\n${renderSearchResult(plan, result, reason)}`,
          );
        } finally {
          if (measuring.measure !== null) await measuring.dispose();
        }
      } finally {
        await evaluators.dispose();
      }
    } catch (error) {
      if (!stop.signal.aborted || error !== stop.signal.reason) throw error;
      throw interruption(
        `search: stopped after ${evaluations} evaluations${journal === '' ? '' : `, kept in ${quote(journal)}`}. The same command goes on from there.`,
      );
    } finally {
      stopListening();
      progress.clear();
    }
  },
});

/** How many are evaluated, and where. */
function whereOf({ evaluations, redis }: SearchPlan, concurrency: number): string {
  const where = redis === undefined ? 'here' : `by workers of ${withoutPassword(redis)}`;
  return `${evaluations} sparsities, ${concurrency} at a time, ${where}`;
}

/** An address as it may be printed. */
function withoutPassword(address: string): string {
  return address.replace(/\/\/[^@/]*@/, '//');
}
