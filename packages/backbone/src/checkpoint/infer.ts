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
export function inferArchitecture(tensors: StoredTensors, found: FoundLayout): SwinArchitecture {
  const { embedDim, patchSize } = inferPatch(tensors, found);
  const blocks = listBlocks(tensors, found);
  const stages = Math.max(...blocks.map(({ stage }) => stage)) + 1;
  const depths: number[] = [];
  const heads: number[] = [];
  let window: number | null = null;
  let hidden: number | undefined;
  for (let stage = 0; stage < stages; stage++) {
    const own = blocks.filter((block) => block.stage === stage);
    if (own.length === 0) refuse(here, `blocks in each of ${stages} stages`, `none in stage ${stage}`);
    depths.push(Math.max(...own.map(({ block }) => block)) + 1);
    const table = own.find(({ table }) => table?.length === 2)?.table;
    if (table === undefined) return refuse(here, `a relative_position_bias_table in stage ${stage}`, 'none');
    heads.push(table[1] ?? 0);
    window ??= windowOfTable(table[0] ?? 0);
    if (stage === 0) hidden = own.find((block) => block.hidden !== undefined)?.hidden;
  }
  if (window === null) return refuse(here, 'bias tables with (2M - 1)² rows', 'none such');
  if (hidden === undefined) return refuse(here, 'the first layer of an MLP in stage 0', 'none');
  return checked({ embedDim, depths, heads, window, mlpRatio: hidden / embedDim, patchSize });
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

interface FoundBlock {
  readonly stage: number;
  readonly block: number;
  /** The shape of its bias table, if this name is one. */
  readonly table?: readonly number[];
  /** The width of its MLP, if this name is that of the first layer. */
  readonly hidden?: number | undefined;
}

/** Every tensor of a block, by stage and block. */
function listBlocks(tensors: StoredTensors, { layout, prefixes }: FoundLayout): FoundBlock[] {
  const { biasTable, ...linearNames } = layout.blockNames;
  const roots = Object.values(linearNames).flat();
  const known = new Set([biasTable, ...roots.flatMap((root) => [`${root}.weight`, `${root}.bias`])]);
  const found: FoundBlock[] = [];
  for (const [name, { shape }] of tensors) {
    if (!name.startsWith(prefixes.body)) continue;
    const [, index = '', number = '', part = ''] = layout.blockPattern.exec(name.slice(prefixes.body.length)) ?? [];
    const stage = layout.stageOf(Number(index));
    const block = Number(number);
    if (!known.has(part) || !Number.isInteger(stage) || stage < 0) continue;
    if (stage >= mostStages || block >= mostBlocks) {
      refuse(here, `at most ${mostStages} stages of ${mostBlocks} blocks`, showName(name));
    }
    found.push({
      stage,
      block,
      ...(part === biasTable ? { table: shape } : {}),
      ...(part === `${layout.blockNames.expand}.weight` ? { hidden: shape[0] } : {}),
    });
  }
  return found;
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
