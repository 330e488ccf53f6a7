/** What we write about a checkpoint beside its tensors: a JSON document in the safetensors metadata, checked field by field when it is read. */

import type { Sparsity, SparsityRules, SwinArchitecture } from '@sparsevit/windows';
import { CheckpointError, checkArchitecture, checkSparsity, SparseViTError } from '@sparsevit/windows';
import type { SwinFamily } from '../checkpoint';
import { familyRules } from '../checkpoint';
import type { JsonValue } from '../formats/json';
import { isJsonObject, parseJson } from '../formats/json';
import { refuse, showList, showName } from '../formats/refuse';

/** The key of the document in the metadata. */
export const documentKey = 'sparsevit';

/** What the document says. */
export interface CheckpointDocument {
  readonly architecture: SwinArchitecture;
  readonly family: SwinFamily;
  readonly sparsity: Sparsity | null;
}

const documentVersion = 1;
const here = 'checkpoint metadata';

/** The document as JSON. */
export function writeDocument({ architecture, family, sparsity }: CheckpointDocument): string {
  return JSON.stringify({ version: documentVersion, architecture, family, sparsity });
}

/**
 * Reads a document.
 *
 * @throws CheckpointError when it is not JSON, of another version, has a field too many or too few or of another type, or describes an
 * architecture or a sparsity that cannot be
 */
export function readDocument(text: string): CheckpointDocument {
  const fields = readFields(parseJson(text, here), 'the document', ['version', 'architecture', 'family', 'sparsity']);
  if (fields.version !== documentVersion)
    refuse(here, `version ${documentVersion}`, show(fields.version), 'A newer release may read it.');
  const architecture = readArchitecture(fields.architecture);
  const family = readChoice(fields.family, 'family', Object.keys(familyRules) as SwinFamily[]);
  const sparsity = fields.sparsity === null ? null : readSparsity(fields.sparsity);
  try {
    checkArchitecture(architecture);
    if (sparsity !== null) checkSparsity(architecture, sparsity);
  } catch (error) {
    if (!SparseViTError.isInstance(error)) throw error;
    throw new CheckpointError(`${here}: ${error.message}`, { cause: error });
  }
  return { architecture, family, sparsity };
}

function readArchitecture(value: JsonValue | undefined): SwinArchitecture {
  const fields = readFields(value, 'architecture', ['embedDim', 'depths', 'heads', 'window', 'mlpRatio', 'patchSize']);
  return {
    embedDim: readNumber(fields.embedDim, 'embedDim'),
    depths: readList(fields.depths, 'depths', readNumber),
    heads: readList(fields.heads, 'heads', readNumber),
    window: readNumber(fields.window, 'window'),
    mlpRatio: readNumber(fields.mlpRatio, 'mlpRatio'),
    patchSize: readNumber(fields.patchSize, 'patchSize'),
  };
}

function readSparsity(value: JsonValue | undefined): Sparsity {
  const hasThresholds = isJsonObject(value) && Object.hasOwn(value, 'thresholds');
  const amount = hasThresholds ? 'thresholds' : 'prunedRatios';
  const fields = readFields(value, 'sparsity', [amount, 'score', 'padsInScore', 'rounding', 'minKept', 'padding']);
  const rules: SparsityRules = {
    score: readChoice(fields.score, 'score', ['l1-mean', 'l2']),
    padsInScore: readChoice(fields.padsInScore, 'padsInScore', ['counted', 'left-out']),
    rounding: readChoice(fields.rounding, 'rounding', ['truncate', 'nearest']),
    minKept: readNumber(fields.minKept, 'minKept'),
    padding: readChoice(fields.padding, 'padding', ['before-norm', 'family']),
  };
  const list = fields[amount];
  return hasThresholds
    ? { thresholds: readList(list, amount, (item, name) => (item === null ? null : readNumber(item, name))), ...rules }
    : { prunedRatios: readList(list, amount, (item, name) => readList(item, name, readNumber)), ...rules };
}

function readFields<K extends string>(
  value: JsonValue | undefined,
  name: string,
  keys: readonly K[],
): Readonly<Record<K, JsonValue>> {
  if (!isJsonObject(value)) return refuse(here, `${name} to be an object`, show(value));
  const found = Object.keys(value);
  if (found.length !== keys.length || !keys.every((key) => Object.hasOwn(value, key))) {
    refuse(here, `${name} to have the fields ${keys.join(', ')}`, showList(found.map(showName)));
  }
  return value as Readonly<Record<K, JsonValue>>;
}

function readNumber(value: JsonValue | undefined, name: string): number {
  return typeof value === 'number' && Number.isFinite(value)
    ? value
    : refuse(here, `${name} to be a number`, show(value));
}

function readChoice<C extends string>(value: JsonValue | undefined, name: string, choices: readonly C[]): C {
  const choice = choices.find((candidate) => candidate === value);
  return choice ?? refuse(here, `${name} to be one of ${choices.join(', ')}`, show(value));
}

function readList<I>(
  value: JsonValue | undefined,
  name: string,
  readItem: (item: JsonValue | undefined, name: string) => I,
): readonly I[] {
  const items: unknown = value;
  if (!Array.isArray(items)) return refuse(here, `${name} to be a list`, show(value));
  return (items as readonly JsonValue[]).map((item, i) => readItem(item, `${name}[${i}]`));
}

function show(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (isJsonObject(value)) return 'an object';
  return Array.isArray(value) ? 'a list' : showName(String(value));
}
