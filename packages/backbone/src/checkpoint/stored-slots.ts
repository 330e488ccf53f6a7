/** From a weight of the tree to its tensors in a file: under which keys it is stored, in which shape, and in which order. */

import type { WeightSlot } from '../weights';
import type { BlockNames, KeyLayout } from './layouts';

/** What stands before the keys of a layout. A classifier and output norms may stand outside the backbone proper (Hugging Face). */
export interface KeyPrefixes {
  readonly body: string;
  readonly outputNorms: string;
  readonly classifier: string;
}

/** The keys of a file without any prefix. */
export const noPrefixes: KeyPrefixes = { body: '', outputNorms: '', classifier: '' };

/** How the values of a weight are ordered in a file. */
export interface StoredOrder {
  /** A matrix [out, in] for a weight [in, out]. */
  readonly isTransposed: boolean;
  /** Which input of the file an input of the weight is; null when they are in the same order. */
  readonly storedInput: ((input: number) => number) | null;
}

/** Where a weight is in a file. */
export interface StoredSlot {
  readonly slot: WeightSlot;
  /** One key; three where query, key and value are apart, to be joined along the outputs. */
  readonly keys: readonly string[];
  /** The shape under each key. */
  readonly shape: readonly number[];
  readonly order: StoredOrder;
}

const asItIs: StoredOrder = { isTransposed: false, storedInput: null };
const transposed: StoredOrder = { isTransposed: true, storedInput: null };

/**
 * The place of a weight in a layout; null when the layout has none for it.
 *
 * @example
 * storedSlot(layoutByName.mmdet, noPrefixes, { key: 'stages.0.blocks.1.expand.weight', shape: [96, 384] });
 * // keys ['stages.0.blocks.1.ffn.layers.0.0.weight'], shape [384, 96]
 */
export function storedSlot(layout: KeyLayout, prefixes: KeyPrefixes, slot: WeightSlot): StoredSlot | null {
  const [part = '', ...path] = slot.key.split('.');
  const one = (root: string | null, prefix: string = prefixes.body): StoredSlot | null =>
    root === null ? null : linearOrVector(slot, [`${prefix}${root}`], path.at(-1) ?? '');
  switch (part) {
    case 'patchEmbed':
      return path[0] === 'projection' ? patchSlot(layout, prefixes, slot) : one(layout.patchNorm);
    case 'stages':
      return path[1] === 'blocks' ? blockSlot(layout, prefixes, slot) : mergingSlot(layout, prefixes, slot);
    case 'outputNorms':
      return one(layout.outputNorm === null ? null : layout.outputNorm(Number(path[0])), prefixes.outputNorms);
    case 'finalNorm':
      return one(layout.finalNorm);
    default:
      return one(layout.classifier, prefixes.classifier);
  }
}

/** A weight [in, out] is stored [out, in], a vector as it is; both divided by the number of roots. */
function linearOrVector(slot: WeightSlot, roots: readonly string[], leaf: string): StoredSlot {
  const [inputs = 0, outputs = inputs] = slot.shape;
  const isMatrix = slot.shape.length === 2;
  const share = outputs / roots.length;
  return {
    slot,
    keys: roots.map((root) => `${root}.${leaf}`),
    shape: isMatrix ? [share, inputs] : [share],
    order: isMatrix ? transposed : asItIs,
  };
}

/** The patch convolution: [C, 3, P, P] for [(row, column, channel), C]. */
function patchSlot(layout: KeyLayout, prefixes: KeyPrefixes, slot: WeightSlot): StoredSlot {
  const stored = linearOrVector(slot, [`${prefixes.body}${layout.patchProjection}`], slot.key.split('.').at(-1) ?? '');
  const [inputs = 0, channels = 0] = slot.shape;
  if (slot.shape.length !== 2) return stored;
  const pixels = inputs / 3;
  const side = Math.sqrt(pixels);
  const storedInput = (input: number): number => (input % 3) * pixels + Math.floor(input / 3);
  return { ...stored, shape: [channels, 3, side, side], order: { isTransposed: true, storedInput } };
}

function blockSlot(layout: KeyLayout, prefixes: KeyPrefixes, slot: WeightSlot): StoredSlot {
  const [, stage, , block, part = '', leaf = ''] = slot.key.split('.');
  const root = `${prefixes.body}${layout.block(Number(stage), Number(block))}`;
  const names = layout.blockNames[part as keyof BlockNames];
  if (part === 'biasTable') return { slot, keys: [`${root}.${names}`], shape: slot.shape, order: asItIs };
  const parts = typeof names === 'string' ? [names] : names;
  return linearOrVector(
    slot,
    parts.map((name) => `${root}.${name}`),
    leaf,
  );
}

function mergingSlot(layout: KeyLayout, prefixes: KeyPrefixes, slot: WeightSlot): StoredSlot {
  const [, stage, , part, leaf = ''] = slot.key.split('.');
  const stored = linearOrVector(slot, [`${prefixes.body}${layout.merging(Number(stage))}.${part}`], leaf);
  if (layout.mergingOrder === 'neighbour-major') return stored;
  return { ...stored, order: { ...stored.order, storedInput: unfoldOrder(slot.shape[0] ?? 0) } };
}

/** Neighbour k of (0,0), (1,0), (0,1), (1,1) and channel c stand at k C + c here and at 4 c + 2 row + column in an unfold. */
function unfoldOrder(inputs: number): (input: number) => number {
  const channels = inputs / 4;
  return (input) => {
    const neighbour = Math.floor(input / channels);
    const row = neighbour % 2;
    const column = Math.floor(neighbour / 2);
    return (input % channels) * 4 + row * 2 + column;
  };
}

/**
 * Values in the order of a file -> values in the order of the tree.
 *
 * @param stored all outputs of the weight, [out, in] or [n]
 */
export function fromStored({ slot, order }: StoredSlot, stored: Float32Array): Float32Array {
  return reorder(slot, order, stored, (values, result, here, there) => {
    result[here] = values[there] ?? 0;
  });
}

/** Values in the order of the tree -> values in the order of a file. */
export function toStored({ slot, order }: StoredSlot, values: Float32Array): Float32Array {
  return reorder(slot, order, values, (source, result, here, there) => {
    result[there] = source[here] ?? 0;
  });
}

/** Calls `move` with the place of every value in the tree (`here`) and in the file (`there`). */
function reorder(
  slot: WeightSlot,
  { isTransposed, storedInput }: StoredOrder,
  values: Float32Array,
  move: (values: Float32Array, result: Float32Array, here: number, there: number) => void,
): Float32Array {
  if (!isTransposed && storedInput === null) return values.slice();
  const result = new Float32Array(values.length);
  const [inputs = 0] = slot.shape;
  const outputs = isTransposed ? (slot.shape[1] ?? 0) : 1;
  for (let input = 0; input < inputs; input++) {
    const stored = storedInput === null ? input : storedInput(input);
    for (let output = 0; output < outputs; output++) {
      move(values, result, input * outputs + output, output * inputs + stored);
    }
  }
  return result;
}
