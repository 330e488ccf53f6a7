/** What a deployed model took on a device: the document that an application stores so that it need not measure again. */

import type { PrunedRatios } from '@sparsevit/windows';
import * as z from 'zod';
import { prunedRatiosSchema } from './search-settings';

/** What `chooseSparsity` of `@sparsevit/runtime` has measured. */
export interface DeviceCalibration {
  readonly format: 'sparsevit-device-calibration';
  readonly version: 1;
  /** Hash of the deployment, architecture and task of the file that was measured: it holds for no other. */
  readonly model: string;
  /** What computed, in words. */
  readonly device: string;
  /** Sides of the photos in pixels. */
  readonly size: { readonly height: number; readonly width: number };
  /** Milliseconds of a prediction at each of the references. */
  readonly rows: readonly { readonly prunedRatios: PrunedRatios; readonly ms: number }[];
}

const side = z.int().min(1).max(100_000);

/**
 * A `DeviceCalibration`.
 *
 * @example
 * deviceCalibrationSchema.parse(JSON.parse(localStorage.getItem('calibration') ?? 'null'));
 */
export const deviceCalibrationSchema: z.ZodType<DeviceCalibration> = z
  .strictObject({
    format: z.literal('sparsevit-device-calibration'),
    version: z.literal(1),
    model: z.string().min(1).max(100).meta({ description: 'Hash of what was measured.' }),
    device: z.string().max(1000).meta({ description: 'What computed, in words.' }),
    size: z.strictObject({ height: side, width: side }).meta({ description: 'Sides of the photos in pixels.' }),
    rows: z
      .array(
        z.strictObject({
          prunedRatios: prunedRatiosSchema,
          ms: z.number().positive().meta({ description: 'Milliseconds of a prediction.' }),
        } satisfies Record<keyof DeviceCalibration['rows'][number], z.ZodType>),
      )
      .min(3)
      .max(100)
      .meta({ description: 'What each of the references took.' }),
  } satisfies Record<keyof DeviceCalibration, z.ZodType>)
  .meta({ title: 'SparseViT device calibration', description: 'What a deployed model took on a device.' });
