/** What a training command is going to do: everything that can be found wrong before a backend is started. */

import type { TrainingRun } from '@sparsevit/config';
import type { TaskTraining } from '@sparsevit/pipeline/node';
import { prepareTraining } from '@sparsevit/pipeline/node';
import type { TrainingConfig } from '@sparsevit/trainer';
import { inputError } from '../errors';
import { parseInteger } from '../values';
import { readRunDocument } from './document';

/** The options of a training command, as they were typed. */
export interface TrainOptions {
  readonly config?: string;
  readonly steps?: string;
  readonly output?: string;
  readonly weights?: string;
  readonly sparsity?: string;
}

const mostSteps = 1_000_000_000;

/**
 * Reads the document, opens the data and the model, and finds out whether the outputs can be written.
 *
 * @throws SparseViTError for the first thing that cannot be
 */
export async function planTraining(mode: TrainingConfig['mode'], options: TrainOptions): Promise<TaskTraining> {
  const command = mode === 'dense' ? 'train' : mode;
  if (options.config === undefined) {
    throw inputError(`${command}: expected --config FILE, got none. See \`sparsevit ${command} --help\`.`);
  }
  const { run: document, writtenData } = await readRunDocument(options.config);
  const steps =
    options.steps === undefined ? undefined : parseInteger(options.steps, '--steps', { min: 0, max: mostSteps });
  const run: TrainingRun = {
    ...document,
    output: options.output ?? document.output,
    model: { ...document.model, ...(options.weights === undefined ? {} : { weights: options.weights }) },
    training: { ...document.training, mode, ...(steps === undefined ? {} : { steps }) },
  };
  return prepareTraining(run, {
    writtenTrain: writtenData.train,
    sparsity: options.sparsity,
    reads: [options.config],
    what: '--output',
  });
}
