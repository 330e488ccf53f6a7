/** A task file as a model: a photo of any size in, what the task says about it out. Loaded only when there is such a file. */

import { readSafetensors } from '@sparsevit/backbone';
import type { TaskCheckpoint, TaskInput } from '@sparsevit/tasks';
import { createTask, decodePhoto, loadTask, seenPhoto, taskInputOf } from '@sparsevit/tasks';
import { ConfigError, ShapeError } from '@sparsevit/windows';
import { readDeployment } from './deployment';
import { blankInput, normalizedInput, pixelsOrValues } from './input';
import type { LoadModelOptions } from './load-model';
import type { ModelImage, ModelSubject, SeenImage } from './model';

/** What is said of a bare Swin only: a task file says it itself. */
const swinOptions = ['family', 'architecture', 'prefix', 'window'] as const;

/**
 * Reads a task file, and what it can be run at.
 *
 * @throws CheckpointError for a file that is damaged, naming the field of its metadata where that is what is wrong
 * @throws ConfigError for options of a bare Swin
 */
export function openTask(bytes: Uint8Array, options: LoadModelOptions): ModelSubject {
  for (const name of swinOptions) {
    if (options[name] === undefined) continue;
    throw new ConfigError(
      `loadModel: expected no ${name} for a task file, got one. It is for bare Swins: a task file says it.`,
    );
  }
  const checkpoint = loadTask(bytes);
  const { normalization } = options;
  const own = taskInputOf(checkpoint);
  const { architecture } = checkpoint.backbone;
  return taskSubject(checkpoint, {
    input: normalization === undefined ? own : { ...own, normalization },
    deployment: readDeployment(readSafetensors(bytes).metadata, architecture),
  });
}

function taskSubject(
  checkpoint: TaskCheckpoint,
  { input, deployment }: { readonly input: TaskInput } & Pick<ModelSubject, 'deployment'>,
): ModelSubject {
  const { config: task, backbone } = checkpoint;
  const { architecture, family, sparsity } = backbone;
  return {
    architecture,
    family,
    sparsity,
    notes: [],
    task,
    deployment,
    take(ops) {
      const model = createTask(ops, checkpoint);
      const features = architecture.depths.map(() => null);
      return {
        forward(image, { sparsity, wantsWindows }) {
          return { features, logits: null, ...model.forward(image, { sparsity, wantsWindows }) };
        },
        dispose: () => model.dispose(),
      };
    },
    see: (image) => seenBy(task, input, image),
    request({ outputs, wantsLogits }) {
      if (outputs === undefined && wantsLogits === undefined) return { outputs: [], wantsLogits: false };
      const name = outputs === undefined ? 'wantsLogits' : 'outputs';
      throw new ConfigError(
        `predict: expected no ${name} of a task, got some. Maps and logits are of bare Swins; a task gives its output.`,
      );
    },
    blank(size = input.size ?? undefined) {
      if (size !== undefined) return blankPhoto(size);
      throw new ConfigError(
        'warmUp: expected the height and width of the photos to come, got none, and the file has no size that they are brought to.',
      );
    },
  };
}

function seenBy(task: TaskCheckpoint['config'], input: TaskInput, image: ModelImage): SeenImage {
  const given = pixelsOrValues(image);
  if ('values' in given) {
    const [batch, height, width] = given.shape;
    if (batch !== 1) throw new ShapeError(`predict: expected one image for a task, got ${batch}. Predict one by one.`);
    const seen = { height, width };
    const placement = { scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0 };
    return {
      input: given,
      decode: (output, minScore) => decodePhoto(output, seen, { task, seen, placement, minScore }),
    };
  }
  const { seen, placement } = seenPhoto(given, input);
  const { height, width } = given;
  return {
    input: normalizedInput(seen, input.normalization),
    decode: (output, minScore) => decodePhoto(output, { height, width }, { task, seen, placement, minScore }),
  };
}

/** A black photo, so that it is made ready as photos are; of a size that is none, values that are refused. */
function blankPhoto(size: Parameters<typeof blankInput>[0]): ModelImage {
  const { values, shape } = blankInput(size);
  const [batch, height, width] = shape;
  if (values.length === 0 || batch !== 1) return { values, shape };
  return { pixels: new Uint8Array(values.length), height, width };
}
