/** The options of `search`: what they are, and what is said about them. */

import type { OptionSpec } from '../command';

/** The options of `search`. */
export const searchOptions = {
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
  front: { description: 'Search the whole front of score against latency, instead of the best score within a budget.' },
  config: { value: 'FILE', description: 'A run: its validation data, or training data without such, and its input.' },
  data: {
    value: 'JSON',
    description: 'A data set as in the document of a run, its paths relative to the current folder.',
  },
  size: { value: 'HxW', description: 'What images are resized to. Default: as the run says, or as in training.' },
  limit: { value: 'N', description: 'Images at most, from the first.' },
  out: { value: 'FILE', description: 'The result. Beside it FILE.journal.jsonl, what was evaluated so far.' },
  resume: {
    description: 'Go on from the journal, and stop where there is none. Without it a journal is gone on from as well.',
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
    description: 'With --redis: the folder that weights and data lie in, as on every worker; default the current one.',
  },
  json: { description: 'Print the result as JSON.' },
} as const satisfies Record<string, OptionSpec>;

/** As they were typed. */
export type SearchOptions = {
  readonly [Name in keyof typeof searchOptions]?: (typeof searchOptions)[Name] extends { value: string }
    ? (typeof searchOptions)[Name] extends { isRepeatable: true }
      ? readonly string[]
      : string
    : true;
};
