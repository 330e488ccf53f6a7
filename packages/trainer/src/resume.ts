/** Going on with a run: the latest whole checkpoint goes into model, optimiser and running mean, if it is of the same run. */

import { SparseViTError } from '@sparsevit/windows';
import type { ParameterAverage } from './average';
import type { TrainingRecord } from './checkpoint';
import { readTrainingState } from './checkpoint';
import type { TrainingEvent } from './events';
import type { Optimizer } from './optimizer';
import type { CheckpointStore } from './store';
import { openLatest } from './store';
import type { Tensor } from './tensor';
import { dispose, keep } from './tensor';
import type { Trainable } from './trainable';

/**
 * Puts the latest checkpoint into place.
 *
 * @param identity what the run is: a checkpoint with another is refused, and nothing of it is used
 * @returns what it says of its run; null when there is no checkpoint
 * @throws SparseViTError with code `checkpoint` for one of another run, or when none that is there is whole
 */
export async function resume(
  model: Pick<Trainable<never>, 'parameters'>,
  optimizer: Optimizer,
  average: ParameterAverage | null,
  identity: string,
  { store, onEvent }: { store: CheckpointStore; onEvent: (event: TrainingEvent) => void },
): Promise<TrainingRecord | null> {
  const latest = await openLatest(store, readTrainingState, (name, reason) =>
    onEvent({ type: 'checkpoint-skipped', name, reason }),
  );
  if (latest === null) return null;
  const { name, opened } = latest;
  const { state, record } = opened;
  const free = (): void =>
    dispose([state.parameters, state.optimizer, state.average ?? new Map()].flatMap((map) => [...map.values()]));
  const refuse = (got: string): SparseViTError => {
    free();
    return new SparseViTError(
      'checkpoint',
      `train: expected ${name} to be of this run, got ${got}. Give another folder, or remove the checkpoints to begin anew.`,
    );
  };
  if (record.config !== identity) throw refuse('one with another configuration');
  for (const [key, variable] of model.parameters) {
    const stored = state.parameters.get(key);
    if (stored === undefined || stored.shape.join() !== variable.shape.join()) {
      throw refuse(`no ${key} of [${variable.shape.join(', ')}]`);
    }
  }
  if (state.parameters.size !== model.parameters.size) throw refuse('more parameters than the model has');
  if ((state.average === null) !== (average === null)) throw refuse('one with another running mean');
  try {
    optimizer.restore(record.step, state.optimizer);
  } catch (error) {
    free();
    throw error;
  }
  for (const [key, variable] of model.parameters) variable.assign(state.parameters.get(key) as Tensor);
  dispose([...state.parameters.values()]);
  if (state.average !== null) average?.restore(new Map([...state.average].map(([key, value]) => [key, keep(value)])));
  onEvent({ type: 'training-resumed', step: record.step, name });
  return record;
}
