/** The architecture of a Swin read off its tensors. */

import type { SwinArchitecture } from '@sparsevit/windows';
import { CheckpointError, checkArchitecture, SparseViTError } from '@sparsevit/windows';
import { refuse, showName, showShape } from '../formats/refuse';
import type { StoredTensor } from '../formats/tensor';
import type { SwinParts } from '../weights';
import { windowOfTable } from './bias-table';
import type { FoundLayout } from './find-layout';

type StoredTensors = ReadonlyMap<string, StoredTensor>;

const mostStages = 16;
const mostBlocks = 1000;
const here = 'checkpoint';

/**
 * Width and patch from the patch convolution, depths from the names of the blocks, heads and window from the bias tables, the MLP's ratio from
 * its first layer. What contradicts it is found later, tensor by tensor.
 *
 * @throws CheckpointError when one of these cannot be told
 */
export function inferArchitecture(tensors: StoredTensors, layout: FoundLayout): SwinArchitecture {
  const { embedDim, patchSize } = inferPatch(tensors, layout);
  const found = findStages(tensors, layout);
  const count = Math.max(0, ...found.keys()) + 1;
  if (found.size === 0) refuse(here, 'blocks', 'none');
  const stages = Array.from({ length: count }, (_, stage) => {
    const { depth, table, hidden } =
      found.get(stage) ?? refuse(here, `blocks in each of ${count} stages`, `none in stage ${stage}`);
    const [rows = 0, heads = 0] = table ?? refuse(here, `a relative_position_bias_table in stage ${stage}`, 'none');
    return { depth, heads, window: windowOfTable(rows), hidden };
  });
  const window =
    stages.find((stage) => stage.window !== null)?.window ??
    refuse(here, 'bias tables with (2M - 1)² rows', 'none such');
  const hidden = stages[0]?.hidden ?? refuse(here, 'the first layer of an MLP in stage 0', 'none');
  return checked({
    embedDim,
    depths: stages.map(({ depth }) => depth),
    heads: stages.map(({ heads }) => heads),
    window,
    mlpRatio: hidden / embedDim,
    patchSize,
  });
}

/** Which optional parts there are: a part is there when one of its tensors is. A classifier is never without the norm before it. */
export function inferParts(tensors: StoredTensors, { layout, prefixes }: FoundLayout, stages: number): SwinParts {
  const has = (prefix: string, root: string | undefined | null): boolean =>
    typeof root === 'string' && (tensors.has(`${prefix}${root}.weight`) || tensors.has(`${prefix}${root}.bias`));
  const classifier = `${prefixes.classifier}${layout.classifier}`;
  const isClassifier = has(prefixes.classifier, layout.classifier);
  return {
    outputNorms: Array.from({ length: stages }, (_, stage) => has(prefixes.outputNorms, layout.outputNorm?.(stage))),
    hasFinalNorm: isClassifier || has(prefixes.body, layout.finalNorm),
    classes: isClassifier
      ? ((tensors.get(`${classifier}.weight`) ?? tensors.get(`${classifier}.bias`))?.shape[0] ?? 0)
      : 0,
  };
}

function inferPatch(
  tensors: StoredTensors,
  { layout, prefixes }: FoundLayout,
): { embedDim: number; patchSize: number } {
  const key = `${prefixes.body}${layout.patchProjection}.weight`;
  const shape = tensors.get(key)?.shape ?? [];
  const [embedDim = 0, channels, patchSize = 0, width] = shape;
  if (shape.length !== 4 || channels !== 3 || patchSize !== width) {
    refuse(here, `${showName(key)} to be [channels, 3, patch, patch]`, showShape(shape));
  }
  return { embedDim, patchSize };
}

interface FoundStage {
  /** One more than the highest number of a block. */
  depth: number;
  /** The shape of the first bias table. */
  table?: readonly number[];
  /** The width of the first MLP. */
  hidden?: number | undefined;
}

/** What the names and shapes of the blocks' tensors tell, stage by stage. */
function findStages(tensors: StoredTensors, { layout, prefixes }: FoundLayout): ReadonlyMap<number, FoundStage> {
  const { biasTable, ...linearNames } = layout.blockNames;
  const roots = Object.values(linearNames).flat();
  const known = new Set([biasTable, ...roots.flatMap((root) => [`${root}.weight`, `${root}.bias`])]);
  const stages = new Map<number, FoundStage>();
  for (const [name, { shape }] of tensors) {
    if (!name.startsWith(prefixes.body)) continue;
    const [, index = '', number = '', part = ''] = layout.blockPattern.exec(name.slice(prefixes.body.length)) ?? [];
    const stage = layout.stageOf(Number(index));
    const block = Number(number);
    if (!known.has(part) || !Number.isInteger(stage) || stage < 0) continue;
    if (stage >= mostStages || block >= mostBlocks) {
      refuse(here, `at most ${mostStages} stages of ${mostBlocks} blocks`, showName(name));
    }
    const own: FoundStage = stages.get(stage) ?? { depth: 0 };
    stages.set(stage, own);
    own.depth = Math.max(own.depth, block + 1);
    if (part === biasTable && shape.length === 2) own.table ??= shape;
    if (part === `${layout.blockNames.expand}.weight`) own.hidden ??= shape[0];
  }
  return stages;
}

function checked(architecture: SwinArchitecture): SwinArchitecture {
  try {
    return checkArchitecture(architecture);
  } catch (error) {
    if (!SparseViTError.isInstance(error)) throw error;
    throw new CheckpointError(`checkpoint: the shapes of its tensors are not those of a Swin. ${error.message}`, {
      cause: error,
    });
  }
}
