/** From the tensors of a file to the weights of a Swin. All that does not fit is listed in one error. */

import type { SwinArchitecture } from '@sparsevit/windows';
import { refuse, showList, showName, showShape } from '../formats/refuse';
import type { StoredTensor } from '../formats/tensor';
import { elementCount, toFloat32 } from '../formats/tensor';
import type { HostTensor, SwinParts, SwinWeights } from '../weights';
import { buildWeights } from '../weights';
import { resizeBiasTable, windowOfTable } from './bias-table';
import type { FoundLayout } from './find-layout';
import { absolutePositionPattern, bufferPattern } from './layouts';
import type { StoredSlot } from './stored-slots';
import { fromStored, storedSlot } from './stored-slots';

type StoredTensors = ReadonlyMap<string, StoredTensor>;

/** What to read, and how. */
export interface ImportPlan {
  readonly found: FoundLayout;
  /** Of the tensors in the file. */
  readonly architecture: SwinArchitecture;
  readonly parts: SwinParts;
  /** The window to resize the bias tables to; undefined leaves them as they are and expects all to have the architecture's window. */
  readonly window: number | undefined;
  /** The size of the file, by which the weights are measured. */
  readonly fileBytes: number;
}

const here = 'checkpoint';
/** The weights may be larger than the file: 16-bit floats become 32, tensors share storages, bias tables are resized. But not without end. */
const mostWeightBytes = (fileBytes: number): number => 4 * fileBytes + 2 ** 26;

/**
 * Checks every tensor of the backbone and converts it.
 *
 * @throws CheckpointError with the missing, unexpected and misshapen tensors, for absolute position embeddings, for values that are not finite,
 * and for weights that would take far more memory than the file
 */
export function importWeights(
  tensors: StoredTensors,
  plan: ImportPlan,
): { weights: SwinWeights<HostTensor>; notes: string[] } {
  const { found, parts, window } = plan;
  const slots: StoredSlot[] = [];
  buildWeights(plan.architecture, parts, (slot) => {
    const stored = storedSlot(found.layout, found.prefixes, slot);
    slots.push(stored ?? refuse(here, `a place for ${slot.key}`, `none in the layout of ${found.layout.name}`));
  });
  checkTensors(tensors, plan, slots);
  checkSize(plan, slots);

  const notFinite: string[] = [];
  let at = 0;
  const weights = buildWeights(plan.architecture, parts, ({ key, shape }): HostTensor => {
    const stored = slots[at++];
    if (stored === undefined) return refuse(here, `a place for ${key}`, 'none');
    const { values, isAllFinite } = readSlot(tensors, stored);
    if (!isAllFinite) notFinite.push(...stored.keys.map(showName));
    if (!isTable(stored) || window === undefined) return { values, shape };
    return resizeBiasTable({ values, shape: tensors.get(stored.keys[0] ?? '')?.shape ?? shape }, window);
  });
  if (notFinite.length > 0) refuse(here, 'finite weights', `NaN or infinite values in ${showList(notFinite)}`);
  return {
    weights,
    notes: [...dtypeNotes(tensors, slots), ...resizeNotes(tensors, slots, window), ...outsideNotes(tensors, found)],
  };
}

function isTable({ slot }: StoredSlot): boolean {
  return slot.key.endsWith('.biasTable');
}

/** Lists all that is wrong with the names and shapes of the backbone's tensors. */
function checkTensors(tensors: StoredTensors, plan: ImportPlan, slots: readonly StoredSlot[]): void {
  const missing: string[] = [];
  const misshapen: string[] = [];
  const expected = new Set<string>();
  let isTableMisshapen = false;
  for (const stored of slots) {
    for (const key of stored.keys) {
      expected.add(key);
      const tensor = tensors.get(key);
      if (tensor === undefined) missing.push(showName(key));
      else if (!fits(tensor.shape, stored, plan.window !== undefined)) {
        isTableMisshapen ||= isTable(stored);
        misshapen.push(`${showName(key)} ${showShape(tensor.shape)} instead of ${showShape(stored.shape)}`);
      }
    }
  }
  const unexpected: string[] = [];
  for (const name of tensors.keys()) {
    if (!isInside(name, plan.found) || expected.has(name) || bufferPattern.test(name)) continue;
    if (absolutePositionPattern.test(name)) {
      refuse(here, 'a Swin without absolute position embeddings', showName(name), 'They are not supported.');
    }
    unexpected.push(showName(name));
  }
  const faults: string[] = [];
  if (missing.length > 0) faults.push(`${missing.length} missing: ${showList(missing)}`);
  if (unexpected.length > 0) faults.push(`${unexpected.length} unexpected: ${showList(unexpected)}`);
  if (misshapen.length > 0) faults.push(`${misshapen.length} misshapen: ${showList(misshapen)}`);
  if (faults.length === 0) return;
  refuse(
    here,
    `the ${expected.size} tensors of a Swin in the layout of ${plan.found.layout.name} (${showArchitecture(plan.architecture)})`,
    faults.join('; '),
    isTableMisshapen ? 'Bias tables of another window can be resized: ask for it with window (--window).' : '',
  );
}

