import { webgpuKernels } from '@sparsevit/kernels-webgpu';
import { startBackend } from '@sparsevit/testing';
import { kernelNames } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { activationKernelCases } from './cases/activations';
import { normKernelCases } from './cases/norms';
import { productKernelCases } from './cases/products';
import { randomValues, runKernel } from './cases/support';
import { loaders } from './loaders';

/** Shaders that the backend keeps compiled. */
const pipelines = (): number =>
  Object.keys((tf.backend() as unknown as { pipelineCache: Record<string, unknown> }).pipelineCache).length;

async function runAll(rows: number): Promise<void> {
  const [depth, columns] = [12, 20];
  const x = randomValues([rows, depth], 30);
  const weight = randomValues([depth, columns], 31);
  const bias = randomValues([columns], 32);
  const dy = randomValues([rows, columns], 33);
  const normWeight = randomValues([depth], 34);
  const attributes = { epsilon: 1e-5, padRow: 'none' } as const;
  await runKernel(kernelNames.linear, { x, weight, bias }, { gelu: true });
  await runKernel(kernelNames.linearInputGradient, { dy, weight }, {});
  await runKernel(kernelNames.linearWeightGradient, { x, dy }, {});
  await runKernel(kernelNames.gelu, { x }, {});
  await runKernel(kernelNames.geluGradient, { x, dy: x }, {});
  await runKernel(kernelNames.layerNorm, { x, weight: normWeight, bias: normWeight }, attributes);
  await runKernel(kernelNames.layerNormGradient, { x, weight: normWeight, dy: x }, attributes);
}

describe('products, activations and norms on webgpu', () => {
  const errors: string[] = [];
  beforeAll(async () => {
    await startBackend('webgpu', loaders);
    const { device } = tf.backend() as unknown as { device: EventTarget };
    device.addEventListener('uncapturederror', (event) => {
      errors.push((event as Event & { error: { message: string } }).error.message);
    });
    await webgpuKernels.install();
  });
  productKernelCases();
  activationKernelCases();
  normKernelCases();

  test('other row counts compile nothing', async () => {
    await runAll(49);
    const before = pipelines();
    expect(before).toBeGreaterThan(0);
    // 1, 12 and 20 equal a side or are broadcast: the backend compiles its own programs anew for such
    for (const rows of [1, 2, 12, 20, 50, 98, 1200]) await runAll(rows);
    expect(pipelines() - before, 'pipelines compiled for other row counts').toBe(0);
  });

  test('the device reported no error, as of a shader that does not compile', () => {
    expect(errors).toEqual([]);
  });
});
