/**
 * What a deployed file says beside its weights: the sparsities to choose from, how good and how fast they are, and what predicts that. Read by
 * hand: `deploymentSchema` of `@sparsevit/config` says the same, with a schema library that a page need not download.
 */

import type { PrunedRatios, RatioSparsity, SparsityRules, SwinArchitecture } from '@sparsevit/windows';
import { CheckpointError, checkSparsity, maxPrunedRatio, SparseViTError } from '@sparsevit/windows';
import type { DocumentField } from '@sparsevit/windows/document-field';
import { fieldOf, sparsityRulesOf } from '@sparsevit/windows/document-field';

/** A sparsity that a deployed model can be run at. */
export interface DeployedSparsity {
  readonly prunedRatios: PrunedRatios;
  /** How good it is, with the weights of the file. */
  readonly score: number;
  /** Predicted milliseconds on the device of the search. */
  readonly latencyMs: number;
}

/** What `sparsevit pipeline` writes beside the weights of a deployed model. */
export interface Deployment {
  readonly format: 'sparsevit-deployment';
  readonly version: 1;
  /** What the scores are: `AP`, `meanIou`, `top1`. */
  readonly scoreName: string;
  /** Images that the scores are of. */
  readonly scoredImages: number;
  /** None is better and faster than another; the fastest first. */
  readonly sparsities: readonly DeployedSparsity[];
  /** Rules of scoring and counting of all of them. */
  readonly rules: SparsityRules;
  /** The place of the one that was chosen among them; it is the sparsity that is saved with the weights. */
  readonly chosen: number;
  /** The budget that it was chosen for. */
  readonly budgetMs: number | null;
  /** The pixels and images at once that latencies are of. */
  readonly input: { readonly batch: number; readonly height: number; readonly width: number };
  /** The device of the search, in words. */
  readonly device: string;
  /** A predictor of latencies as `predictorFromJSON` of `@sparsevit/latency` reads it. */
  readonly predictor: Readonly<Record<string, unknown>>;
}

/** The name in the metadata of a file. */
const deploymentKey = 'sparsevit-deployment';

const most = { sparsities: 1000, stages: 64, pairs: 1024, side: 100_000, name: 100, device: 1000 };
const fields = [
  'format',
  'version',
  'scoreName',
  'scoredImages',
  'sparsities',
  'rules',
  'chosen',
  'budgetMs',
  'input',
  'device',
  'predictor',
] as const satisfies readonly (keyof Deployment)[];
const ruleNames: readonly (keyof SparsityRules)[] = ['score', 'padsInScore', 'rounding', 'minKept', 'padding'];

/**
 * The deployment in the metadata of a file, as hostile input; null for a file that has none. Its predictor is checked by whoever makes one of it.
 *
 * @throws CheckpointError naming the field that is not as it should be
 */
export function readDeployment(
  metadata: Readonly<Record<string, string>>,
  architecture: SwinArchitecture,
): Deployment | null {
  if (!Object.hasOwn(metadata, deploymentKey)) return null;
  let document: unknown;
  try {
    document = JSON.parse(metadata[deploymentKey] ?? '');
  } catch (cause) {
    throw new CheckpointError('deployment: expected JSON, got text that is none. The file is damaged.', { cause });
  }
  try {
    return deploymentOf(fieldOf('deployment', document), architecture);
  } catch (cause) {
    if (!SparseViTError.isInstance(cause)) throw cause;
    throw new CheckpointError(cause.message, { cause });
  }
}

function deploymentOf(document: DocumentField, architecture: SwinArchitecture): Deployment {
  const format = document.at('format').oneOf(['sparsevit-deployment']);
  const version = document.at('version').integer(0, Number.MAX_SAFE_INTEGER);
  if (version !== 1) {
    throw new CheckpointError(
      `deployment.version: expected 1, got ${version}. It was written by a newer release: update @sparsevit/runtime.`,
    );
  }
  document.only(fields);
  const rules = sparsityRulesOf(document.at('rules').only(ruleNames));
  const sparsities = document.at('sparsities').list(most.sparsities, (field) => {
    const one = sparsityOf(field);
    checkRunnable(field, architecture, { ...rules, prunedRatios: one.prunedRatios });
    return one;
  });
  if (sparsities.length === 0) document.at('sparsities').refuse('at least one', sparsities);
  sparsities.forEach(({ latencyMs }, i) => {
    const before = sparsities[i - 1]?.latencyMs ?? 0;
    if (latencyMs < before) {
      throw new CheckpointError(
        `deployment.sparsities[${i}].latencyMs: expected latencies that grow, got ${latencyMs} after ${before}.`,
      );
    }
  });
  const budgetMs = document.at('budgetMs');
  const input = document.at('input').only(['batch', 'height', 'width']);
  const predictor = document.at('predictor');
  const scoreName = document.at('scoreName');
  if (scoreName.text(most.name) === '') scoreName.refuse('a name', '""');
  predictor.has('format'); // an object, at least
  return {
    format,
    version,
    scoreName: scoreName.text(most.name),
    scoredImages: document.at('scoredImages').integer(1, Number.MAX_SAFE_INTEGER),
    sparsities,
    rules,
    chosen: document.at('chosen').integer(0, sparsities.length - 1),
    budgetMs: budgetMs.value === null ? null : budgetMs.number({ above: 0 }),
    input: {
      batch: input.at('batch').integer(1, Number.MAX_SAFE_INTEGER),
      height: input.at('height').integer(1, most.side),
      width: input.at('width').integer(1, most.side),
    },
    device: document.at('device').text(most.device),
    predictor: predictor.value as Deployment['predictor'],
  };
}

function sparsityOf(field: DocumentField): DeployedSparsity {
  field.only(['prunedRatios', 'score', 'latencyMs']);
  return {
    prunedRatios: field
      .at('prunedRatios')
      .list(most.stages, (stage) =>
        stage.list(most.pairs, (ratio) => ratio.number({ least: 0, most: maxPrunedRatio })),
      ),
    score: field.at('score').number(),
    latencyMs: field.at('latencyMs').number({ above: 0 }),
  };
}

function checkRunnable(field: DocumentField, architecture: SwinArchitecture, sparsity: RatioSparsity): void {
  try {
    checkSparsity(architecture, sparsity);
  } catch (cause) {
    if (!SparseViTError.isInstance(cause)) throw cause;
    field.at('prunedRatios').refuse('ratios that the architecture of the weights can run', cause.message);
  }
}
