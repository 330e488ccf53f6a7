/**
 * What a run is resumed from: parameters, the optimiser's memory, the running mean, and where in the data it was. One safetensors file each,
 * so that it can be looked at with any tool; the run's own facts stand in the metadata, versioned. There is no state of a random generator
 * in it: every draw follows from seed and step.
 */

import { readSafetensors, toFloat32, writeSafetensors } from '@sparsevit/backbone';
import { CheckpointError } from '@sparsevit/windows';
import type { Tensor } from './tensor';
import { dispose, tensor } from './tensor';
import type { TensorMap } from './transform';

const metadataKey = 'sparsevit-training';
const version = 1;

/** A place in the data: the first batch that was not used. */
export interface DataPosition {
  readonly epoch: number;
  readonly position: number;
}

/** What a checkpoint says about its run. */
export interface TrainingRecord {
  /** Steps done. */
  readonly step: number;
  /** Where the data goes on. */
  readonly data: DataPosition;
  /** The configuration of the run as JSON: a run goes on only with the same. */
  readonly config: string;
  /** The best evaluation so far; null before the first. */
  readonly best: { readonly step: number; readonly value: number } | null;
}

/** Everything that changes while training. */
export interface TrainingState {
  readonly parameters: TensorMap;
  readonly optimizer: TensorMap;
  readonly average: TensorMap | null;
}

const parts = ['parameters', 'optimizer', 'average'] as const;

/** Writes a checkpoint's bytes; reads the tensors back from the device. */
export async function writeTrainingState(state: TrainingState, record: TrainingRecord): Promise<Uint8Array> {
  const tensors = new Map<string, { values: Float32Array; shape: readonly number[] }>();
  for (const part of parts) {
    for (const [key, value] of state[part] ?? []) {
      tensors.set(`${part}/${key}`, { values: (await value.data()) as Float32Array, shape: value.shape });
    }
  }
  return writeSafetensors(tensors, { [metadataKey]: JSON.stringify({ version, ...record }) });
}

/**
 * Reads a checkpoint; the tensors are the caller's to free.
 *
 * @throws CheckpointError for a file that is damaged, is no checkpoint of a run, or is of a newer version
 */
export function readTrainingState(bytes: Uint8Array): { state: TrainingState; record: TrainingRecord } {
  const { tensors, metadata } = readSafetensors(bytes);
  const record = readRecord(metadata[metadataKey]);
  const maps = new Map<string, Map<string, Tensor>>(parts.map((part) => [part, new Map()]));
  try {
    for (const [name, stored] of tensors) {
      const slash = name.indexOf('/');
      const map = maps.get(name.slice(0, slash));
      if (map === undefined) throw new CheckpointError(`checkpoint: expected tensors of a run, got ${name}.`);
      const values = toFloat32(stored, name);
      if (!values.every(Number.isFinite))
        throw new CheckpointError(`checkpoint: expected finite values, got others in ${name}.`);
      map.set(name.slice(slash + 1), tensor(values, [...stored.shape], 'float32'));
    }
  } catch (error) {
    for (const map of maps.values()) dispose([...map.values()]);
    throw error;
  }
  const of = (part: (typeof parts)[number]): Map<string, Tensor> => maps.get(part) ?? new Map();
  const average = of('average');
  return {
    state: { parameters: of('parameters'), optimizer: of('optimizer'), average: average.size === 0 ? null : average },
    record,
  };
}

function readRecord(text: string | undefined): TrainingRecord {
  if (text === undefined) {
    throw new CheckpointError(
      'checkpoint: expected one of a training run, got a safetensors file of something else. A model goes in by --weights, not as a run to resume.',
    );
  }
  let record: Partial<TrainingRecord> & { version?: unknown };
  try {
    record = JSON.parse(text) as typeof record;
  } catch (cause) {
    throw new CheckpointError('checkpoint: expected JSON about the run, got text that is none.', { cause });
  }
  if (typeof record !== 'object' || record === null || typeof record.version !== 'number') {
    throw new CheckpointError('checkpoint: expected a record of the run with its version, got none.');
  }
  if (record.version > version) {
    throw new CheckpointError(
      `checkpoint: expected version ${version} at most, got ${record.version}. It was written by a newer @sparsevit/trainer: update this one.`,
    );
  }
  const { step, data, config, best = null } = record;
  const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
  if (!isCount(step) || !isCount(data?.epoch) || !isCount(data?.position) || typeof config !== 'string') {
    throw new CheckpointError('checkpoint: expected step, place in the data and config of a run, got others.');
  }
  return { step: step as number, data: data as DataPosition, config, best };
}
