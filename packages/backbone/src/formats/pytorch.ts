/**
 * Reading what `torch.save` writes since PyTorch 1.6: a zip archive with a pickle of the structure (`data.pkl`) and one entry per storage
 * (`data/0`, `data/1`, ...). Of the names that the pickle may ask for, only those of tensors and their containers are known here.
 */

import type { PickleDict, PickleValue } from './pickle-values';
import { fillDict, isDict, isGlobal, isHost, isSequence, kindOf } from './pickle-values';
import { refuse, showList, showName } from './refuse';
import type { StridedTensor, TensorStorage } from './strided-tensor';
import { createStridedTensor, denseBytes } from './strided-tensor';
import type { StoredTensor, TensorDtype } from './tensor';
import { dtypeBytes, highestRank, mostTensors } from './tensor';
import { unpickle } from './unpickle';
import type { ZipEntry } from './zip';
import { listZip, readZipEntry } from './zip';

/** What a PyTorch file holds. */
export interface PyTorchFile {
  /** The state dict's tensors by name. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Where they were found and what was left out; one sentence each. */
  readonly notes: readonly string[];
}

type HostValue = ({ readonly type: 'storage' } & TensorStorage) | ({ readonly type: 'tensor' } & StridedTensor);
type TorchValue = PickleValue<HostValue>;

const here = 'pytorch file';
/** The keys of storages are numbers. */
const longestKey = 100;
/** Tensors may share a storage, but all of them together may be only so much. */
const mostTensorBytes = (fileBytes: number): number => 4 * fileBytes + 2 ** 20;

const storageDtypes: ReadonlyMap<string, TensorDtype> = new Map([
  ['torch.DoubleStorage', 'F64'],
  ['torch.FloatStorage', 'F32'],
  ['torch.HalfStorage', 'F16'],
  ['torch.BFloat16Storage', 'BF16'],
  ['torch.LongStorage', 'I64'],
  ['torch.IntStorage', 'I32'],
  ['torch.ShortStorage', 'I16'],
  ['torch.CharStorage', 'I8'],
  ['torch.ByteStorage', 'U8'],
  ['torch.BoolStorage', 'BOOL'],
]);

const callables: ReadonlyMap<string, (args: readonly TorchValue[]) => TorchValue> = new Map([
  ['collections.OrderedDict', orderedDict],
  ['torch._utils._rebuild_tensor_v2', rebuildTensor],
  ['torch._utils._rebuild_parameter', rebuildParameter],
  ['torch.Size', rebuildSize],
]);

/** Where training code keeps the weights when they are not the file itself. */
const stateDictKeys = ['state_dict', 'model', 'module'] as const;

/** Objects that often ride along in a training checkpoint and mean no harm. */
const commonCompany =
  /^(yacs|argparse|mmcv|mmengine|mmdet|omegaconf|pathlib|collections|timm)\.|^numpy\.(_?core\.multiarray\.|dtype$|ndarray$|(float|int|bool)\w*$)|^torch\.(nn|optim|_utils|_tensor)\.|^(builtins|__builtin__)\.(set|frozenset|slice|complex)$/;

/** The command that turns a checkpoint into safetensors where Python and PyTorch are at hand; only a trusted file may run its code. */
export function convertCommand(isTrusted: boolean): string {
  const load = `torch.load('in.pth', 'cpu', weights_only=${isTrusted ? 'False' : 'True'})`;
  const pick = `c = c.get('state_dict', c.get('model', c))`;
  const save = `s.save_file({k: v.clone().contiguous() for k, v in c.items() if torch.is_tensor(v)}, 'out.safetensors')`;
  return `python -c "import torch, safetensors.torch as s; c = ${load}; ${pick}; ${save}"`;
}

/**
 * Reads the state dict of a PyTorch file: the top level if it has tensors, else what lies under `state_dict`, `model` or `module`.
 *
 * @throws CheckpointError when the file is cut off or compressed, is no PyTorch archive, asks for a name other than those of tensors and plain
 * containers, places a tensor outside its storage, has a name twice, more than 100 000 tensors or tensors that are together more than about
 * four times the file, or has no state dict
 * @example
 * const { tensors } = readPyTorch(bytes);
 */
export function readPyTorch(bytes: Uint8Array): PyTorchFile {
  const { root, pickle } = openArchive(bytes);
  const entries = pickle.entries;
  const storages = new Map<string, Uint8Array>();

  const load = (id: TorchValue): TorchValue => {
    const [kind, type, key, , count] = isSequence(id) ? id.items : [];
    const dtype = isGlobal(type) ? storageDtypes.get(type.name) : undefined;
    if (
      kind !== 'storage' ||
      dtype === undefined ||
      typeof key !== 'string' ||
      key.length > longestKey ||
      !isCount(count)
    ) {
      return refuse(here, 'storages by type, key and size', kindOf(id));
    }
    const entry = entries.get(`${root}data/${key}`);
    if (entry === undefined) return refuse(here, `a storage ${showName(key)}`, 'none');
    const data = storages.get(key) ?? readZipEntry(bytes, entry);
    storages.set(key, data);
    if (count * dtypeBytes[dtype] > data.length) {
      refuse(
        here,
        `${count} elements of ${dtype} in storage ${showName(key)}`,
        `${data.length} bytes`,
        'The file is damaged.',
      );
    }
    return { kind: 'host', value: { type: 'storage', dtype, count, bytes: data } };
  };

  const content = unpickle<HostValue>(pickle.bytes, {
    checkName,
    call: (name, args) => (callables.get(name) ?? (() => refuse(here, 'a function to call', showName(name))))(args),
    load,
  });
  return collectTensors(content, bytes.length);
}

