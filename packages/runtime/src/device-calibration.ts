/** What a deployed model took on a device, as a document to store: with it nothing is measured the next time. */

import { stableHash } from '@sparsevit/latency';
import type { PrunedRatios } from '@sparsevit/windows';
import { ConfigError } from '@sparsevit/windows';
import { fieldOf } from '@sparsevit/windows/document-field';
import type { LoadedModel } from './load-model';

/** What `chooseSparsity` has measured; plain JSON. `deviceCalibrationSchema` of `@sparsevit/config` reads it, too. */
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

const most = { text: 1000, side: 100_000, rows: 100, stages: 64, pairs: 1024 };
/** Fewer say nothing about a device. */
export const leastRows = 3;

/** On what latencies hold: this file, computed by this, for photos of this size. */
export function subjectOf(
  { architecture, family, task, deployment, report }: LoadedModel,
  { height, width }: DeviceCalibration['size'],
): Pick<DeviceCalibration, 'model' | 'device' | 'size'> {
  return {
    model: stableHash({ architecture, family, task, deployment }),
    device: `${report.backend}: ${report.detail}`,
    size: { height, width },
  };
}

/**
 * Reads a calibration as hostile input.
 *
 * @param subject what is to run
 * @throws ConfigError naming the field that is not as it should be, and for a calibration of something else
 */
export function readCalibration(
  value: unknown,
  subject: Pick<DeviceCalibration, 'model' | 'device' | 'size'>,
): DeviceCalibration {
  const document = fieldOf('calibration', value);
  const format = document.at('format').oneOf(['sparsevit-device-calibration']);
  const version = document.at('version').integer(0, Number.MAX_SAFE_INTEGER);
  if (version !== 1) {
    throw new ConfigError(`calibration.version: expected 1, got ${version}. Leave it out, and it is measured again.`);
  }
  document.only(['format', 'version', 'model', 'device', 'size', 'rows']);
  const size = document.at('size').only(['height', 'width']);
  const calibration: DeviceCalibration = {
    format,
    version,
    model: document.at('model').text(most.text),
    device: document.at('device').text(most.text),
    size: {
      height: size.at('height').integer(1, most.side),
      width: size.at('width').integer(1, most.side),
    },
    rows: document.at('rows').list(most.rows, (row) => ({
      prunedRatios: row
        .only(['prunedRatios', 'ms'])
        .at('prunedRatios')
        .list(most.stages, (stage) => stage.list(most.pairs, (ratio) => ratio.number({ least: 0, most: 1 }))),
      ms: row.at('ms').number({ above: 0 }),
    })),
  };
  if (calibration.rows.length < leastRows) {
    document.at('rows').refuse(`at least ${leastRows} rows`, String(calibration.rows.length));
  }
  const refuse = (what: string, expected: string, got: string): never => {
    throw new ConfigError(
      `calibration.${what}: expected ${expected}, got ${got}. It is of something else: leave it out, and this is measured.`,
    );
  };
  if (calibration.model !== subject.model) refuse('model', `that of this file, ${subject.model}`, calibration.model);
  if (calibration.device !== subject.device) refuse('device', subject.device, calibration.device);
  const [here, there] = [subject, calibration].map(({ size: { height, width } }) => `${height}x${width}`);
  if (here !== there) refuse('size', String(here), String(there));
  return calibration;
}