/** Measures the weights before any is made. */
function checkSize({ window, fileBytes }: ImportPlan, slots: readonly StoredSlot[]): void {
  const rows = window === undefined ? undefined : (2 * window - 1) ** 2;
  const bytes = slots.reduce((sum, stored) => {
    const { shape } = stored.slot;
    const isResized = rows !== undefined && isTable(stored);
    return sum + 4 * (isResized ? rows * (shape[1] ?? 1) : elementCount(shape));
  }, 0);
  const most = mostWeightBytes(fileBytes);
  if (bytes > most) refuse(here, `weights of at most ${most} bytes for a file of ${fileBytes}`, String(bytes));
}

/** With a window to resize to, a table may be of any window. */
function fits(shape: readonly number[], stored: StoredSlot, isResized: boolean): boolean {
  const [rows = 0, ...heads] = shape;
  const isSame = (a: readonly number[], b: readonly number[]): boolean =>
    a.length === b.length && a.every((side, axis) => side === b[axis]);
  if (isTable(stored) && isResized) return windowOfTable(rows) !== null && isSame(heads, stored.shape.slice(1));
  return isSame(shape, stored.shape);
}

/** Does a name belong to the Swin? */
function isInside(name: string, { layout, prefixes }: FoundLayout): boolean {
  return (
    name.startsWith(prefixes.body) ||
    (layout.name === 'huggingface' && name.startsWith(`${prefixes.outputNorms}hidden_states_norms.`)) ||
    (layout.classifier !== null && name.startsWith(`${prefixes.classifier}${layout.classifier}.`))
  );
}

function readSlot(tensors: StoredTensors, stored: StoredSlot): { values: Float32Array; isAllFinite: boolean } {
  const parts = stored.keys.map((key) => {
    const tensor = tensors.get(key);
    return tensor === undefined ? refuse(here, showName(key), 'nothing') : toFloat32(tensor, showName(key));
  });
  const [first = new Float32Array(0)] = parts;
  const joined = parts.length === 1 ? first : join(parts);
  return { values: fromStored(stored, joined), isAllFinite: areFinite(joined) };
}

function join(parts: readonly Float32Array[]): Float32Array {
  const joined = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** True when there is no NaN and no infinity among the values. */
export function areFinite(values: Float32Array): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}

/** `embed 96, depths 2,2,6,2, heads 3,6,12,24, window 7, MLP ratio 4, patch 4` */
function showArchitecture({ embedDim, depths, heads, window, mlpRatio, patchSize }: SwinArchitecture): string {
  return `embed ${embedDim}, depths ${depths}, heads ${heads}, window ${window}, MLP ratio ${mlpRatio}, patch ${patchSize}`;
}

function dtypeNotes(tensors: StoredTensors, slots: readonly StoredSlot[]): string[] {
  const counts = new Map<string, number>();
  for (const key of slots.flatMap(({ keys }) => keys)) {
    const { dtype, shape } = tensors.get(key) ?? { dtype: 'F32', shape: [] };
    if (dtype !== 'F32') counts.set(dtype, (counts.get(dtype) ?? 0) + elementCount(shape));
  }
  return [...counts].map(([dtype, count]) => `${count} weights are stored as ${dtype}.`);
}

function resizeNotes(tensors: StoredTensors, slots: readonly StoredSlot[], window: number | undefined): string[] {
  if (window === undefined) return [];
  const windows = new Set(
    slots.filter(isTable).map(({ keys: [key = ''] }) => windowOfTable(tensors.get(key)?.shape[0] ?? 0)),
  );
  windows.delete(window);
  return windows.size === 0
    ? []
    : [`Bias tables were resized from window ${[...windows].join(', ')} to ${window} (bicubic).`];
}

/** What else the file holds: counted by the first part of the name in which it leaves the backbone's prefix. */
function outsideNotes(tensors: StoredTensors, found: FoundLayout): string[] {
  const path = found.prefixes.body.split('.');
  const groups = new Map<string, number>();
  for (const name of tensors.keys()) {
    if (isInside(name, found)) continue;
    const parts = name.split('.');
    const shared = parts.findIndex((part, i) => part !== path[i]);
    const group = parts.slice(0, Math.max(1, shared + 1)).join('.');
    groups.set(group, (groups.get(group) ?? 0) + 1);
  }
  if (groups.size === 0) return [];
  const total = [...groups.values()].reduce((sum, count) => sum + count, 0);
  const list = showList([...groups].map(([group, count]) => `${showName(group)} (${count})`));
  return [`${total} tensors outside ${showName(found.prefixes.body)} were left out: ${list}.`];
}
