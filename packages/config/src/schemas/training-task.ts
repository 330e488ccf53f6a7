/** The schema of the task that a run trains: which head stands on the backbone. Its classes come from the data. */

import * as z from 'zod';

/** A task without its classes; the fields are those of `TaskConfig` of `@sparsevit/tasks`. */
export type TrainingTask =
  | { readonly kind: 'classification'; readonly labelSmoothing?: number }
  | { readonly kind: 'semantic'; readonly channels?: number; readonly groups?: number }
  | {
      readonly kind: 'upernet';
      readonly channels?: number;
      readonly groups?: number;
      readonly auxiliaryChannels?: number;
    }
  | { readonly kind: 'detection'; readonly channels?: number; readonly prior?: number };

const width = z.int().min(1).exactOptional();
const groups = width.meta({ description: 'Groups of the norms, a divisor of channels.' });

/** A `TrainingTask`. */
export const trainingTaskSchema: z.ZodType<TrainingTask, TrainingTask> = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('classification').meta({ description: 'One class for the whole image.' }),
      labelSmoothing: z.number().min(0).max(1).exactOptional().meta({
        description: 'Share of the label that is spread over all classes; default 0.',
      }),
    }),
    z.strictObject({
      kind: z.literal('semantic').meta({ description: 'A class for every pixel: Semantic-FPN.' }),
      channels: width.meta({ description: 'Width of the pyramid and of the head; default 128.' }),
      groups,
    }),
    z.strictObject({
      kind: z.literal('upernet').meta({ description: 'A class for every pixel: UperNet.' }),
      channels: width.meta({ description: 'Width of the pyramid and of the head; default 512.' }),
      groups,
      auxiliaryChannels: z.int().min(0).exactOptional().meta({
        description: 'Width of the auxiliary head, which only training uses; default 256, 0 for none.',
      }),
    }),
    z.strictObject({
      kind: z.literal('detection').meta({ description: 'Boxes with a class: a centre detector.' }),
      channels: width.meta({ description: 'Width of the pyramid and of the branches; default 64.' }),
      prior: z.number().gt(0).lt(1).exactOptional().meta({ description: 'Share of a fresh heatmap; default 0.1.' }),
    }),
  ])
  .meta({ description: 'Which head stands on the backbone. Its classes come from the data.' });
