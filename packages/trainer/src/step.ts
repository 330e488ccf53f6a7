/** One step of a run: the gradients of every batch at every sparsity, averaged, checked and applied. */

import type { RatioSparsity, Sparsity } from '@sparsevit/windows';
import { SparseViTError } from '@sparsevit/windows';
import { globalNorm } from './adam';
import { drawDropPath } from './drop-path';
import type { Optimizer } from './optimizer';
import type { Scalar, Tensor } from './tensor';
import { add, dispose, keep, mul, tidy, variableGrads } from './tensor';
import type { Trainable, TrainingBatch } from './trainable';
import type { TensorMap } from './transform';

/** What a step depends on beside model, data and optimiser. */
export interface StepConfig {
  /** Sparsities of a step; their losses are averaged. Dense training gives `[null]`. */
  readonly sparsitiesOf: (step: number) => readonly (RatioSparsity | Sparsity | null)[];
  readonly dropPathRate?: number;
  readonly seed: number;
  /** A loss above it stops the run as one that is not finite does; default 1e4. */
  readonly largestLoss?: number;
}

/** What a step tells of itself. */
export interface StepFacts {
  readonly loss: number;
  readonly parts: Readonly<Record<string, number>>;
  readonly gradientNorm: number;
  readonly sparsities: readonly (Sparsity | null)[];
  readonly items: readonly string[];
}

/** One step: gradients of every batch at every sparsity, averaged and applied. */
export async function takeStep<Batch>(
  model: Trainable<Batch>,
  batches: readonly TrainingBatch<Batch>[],
  { sparsitiesOf, dropPathRate = 0, seed, largestLoss = 1e4 }: StepConfig,
  optimizer: Optimizer,
): Promise<StepFacts> {
  const sparsities = sparsitiesOf(optimizer.step);
  const share = 1 / (batches.length * sparsities.length);
  const items = batches.flatMap((batch) => batch.items);
  const keyOf = new Map([...model.parameters].map(([key, variable]) => [variable.name, key]));
  let gradients: TensorMap = new Map();
  const total: Record<string, number> = {};
  let loss = 0;
  try {
    for (const [number, { batch, size }] of batches.entries()) {
      const drops = { rate: dropPathRate, batch: size, seed, step: optimizer.step * batches.length + number };
      const dropPath = drawDropPath(model.architecture, drops);
      for (const sparsity of sparsities) {
        let parts: Readonly<Record<string, Scalar>> = {};
        const { value, grads } = variableGrads(() => {
          const result = model.loss(batch, { sparsity, ...(dropPath ? { dropPath } : {}) });
          parts = Object.fromEntries(Object.entries(result.parts).map(([name, part]) => [name, keep(part)]));
          return result.total;
        }, [...model.parameters.values()]);
        const values = await Promise.all(
          [value, ...Object.values(parts)].map(async (scalar) => (await scalar.data())[0]),
        );
        dispose([value, ...Object.values(parts)]);
        loss += (values[0] ?? Number.NaN) * share;
        for (const [i, name] of Object.keys(parts).entries()) {
          total[name] = (total[name] ?? 0) + (values[i + 1] ?? Number.NaN) * share;
        }
        gradients = accumulated(gradients, grads, keyOf, share);
      }
    }
    const norm = globalNorm(gradients);
    const [gradientNorm = Number.NaN] = await norm.data();
    norm.dispose();
    const facts = { loss, parts: total, gradientNorm, sparsities, items };
    if (!Number.isFinite(loss) || loss > largestLoss || !Number.isFinite(gradientNorm))
      throw exploded(optimizer.step, facts, largestLoss);
    optimizer.apply(gradients);
    return facts;
  } finally {
    dispose([...gradients.values()]);
  }
}

/** Sum of gradients by the keys of their parameters; takes over what it is given. */
function accumulated(
  sum: TensorMap,
  grads: Readonly<Record<string, Tensor>>,
  keyOf: ReadonlyMap<string, string>,
  share: number,
): TensorMap {
  const next = new Map<string, Tensor>(sum);
  for (const [name, gradient] of Object.entries(grads)) {
    const key = keyOf.get(name) ?? name;
    const before = sum.get(key);
    next.set(
      key,
      share === 1 && before === undefined
        ? gradient
        : tidy(() => (before === undefined ? mul(gradient, share) : add(before, mul(gradient, share)))),
    );
    if (next.get(key) !== gradient) gradient.dispose();
    before?.dispose();
  }
  return next;
}

function exploded(
  step: number,
  { loss, gradientNorm, sparsities, items }: StepFacts,
  largestLoss: number,
): SparseViTError {
  const ratios = sparsities.map((sparsity) => JSON.stringify(sparsity)).join(' and ');
  return new SparseViTError(
    'training',
    `train: expected a finite loss of at most ${largestLoss}, got ${loss} with gradients of norm ${gradientNorm} in step ${step}, on ${items.join(', ')}, at sparsity ${ratios}. A smaller learning rate, warm-up or clipping helps; the last checkpoint is before this step.`,
  );
}
