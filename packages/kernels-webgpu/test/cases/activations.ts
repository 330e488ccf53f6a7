/** GELU and its gradient against values in doubles. */

import { expectAllclose } from '@sparsevit/testing';
import { kernelNames } from '@sparsevit/windows';
import { test } from 'vitest';
import { exactGelu, exactGeluSlope } from './exact-gelu';
import { at, randomValues, runForOne } from './support';

/** The fit of the tail bounds |x| times its error by 3e-7, as the value needs it; the slope has the error itself, largest near 0. */
const slopeTolerance = { absolute: 3e-6 };

/** GELU and its gradient on the active backend. */
export function activationKernelCases(): void {
  const shapes = [[1], [3], [4], [257], [5, 7], [2, 3, 4, 5], [1024]];
  test.each(shapes.map((shape) => [shape]))('gelu and its slope of %j', async (shape) => {
    const x = randomValues(shape, 14, 6);
    const dy = randomValues(shape, 15);
    const y = (await runForOne(kernelNames.gelu, { x }, {})).data;
    expectAllclose(y, Array.from(x.data, exactGelu), { absolute: 1e-6 });
    const dx = (await runForOne(kernelNames.geluGradient, { x, dy }, {})).data;
    const expected = Array.from(x.data, (v, i) => at(dy.data, i) * exactGeluSlope(v));
    expectAllclose(dx, expected, slopeTolerance);
  });

  test('from -20 to 20, and at the ends of float32', async () => {
    const steps = Float32Array.from({ length: 4001 }, (_, i) => (i - 2000) / 100);
    const far = [-3e38, -1e10, -100, -0, 0, 1e-30, 100, 1e10, 3e38];
    const x = { shape: [steps.length + far.length], data: Float32Array.from([...steps, ...far]) };
    const one = { shape: x.shape, data: new Float32Array(x.data.length).fill(1) };
    const y = (await runForOne(kernelNames.gelu, { x }, {})).data;
    expectAllclose(y, Array.from(x.data, exactGelu), { absolute: 1e-6, relative: 1e-6 });
    const slope = (await runForOne(kernelNames.geluGradient, { x, dy: one }, {})).data;
    expectAllclose(slope, Array.from(x.data, exactGeluSlope), slopeTolerance);
  });
}
