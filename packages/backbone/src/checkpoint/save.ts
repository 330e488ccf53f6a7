/** Writing a checkpoint: safetensors with the keys of any layout that has a place for every weight. */

import { checkArchitecture, checkSparsity } from '@sparsevit/windows';
import type { SwinCheckpoint } from '../checkpoint';
import { refuse, showList, showShape } from '../formats/refuse';
import type { WritableTensor } from '../formats/safetensors-writer';
import { writeSafetensors } from '../formats/safetensors-writer';
import { elementCount } from '../formats/tensor';
import type { HostTensor, WeightSlot } from '../weights';
import { listWeights } from '../weights';
import { documentKey, writeDocument } from './document';
import { areFinite } from './import';
import type { CheckpointLayout, KeyLayout } from './layouts';
import { layoutByName, layoutOfFamily } from './layouts';
import type { KeyPrefixes, StoredSlot } from './stored-slots';
import { noPrefixes, storedSlot, toStored } from './stored-slots';

/** How to write a checkpoint. */
export interface SaveOptions {
  /** The layout of the keys; the family's own when not given. */
  readonly layout?: CheckpointLayout | undefined;
  /** The type the weights are stored in; `f32` (the default) loses nothing. */
  readonly precision?: 'f32' | 'f16' | 'bf16' | undefined;
}

interface ListedWeight {
  readonly slot: WeightSlot;
  readonly value: HostTensor;
}

const here = 'saveCheckpoint';
/** From here on a number rounds to infinity. */
const tooLarge = { f32: Number.POSITIVE_INFINITY, f16: 65520, bf16: 2 ** 128 * (1 - 2 ** -9) } as const;

/**
 * Writes a Swin as safetensors, with architecture, family and sparsity in the metadata under `sparsevit`.
 *
 * @returns the bytes of the file; `loadCheckpoint` gives back the same weights, bit for bit, unless a 16-bit precision was asked for
 * @throws CheckpointError when the layout has no keys for some of the weights (output norms in timm's and torchvision's, a classifier in
 * mmdetection's), a weight is misshapen or not finite, or is too large for the precision
 * @throws ConfigError when the architecture or the sparsity is not valid
 * @example
 * const bytes = saveCheckpoint(checkpoint, { layout: 'mmdet', precision: 'f16' });
 */
export function saveCheckpoint(
  checkpoint: Pick<SwinCheckpoint, 'architecture' | 'family' | 'weights' | 'sparsity'>,
  options: SaveOptions = {},
): Uint8Array<ArrayBuffer> {
  const { family, weights, sparsity } = checkpoint;
  const architecture = checkArchitecture(checkpoint.architecture);
  if (sparsity !== null) checkSparsity(architecture, sparsity);
  const name = options.layout ?? layoutOfFamily[family];
  const precision = options.precision ?? 'f32';
  if (!Object.hasOwn(layoutByName, name)) refuse(here, `a layout of ${Object.keys(layoutByName).join(', ')}`, name);
  if (!Object.hasOwn(tooLarge, precision)) refuse(here, 'a precision of f32, f16, bf16', precision);

  if (weights.classifier !== null && weights.finalNorm === null) {
    refuse(here, 'the final norm that every layout has before a classifier', 'none');
  }
  const listed = listWeights(architecture, weights);
  checkValues(listed, precision);
  const dtype = precision === 'f32' ? 'F32' : precision === 'f16' ? 'F16' : 'BF16';
  const tensors = new Map<string, WritableTensor>();
  for (const { stored, value } of placeWeights(listed, name)) {
    const values = toStored(stored, value.values);
    const share = values.length / stored.keys.length;
    stored.keys.forEach((key, part) => {
      tensors.set(key, { values: values.subarray(part * share, (part + 1) * share), shape: stored.shape, dtype });
    });
  }
  // `format: pt` is what transformers asks of a safetensors file.
  return writeSafetensors(tensors, { format: 'pt', [documentKey]: writeDocument({ architecture, family, sparsity }) });
}

/** Every weight with its place in the layout. */
function placeWeights(
  listed: readonly ListedWeight[],
  name: CheckpointLayout,
): { stored: StoredSlot; value: HostTensor }[] {
  const placed = place(listed, layoutByName[name]);
  const homeless = listed.filter((_, i) => placed[i] === null).map(({ slot }) => slot.key);
  if (homeless.length > 0) {
    const able = Object.values(layoutByName).filter((layout) => !place(listed, layout).includes(null));
    refuse(
      here,
      `weights that the layout of ${name} has keys for`,
      `also ${showList(homeless)}`,
      `Layouts that can hold them: ${able.map((layout) => layout.name).join(', ')}.`,
    );
  }
  return listed.flatMap(({ value }, i) => {
    const stored = placed[i] ?? null;
    return stored === null ? [] : [{ stored, value }];
  });
}

function place(listed: readonly ListedWeight[], layout: KeyLayout): (StoredSlot | null)[] {
  const hasClassifier = listed.some(({ slot }) => slot.key.startsWith('classifier.'));
  // Hugging Face's classifier model keeps the backbone under `swin.`; a bare backbone has no prefix.
  const prefixes: KeyPrefixes =
    layout.name === 'huggingface' && hasClassifier ? { ...noPrefixes, body: 'swin.' } : noPrefixes;
  return listed.map(({ slot }) => storedSlot(layout, prefixes, slot));
}

function checkValues(listed: readonly ListedWeight[], precision: keyof typeof tooLarge): void {
  for (const { slot, value } of listed) {
    const isMisshapen =
      slot.shape.length !== value.shape.length || slot.shape.some((side, axis) => side !== value.shape[axis]);
    if (isMisshapen || value.values.length !== elementCount(slot.shape)) {
      refuse(
        here,
        `${slot.key} to be ${showShape(slot.shape)}`,
        `${showShape(value.shape)} of ${value.values.length} values`,
      );
    }
    if (!areFinite(value.values)) refuse(here, 'finite weights', `NaN or infinite values in ${slot.key}`);
    const limit = tooLarge[precision];
    if (value.values.some((number) => Math.abs(number) >= limit)) {
      refuse(here, `weights that ${precision} can hold`, `a larger one in ${slot.key}`, 'Save as f32.');
    }
  }
}
