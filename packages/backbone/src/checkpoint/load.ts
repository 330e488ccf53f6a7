/** Reading a checkpoint: the file, the layout, the architecture, the weights. */

import type { SwinArchitecture } from '@sparsevit/windows';
import { ConfigError, checkArchitecture, stageHiddenWidth } from '@sparsevit/windows';
import type { SwinCheckpoint, SwinFamily } from '../checkpoint';
import { familyRules } from '../checkpoint';
import { refuse } from '../formats/refuse';
import type { SafetensorsFile } from '../formats/safetensors';
import type { SwinParts } from '../weights';
import type { CheckpointDocument } from './document';
import { documentKey, readDocument } from './document';
import type { FoundLayout } from './find-layout';
import { findLayout } from './find-layout';
import { importWeights } from './import';
import { inferArchitecture, inferParts } from './infer';
import { readTensors } from './read-tensors';

/** What to take for granted about a file instead of finding it out. */
export interface LoadOptions {
  /** Whose rules to run the weights by; the layout of the keys must be one that this family uses. */
  readonly family?: SwinFamily | undefined;
  /** The architecture of the weights in the file; a tensor of another shape is an error. */
  readonly architecture?: SwinArchitecture | undefined;
  /** Resize the bias tables to this window. */
  readonly window?: number | undefined;
  /** What stands before the backbone's keys, for a file with more than one Swin in it (`teacher.backbone.`). */
  readonly prefix?: string | undefined;
}

const here = 'checkpoint';
const largestWindow = 256;

/**
 * Reads a Swin from a safetensors or PyTorch file, or from one that `readSafetensors` has read, in the layout of Microsoft, mmdetection, timm, torchvision or Hugging Face. Family and
 * architecture are read off keys and shapes.
 *
 * @throws CheckpointError when the file is damaged, holds code, is no Swin, or has missing, unexpected or misshapen tensors (one error lists them)
 * @throws ConfigError for an option that cannot be
 * @example
 * const checkpoint = loadCheckpoint(await readFile('swin_tiny.pth'), { window: 12 });
 */
export function loadCheckpoint(file: Uint8Array | SafetensorsFile, options: LoadOptions = {}): SwinCheckpoint {
  checkOptions(options);
  const isRead = !(file instanceof Uint8Array) && file?.tensors instanceof Map;
  const { tensors, metadata, notes: fileNotes } = isRead ? { ...file, notes: [] } : readTensors(file as Uint8Array);
  const text = Object.hasOwn(metadata, documentKey) ? metadata[documentKey] : undefined;
  const document = text === undefined ? null : readDocument(text);
  const found = findLayout(tensors, options.prefix);
  const architecture = options.architecture ?? inferArchitecture(tensors, found);
  if (document !== null) checkAgreement(document.architecture, architecture);
  const parts = inferParts(tensors, found, architecture.depths.length);
  const { family, note } = chooseFamily(options.family, document, found, parts);
  const { weights, notes } = importWeights(tensors, {
    found,
    architecture,
    parts,
    window: options.window,
    fileBytes: isRead ? bytesOf(file) : (file as Uint8Array).length,
  });
  return {
    architecture: options.window === undefined ? architecture : { ...architecture, window: options.window },
    family,
    weights,
    sparsity: document?.sparsity ?? null,
    notes: [...fileNotes, ...note, ...notes],
  };
}

function bytesOf({ tensors }: SafetensorsFile): number {
  let count = 0;
  for (const { bytes } of tensors.values()) count += bytes.length;
  return count;
}

function checkOptions({ family, architecture, window }: LoadOptions): void {
  if (family !== undefined && !Object.hasOwn(familyRules, family)) {
    throw new ConfigError(
      `loadCheckpoint: expected family to be one of ${Object.keys(familyRules).join(', ')}, got ${family}.`,
    );
  }
  if (window !== undefined && !(Number.isInteger(window) && window >= 1 && window <= largestWindow)) {
    throw new ConfigError(
      `loadCheckpoint: expected window to be an integer from 1 to ${largestWindow}, got ${window}.`,
    );
  }
  if (architecture !== undefined) checkArchitecture(architecture);
}

/** The metadata and the tensors must tell the same story. */
function checkAgreement(said: SwinArchitecture, seen: SwinArchitecture): void {
  const widths = (architecture: SwinArchitecture): [string, string][] => [
    ['embedDim', String(architecture.embedDim)],
    ['depths', architecture.depths.join(',')],
    ['heads', architecture.heads.join(',')],
    ['window', String(architecture.window)],
    ['the MLP width of stage 0', String(stageHiddenWidth(architecture, 0))],
    ['patchSize', String(architecture.patchSize)],
  ];
  const other = new Map(widths(seen));
  for (const [name, value] of widths(said)) {
    if (other.get(name) !== value) refuse(here, `${name} ${value} as its metadata says`, `${other.get(name)}`);
  }
}

/** The family asked for, else the one saved with the weights, else the one that the layout and the norms tell. */
function chooseFamily(
  asked: SwinFamily | undefined,
  document: CheckpointDocument | null,
  { layout }: FoundLayout,
  parts: SwinParts,
): { family: SwinFamily; note: string[] } {
  const [first = 'microsoft', ofDetectors = first] = layout.families;
  const hasDetectorNorms =
    parts.outputNorms.includes(true) && (layout.name === 'microsoft' || layout.name === 'huggingface');
  const told = document?.family ?? (hasDetectorNorms ? ofDetectors : first);
  if (asked !== undefined && asked !== told) {
    if (!layout.families.includes(asked)) {
      refuse(here, `a family of the layout that the keys follow (${layout.families.join(', ')})`, asked);
    }
    return { family: asked, note: [`Rules of ${asked} as asked, instead of ${told}.`] };
  }
  const isAmbiguous = asked === undefined && document === null && layout.name === 'microsoft' && told === 'microsoft';
  return {
    family: told,
    note: isAmbiguous
      ? ['Microsoft and timm before 0.9 share these keys: rules of microsoft; family timm can be forced.']
      : [],
  };
}
