import { expect, test } from 'vitest';
import { deviceCalibrationSchema } from '../src';

const rows = [0, 0.4, 0.8].map((ratio) => ({ prunedRatios: [[ratio], [ratio]], ms: 20 - 10 * ratio }));
const calibration = {
  format: 'sparsevit-device-calibration',
  version: 1,
  model: '0123456789abcdef',
  device: 'engine: SIMD, 2 threads',
  size: { height: 224, width: 320 },
  rows,
};

test('a calibration comes out as it went in', () => {
  expect(deviceCalibrationSchema.parse(JSON.parse(JSON.stringify(calibration)))).toEqual(calibration);
});

test.each([
  [{ version: 2 }, 'version'],
  [{ model: '' }, 'model'],
  [{ size: { height: 0, width: 1 } }, 'size.height'],
  [{ rows: rows.slice(1) }, 'rows'],
  [{ rows: [{ ...rows[0], ms: 0 }, ...rows] }, 'rows.0.ms'],
  [{ rows: [{ ...rows[0], prunedRatios: [[1]] }, ...rows] }, 'rows.0.prunedRatios.0.0'],
  [{ more: 1 }, ''],
])('%o is refused where it is wrong', (change, path) => {
  const { error } = deviceCalibrationSchema.safeParse({ ...calibration, ...change });
  expect(error?.issues.map((issue) => issue.path.join('.'))).toEqual([path]);
});
