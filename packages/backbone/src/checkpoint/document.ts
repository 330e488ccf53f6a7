/** What we write about a checkpoint beside its tensors: a JSON document in the safetensors metadata, checked field by field when it is read. */

import type { Sparsity, SparsityRules, SwinArchitecture } from '@sparsevit/windows';
import { CheckpointError, checkArchitecture, checkSparsity, SparseViTError } from '@sparsevit/windows';
import type { SwinFamily } from '../checkpoint';
import { familyRules } from '../checkpoint';
import type { JsonValue } from '../formats/json';
import { parseJson } from '../formats/json';
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
  const version = fields.get('version');
  if (version !== documentVersion)
    refuse(here, `version ${documentVersion}`, show(version), 'A newer release may read it.');
  const architecture = readArchitecture(fields.get('architecture'));
  const family = readChoice(fields.get('family'), 'family', Object.keys(familyRules) as SwinFamily[]);
  const sparsity = fields.get('sparsity') === null ? null : readSparsity(fields.get('sparsity'));
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
    embedDim: readNumber(fields.get('embedDim'), 'embedDim'),
    depths: readList(fields.get('depths'), 'depths', readNumber),
    heads: readList(fields.get('heads'), 'heads', readNumber),
    window: readNumber(fields.get('window'), 'window'),
    mlpRatio: readNumber(fields.get('mlpRatio'), 'mlpRatio'),
    patchSize: readNumber(fields.get('patchSize'), 'patchSize'),
  };
}

function readSparsity(value: JsonValue | undefined): Sparsity {
  const hasThresholds = value instanceof Map && value.has('thresholds');
  const amount = hasThresholds ? 'thresholds' : 'prunedRatios';
  const fields = readFields(value, 'sparsity', [amount, 'score', 'padsInScore', 'rounding', 'minKept', 'padding']);
  const rules: SparsityRules = {
    score: readChoice(fields.get('score'), 'score', ['l1-mean', 'l2']),
    padsInScore: readChoice(fields.get('padsInScore'), 'padsInScore', ['counted', 'left-out']),
    rounding: readChoice(fields.get('rounding'), 'rounding', ['truncate', 'nearest']),
    minKept: readNumber(fields.get('minKept'), 'minKept'),
    padding: readChoice(fields.get('padding'), 'padding', ['before-norm', 'family']),
  };
  const list = fields.get(amount);
  return hasThresholds
    ? { thresholds: readList(list, amount, (item, name) => (item === null ? null : readNumber(item, name))), ...rules }
    : { prunedRatios: readList(list, amount, (item, name) => readList(item, name, readNumber)), ...rules };
}

function readFields(
  value: JsonValue | undefined,
  name: string,
  keys: readonly string[],
): ReadonlyMap<string, JsonValue> {
  if (!(value instanceof Map)) return refuse(here, `${name} to be an object`, show(value));
  const fields = value as ReadonlyMap<string, JsonValue>;
  if (fields.size !== keys.length || !keys.every((key) => fields.has(key))) {
    refuse(here, `${name} to have the fields ${keys.join(', ')}`, showList([...fields.keys()].map(showName)));
  }
  return fields;
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
  if (value instanceof Map) return 'an object';
  return typeof value === 'object' && value !== null ? 'a list' : showName(String(value));
}