/** Finds `data.pkl` and the folder it lies in. */
function openArchive(bytes: Uint8Array): {
  root: string;
  pickle: { bytes: Uint8Array; entries: ReadonlyMap<string, ZipEntry> };
} {
  const entries = listZip(bytes);
  const name = [...entries.keys()].find((key) => /^([^/]+\/)?data\.pkl$/.test(key));
  const entry = name === undefined ? undefined : entries.get(name);
  if (name === undefined || entry === undefined) {
    const first = showList([...entries.keys()].map(showName), 4);
    return refuse(
      here,
      'a zip archive written by torch.save, with a data.pkl',
      first === '' ? 'an empty archive' : first,
    );
  }
  const root = name.slice(0, -'data.pkl'.length);
  if (entries.has(`${root}constants.pkl`)) {
    refuse(here, 'weights', 'a TorchScript program', `Save its state_dict() with torch.save.`);
  }
  const order = entries.get(`${root}byteorder`);
  if (order !== undefined && new TextDecoder().decode(readZipEntry(bytes, order)) !== 'little') {
    refuse(here, 'little-endian data', 'another byte order');
  }
  return { root, pickle: { bytes: readZipEntry(bytes, entry), entries } };
}

function checkName(name: string): void {
  if (callables.has(name) || storageDtypes.has(name)) return;
  refuse(
    here,
    'a pickle of tensors and plain containers',
    `a pickle that asks for ${showName(name)}`,
    commonCompany.test(name)
      ? `Nothing of it was run. If you trust whoever made the file, convert its weights: ${convertCommand(true)}`
      : 'Nothing of it was run: ask for the weights as safetensors.',
  );
}

function orderedDict(args: readonly TorchValue[]): TorchValue {
  const [pairs] = args;
  const items = pairs === undefined ? [] : isSequence(pairs) ? pairs.items : [null];
  const flat = items.flatMap((pair) =>
    isSequence(pair) && pair.items.length === 2 ? pair.items : refuse(here, 'an OrderedDict of pairs', kindOf(pair)),
  );
  return { kind: 'dict', isOrdered: true, entries: fillDict([], flat) };
}

function rebuildTensor(args: readonly TorchValue[]): TorchValue {
  const [storage, offset, shape, strides] = args;
  if (
    !isHost(storage) ||
    storage.value.type !== 'storage' ||
    !isCount(offset) ||
    !isCounts(shape) ||
    !isCounts(strides)
  ) {
    return refuse(
      here,
      `a tensor of storage, offset, size and stride of at most ${highestRank} axes`,
      showList(args.map(kindOf)),
    );
  }
  const tensor = createStridedTensor(storage.value, { offset, shape: shape.items, strides: strides.items });
  return { kind: 'host', value: { type: 'tensor', ...tensor } };
}

function rebuildParameter(args: readonly TorchValue[]): TorchValue {
  const [tensor] = args;
  return isHost(tensor) && tensor.value.type === 'tensor'
    ? tensor
    : refuse(here, 'a parameter of a tensor', kindOf(tensor));
}

function rebuildSize(args: readonly TorchValue[]): TorchValue {
  const [sides] = args;
  return isCounts(sides)
    ? { kind: 'tuple', items: [...sides.items] }
    : refuse(here, `a size of at most ${highestRank} whole numbers`, kindOf(sides));
}

function isCount(value: TorchValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** The number of items is looked at first: a list may be long, and handed over in many calls. */
function isCounts(
  value: TorchValue | undefined,
): value is { readonly kind: 'list' | 'tuple'; readonly items: number[] } {
  return isSequence(value) && value.items.length <= highestRank && value.items.every(isCount);
}

/** The state dict, with every tensor laid out row by row. */
function collectTensors(content: TorchValue, fileBytes: number): PyTorchFile {
  if (!isDict(content)) return refuse(here, 'a state dict', kindOf(content));
  const { dict, notes } = findStateDict(content);
  const tensors = new Map<string, StoredTensor>();
  const others: string[] = [];
  let bytesLeft = mostTensorBytes(fileBytes);
  for (const [name, value] of dict.entries) {
    if (typeof name !== 'string' || !isHost(value) || value.value.type !== 'tensor') {
      others.push(showName(String(name)));
      continue;
    }
    if (tensors.has(name)) refuse(here, 'every name once', `${showName(name)} twice`);
    if (tensors.size >= mostTensors) refuse(here, `at most ${mostTensors} tensors`, 'more');
    const bytes = denseBytes(value.value, bytesLeft, showName(name));
    bytesLeft -= bytes.length;
    tensors.set(name, { dtype: value.value.dtype, shape: value.value.shape, bytes });
  }
  return { tensors, notes: others.length === 0 ? notes : [...notes, `Left out, not a tensor: ${showList(others)}.`] };
}

function findStateDict(content: PickleDict<HostValue>): { dict: PickleDict<HostValue>; notes: string[] } {
  if (hasTensors(content)) return { dict: content, notes: [] };
  for (const key of stateDictKeys) {
    const dict = content.entries.findLast(([name]) => name === key)?.[1];
    if (!isDict(dict) || !hasTensors(dict)) continue;
    const others = content.entries.filter(([other]) => other !== key).map(([other]) => showName(String(other)));
    const leftOut = others.length === 0 ? '' : ` Left out: ${showList(others)}.`;
    return { dict, notes: [`The weights were under "${key}" of the file.${leftOut}`] };
  }
  const keys = showList(content.entries.map(([key]) => showName(String(key))));
  return refuse(
    here,
    `tensors at the top level or under ${stateDictKeys.join(', ')}`,
    keys === '' ? 'nothing' : `only ${keys}`,
  );
}

function hasTensors(dict: PickleDict<HostValue>): boolean {
  return dict.entries.some(([, value]) => isHost(value) && value.value.type === 'tensor');
}
