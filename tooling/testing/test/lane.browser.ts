import { describe, expect, inject, it } from 'vitest';
import { loadGolden, missingGoldens } from '../src/index';

// What every browser suite builds on: files over the test server, and a GPU adapter.
describe('browser lane', () => {
  it('reads every golden file that this machine has a path for', async () => {
    const names = Object.keys(inject('goldens')).filter((name) => name.startsWith('swin-torchvision-w5/'));
    expect(names).toHaveLength(3);
    for (const name of names) expect((await loadGolden(name))?.byteLength).toBeGreaterThan(1000);
  });

  it('gives null for a golden file that is nowhere', async () => {
    expect(await loadGolden('nowhere/at-all.safetensors')).toBeNull();
    expect(missingGoldens(['nowhere/at-all.safetensors'])).toContain('needs ../shared/goldens');
  });

  it("serves the binaries of TF.js's wasm backend", async () => {
    const response = await fetch(`${inject('wasmPath')}tfjs-backend-wasm-simd.wasm`);
    expect([...new Uint8Array(await response.arrayBuffer()).subarray(0, 4)]).toEqual([0, 0x61, 0x73, 0x6d]);
  });

  it('has a WebGPU adapter', async () => {
    expect('gpu' in navigator).toBe(true);
    const gpu: { requestAdapter(): Promise<unknown> } = Reflect.get(navigator, 'gpu');
    expect(await gpu.requestAdapter()).not.toBeNull();
  });
});
