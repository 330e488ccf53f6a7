/** The document that `init` writes: a pipeline with a comment for each thing that somebody may want to change. */

/** What the starter is about. */
export interface StarterFacts {
  /** Data sets as JavaScript, by their part. */
  readonly data: Readonly<Record<'train' | 'validation' | 'test', string>>;
  readonly task: 'detection' | 'classification';
  /** A checkpoint of a Swin to begin with; null for swin-nano with random weights. */
  readonly weights: string | null;
  readonly size: { readonly height: number; readonly width: number };
  readonly batch: number;
  readonly steps: { readonly train: number; readonly adapt: number; readonly finetune: number };
}

/** The text of a module. */
export function starterText({ data, task, weights, size, batch, steps }: StarterFacts): string {
  const model =
    weights === null
      ? "{ preset: 'swin-nano' }, // small enough to train on a processor; or { weights: 'swin_tiny_patch4_window7_224.pth' }"
      : `{ weights: ${JSON.stringify(weights)} }, // a Swin of timm, torchvision, mmdetection, Microsoft or Hugging Face`;
  const rate = weights === null ? '1e-3' : '1e-4';
  return `// A pipeline of SparseViT: from images and a Swin to a sparse model under a latency budget, with a report.
//   npx sparsevit pipeline --config <this file>
// It can be stopped at any moment; the same command goes on. Paths are relative to this file.

/** @type {import('@sparsevit/config').PipelineRunInput} */
export default {
  version: 1,
  task: { kind: '${task}' },
  model: ${model}
  data: {
    train: ${data.train}, // what is learnt from
    validation: ${data.validation}, // what the search scores sparsities on
    test: ${data.test}, // what the report judges by: nothing is chosen by it
  },
  // What the model sees: the larger, the more there is to skip. Crops make training cheaper.
  input: {
    height: ${size.height},
    width: ${size.width},
    augment: { flip: true${task === 'detection' ? `, crop: { height: ${Math.min(224, size.height)}, width: ${Math.min(224, size.width)}, aroundBox: 0.7 }` : ''} },
  },
  batch: ${batch},
${
  task === 'detection'
    ? `
  // Windows with objects learn to have the highest norms, so that pruning by norm keeps them. A model that begins from nothing needs it.
  guidance: { weight: 1 },
`
    : ''
}
  // 1. A dense model. Remove it when model.weights is a trained task already.
  train: { steps: ${steps.train}, optimizer: { learningRate: ${rate} }, saveEvery: 100 },

  // 2. Adaptation: another sparsity at every step, so that one model can be run at any of them.
  adapt: { steps: ${steps.adapt}, optimizer: { learningRate: ${rate} }, saveEvery: 100 },

  // 3. Latencies of this machine. A table of \`sparsevit profile\` goes here as { file: 'table.json' }.
  latency: { configs: 60 },

  // 4. The sparsity of every layer, within half of what the dense model takes; or budgetMs: 33.
  search: { budgetRatio: 0.5, evaluations: 100 },

  // 5. Training at the sparsity that was found. Without it the adapted model is the result.
  finetune: { steps: ${steps.finetune}, optimizer: { learningRate: ${rate} }, saveEvery: 100 },

  report: { samples: 4 },
  output: 'runs/pipeline',
};
`;
}
