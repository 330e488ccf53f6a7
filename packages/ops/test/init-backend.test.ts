import type { BackendEvent, InitBackendOptions } from '@sparsevit/ops';
import { initBackend, linear, withoutKernels } from '@sparsevit/ops';
import { expectAllclose } from '@sparsevit/testing';
import { BackendError, ConfigError, kernelNames } from '@sparsevit/windows';
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { linearPack, refusingPack } from './fake-packs';

const load = {
  cpu: async () => tf.registerBackend('cpu', () => new MathBackendCPU()), // its package is imported above
  wasm: () => import('@tensorflow/tfjs-backend-wasm'),
};
const onWasm = (options: InitBackendOptions = {}): ReturnType<typeof initBackend> =>
  initBackend({ prefer: 'wasm', load, ...options });

/** Runs it and writes down its events. */
async function recorded(options: InitBackendOptions): Promise<{
  report: Awaited<ReturnType<typeof initBackend>>;
  events: BackendEvent[];
}> {
  const events: BackendEvent[] = [];
  const report = await initBackend({ load, ...options, onEvent: (event) => events.push(event) });
  return { report, events };
}

/** Adapters that a browser could have. */
const adapters = {
  card: { info: { vendor: 'acme', architecture: 'turbo', description: 'Acme 9000' } },
  nameless: { info: { vendor: '', architecture: '' } },
  swiftshader: { info: { vendor: 'google', architecture: 'swiftshader', description: '' } },
  llvmpipe: { info: { vendor: 'mesa', architecture: '', description: 'llvmpipe (LLVM 15.0.6, 256 bits)' } },
  fallback: { info: { vendor: 'acme', architecture: 'soft', isFallbackAdapter: true } },
  oldFallback: { isFallbackAdapter: true, info: { vendor: 'acme' } },
};
const gpuOf = (adapter: object | null): object => ({ requestAdapter: async () => adapter });
/** What the package of the backend does when it is imported: it registers itself. */
const loadWebGpu = async (): Promise<void> => {
  tf.registerBackend('webgpu', () => new MathBackendCPU());
};
const withWebGpu = { ...load, webgpu: loadWebGpu };

afterEach(() => {
  vi.unstubAllGlobals();
  if (tf.findBackendFactory('webgpu') !== null) tf.removeBackend('webgpu');
});

describe('without a backend', () => {
  beforeAll(() => tf.removeBackend('cpu'));

  it.each(['wasm', 'cpu'] as const)('%s asked for: says how to import it', async (name) => {
    const started = initBackend({ prefer: name });
    await expect(started).rejects.toThrow(BackendError);
    await expect(started).rejects.toThrow(
      `Import '@tensorflow/tfjs-backend-${name}', or give \`load: { ${name}: () => import(`,
    );
  });

  it('a list: names each with its reason', async () => {
    const started = initBackend({ prefer: ['wasm', 'cpu'], load: { cpu: () => Promise.reject(new Error('offline')) } });
    await expect(started).rejects.toThrow(
      /expected one of wasm, cpu to start, got none\. wasm: expected.*cpu: expected.*\(offline\)/,
    );
  });

  it('a package that cannot be imported: says what to install, and keeps the cause', async () => {
    const cause = new Error('Cannot find package');
    const started = initBackend({ prefer: 'wasm', load: { wasm: () => Promise.reject(cause) } });
    await expect(started).rejects.toMatchObject({ code: 'backend', cause });
    await expect(started).rejects.toThrow('npm install @tensorflow/tfjs-backend-wasm');
  });

  it('a loader that registers nothing', async () => {
    const started = initBackend({ prefer: 'wasm', load: { wasm: async () => {} } });
    await expect(started).rejects.toThrow(/wasm: expected its loader to register the backend/);
  });
});

describe('the choice', () => {
  it('takes the first that works and remembers why the others were refused', async () => {
    const { report, events } = await recorded({});
    expect(report).toMatchObject({
      backend: 'wasm',
      detail: expect.stringMatching(/^(no )?SIMD, \d+ threads?$/),
      chosenBecause: 'the first of webgpu, wasm, cpu that works here',
      refused: [{ backend: 'webgpu', reason: expect.stringMatching(/^webgpu: expected .*got neither\. Import/) }],
      packs: [],
      refusedPacks: [],
      selfCheck: null,
      tensorFlowVersion: tf.version_core,
    });
    expect(events.map(({ type }) => type)).toEqual(['backend-refused', 'backend-started']);
    expect(tf.getBackend()).toBe('wasm');
  });

  it('follows the order of the list', async () => {
    const { report } = await recorded({ prefer: ['cpu', 'wasm'] });
    expect(report).toMatchObject({ backend: 'cpu', detail: 'plain JavaScript', refused: [] });
    expect(report.chosenBecause).toBe('the first of cpu, wasm that works here');
    expect((await onWasm()).chosenBecause).toBe('asked for by name');
  });

  it('needs no loader for a backend that is registered', async () => {
    expect((await initBackend({ prefer: 'cpu' })).backend).toBe('cpu');
  });

  it.each([[[]], [['webgl']], ['webgl']])('refuses prefer: %j', async (prefer) => {
    const started = initBackend({ prefer: prefer as unknown as 'wasm' });
    await expect(started).rejects.toThrow(ConfigError);
    await expect(started).rejects.toThrow(/expected prefer to name backends of webgpu, wasm, cpu, got/);
  });

  it.each([
    ['an error', new TypeError('no device')],
    ['a plain object, as wasm does', { message: 'no device' }],
  ])(
    'a backend that fails to start with %s: the reason, nothing printed, the one before is active',
    async (_, cause) => {
      await onWasm();
      vi.stubGlobal('navigator', { gpu: gpuOf(adapters.card) });
      const broken = async (): Promise<void> => {
        tf.registerBackend('webgpu', () => Promise.reject(cause));
      };
      const started = initBackend({ prefer: 'webgpu', load: { webgpu: broken } });
      await expect(started).rejects.toThrow(/webgpu: expected the backend to start, got an error \(no device\)/);
      await expect(started).rejects.toMatchObject({ cause });
      expect(tf.getBackend()).toBe('wasm');
      expect(tf.add(1, 1).dataSync()[0]).toBe(2);
      expect(tf.env().getBool('PROD')).toBe(false);
    },
  );

  it('calls at the same time run one after the other', async () => {
    const [first, second] = await Promise.all([initBackend({ prefer: 'cpu', load }), onWasm()]);
    expect([first.backend, second.backend]).toEqual(['cpu', 'wasm']);
    expect(tf.getBackend()).toBe('wasm');
  });

  it('goes on after a call that failed', async () => {
    const failed = initBackend({ prefer: 'webgpu' });
    const next = onWasm();
    await expect(failed).rejects.toThrow(BackendError);
    expect((await next).backend).toBe('wasm');
  });
});

describe('webgpu', () => {
  it.each([
    ['card', 'Acme 9000, turbo'],
    ['nameless', 'unnamed adapter'],
  ] as const)('a graphics card is taken: %s', async (name, detail) => {
    vi.stubGlobal('navigator', { gpu: gpuOf(adapters[name]) });
    const { report } = await recorded({ load: withWebGpu });
    expect(report).toMatchObject({ backend: 'webgpu', detail, refused: [] });
  });

  it.each(['swiftshader', 'llvmpipe', 'fallback', 'oldFallback'] as const)(
    'an adapter that the processor plays is taken only by name: %s',
    async (name) => {
      vi.stubGlobal('navigator', { gpu: gpuOf(adapters[name]) });
      const { report } = await recorded({ load: withWebGpu });
      expect(report.backend).toBe('wasm');
      expect(report.refused[0]?.reason).toMatch(
        /expected a graphics card, got one that the processor plays \(.*, software\), slower/,
      );
      const asked = await recorded({ prefer: 'webgpu', load: withWebGpu });
      expect(asked.report).toMatchObject({ backend: 'webgpu', detail: expect.stringMatching(/, software$/) });
    },
  );

  it.each([
    ['none', async () => null, /got none on this machine/],
    ['an error', () => Promise.reject(new TypeError('no driver')), /got a refusal \(no driver\)/],
  ])('without an adapter (%s): an error by name, the next one in a list', async (_, requestAdapter, pattern) => {
    vi.stubGlobal('navigator', { gpu: { requestAdapter } });
    await expect(initBackend({ prefer: 'webgpu', load: withWebGpu })).rejects.toThrow(BackendError);
    const { report } = await recorded({ load: withWebGpu });
    expect(report.backend).toBe('wasm');
    expect(report.refused[0]?.reason).toMatch(pattern);
  });

  it('a package that was imported before its WebGPU was there registers nothing', async () => {
    vi.stubGlobal('navigator', { gpu: gpuOf(adapters.card) });
    const started = initBackend({ prefer: 'webgpu', load: { webgpu: async () => {} } });
    await expect(started).rejects.toThrow(/imported before this machine's WebGPU was there/);
  });
});

describe('webgpu in Node', () => {
  const navigator = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  afterEach(() => {
    if (navigator === undefined) Reflect.deleteProperty(globalThis, 'navigator');
    else if (globalThis.navigator) Reflect.deleteProperty(globalThis.navigator, 'gpu');
    Reflect.deleteProperty(globalThis, 'FakeGpuGlobal');
  });
  const dawnOf = (gpu: object): object => ({ create: () => gpu, globals: { FakeGpuGlobal: 1 } });
  const byName = (loadDawn: () => Promise<unknown>): ReturnType<typeof initBackend> =>
    initBackend({ prefer: 'webgpu', load: withWebGpu, loadDawn });

  it('comes from the package of that name', async () => {
    const gpu = gpuOf(adapters.card);
    expect((await byName(async () => dawnOf(gpu))).detail).toBe('Acme 9000, turbo');
    expect((globalThis.navigator as { gpu?: object }).gpu).toBe(gpu);
    expect(globalThis.navigator.userAgent).toBeTruthy();
    expect(globalThis).toHaveProperty('FakeGpuGlobal');
  });

  it('leaves nothing behind where its adapter is refused', async () => {
    const { report } = await recorded({
      load: withWebGpu,
      loadDawn: async () => dawnOf(gpuOf(adapters.swiftshader)),
    });
    expect(report.backend).toBe('wasm');
    expect(globalThis).not.toHaveProperty('FakeGpuGlobal');
    expect((globalThis.navigator as { gpu?: object } | undefined)?.gpu).toBeUndefined();
  });

  it('is not looked for without a backend to run on it', async () => {
    const loadDawn = vi.fn();
    await expect(initBackend({ prefer: 'webgpu', loadDawn })).rejects.toThrow(/got neither/);
    expect(loadDawn).not.toHaveBeenCalled();
  });

  const missing = Object.assign(new Error("Cannot find package 'webgpu'"), { code: 'ERR_MODULE_NOT_FOUND' });
  const failing = {
    create: () => {
      throw new Error('libvulkan');
    },
    globals: {},
  };
  it.each([
    ['is not installed', () => Promise.reject(missing), /got none in this Node\. Run `npm install webgpu`/],
    ['cannot be loaded', () => Promise.reject(new Error('GLIBC_2.35')), /to load, got .*\(GLIBC_2\.35\)/],
    ['cannot be started', async () => failing, /to start, got an error of its binary \(libvulkan\)/],
    ['is another package', async () => ({}), /to export create\(\) and globals/],
  ])('the package %s', async (_, loadDawn, pattern) => {
    await expect(byName(loadDawn)).rejects.toThrow(BackendError);
    await expect(byName(loadDawn)).rejects.toThrow(pattern);
  });
});

describe('packs', () => {
  afterEach(() => onWasm({ packs: [] }));
  const x = [1, 2, 3, 4];
  const product = (): Float32Array =>
    tf.tidy(() => linear(tf.tensor2d(x, [2, 2]), { weight: tf.ones([2, 2]), bias: null }).dataSync() as Float32Array);

  it('are installed for the chosen backend only, and compared', async () => {
    const pack = linearPack('right', { detail: 'quick' });
    const other = { ...linearPack('other'), backend: 'webgpu' as const };
    const { report, events } = await recorded({ prefer: 'wasm', packs: [other, pack] });
    expect(report.packs).toEqual([{ name: 'right', detail: 'quick', kernels: [kernelNames.linear] }]);
    expect(report.refusedPacks).toEqual([]);
    expect(report.selfCheck?.largestDifference).toBeLessThan(1e-4);
    expect(events).toEqual([
      { type: 'backend-started', backend: 'wasm', detail: report.detail },
      { type: 'pack-installed', pack: 'right', detail: 'quick' },
      { type: 'self-check-passed', pack: 'right', largestDifference: report.selfCheck?.largestDifference },
    ]);
    const before = pack.calls();
    expect(before).toBeGreaterThan(3);
    expectAllclose(product(), [3, 3, 7, 7]);
    expect(pack.calls()).toBe(before + 1);
    withoutKernels(product);
    expect(pack.calls()).toBe(before + 1);
  });

  it('stay one when installed twice, and the report is the same', async () => {
    const pack = linearPack('right');
    const first = await onWasm({ packs: [pack] });
    expect(await onWasm({ packs: [pack] })).toEqual(first);
    await onWasm({ packs: [] });
    expect(tf.getKernel(kernelNames.linear, 'wasm')).toBeUndefined();
  });

  it('stay where a later call names none, and go where it names others', async () => {
    const [first, second] = [linearPack('first'), linearPack('second', { kernelName: kernelNames.gelu })];
    await onWasm({ packs: [first] });
    expect((await onWasm()).packs.map(({ name }) => name)).toEqual(['first']);
    expect((await initBackend({ prefer: 'cpu', load, packs: [] })).packs).toEqual([]);
    expect(first.isInstalled()).toBe(true); // it is for wasm, and in nobody's way on cpu
    await onWasm({ packs: [second], selfCheck: false });
    expect([first.isInstalled(), second.isInstalled()]).toEqual([false, true]);
    await onWasm({ packs: [] });
    expect(second.isInstalled()).toBe(false);
    expect((await onWasm()).packs).toEqual([]);
  });

  it('that refuse the machine are left out, and said', async () => {
    const refusal = new BackendError('pack: expected relaxed SIMD, got none. Update the browser.');
    const { report, events } = await recorded({ prefer: 'wasm', packs: [refusingPack(refusal)] });
    expect(report.packs).toEqual([]);
    expect(report.refusedPacks).toEqual([{ name: 'refusing', reason: refusal.message }]);
    expect(report.selfCheck).toBeNull();
    expect(events).toContainEqual({ type: 'pack-refused', pack: 'refusing', reason: refusal.message });
    expectAllclose(product(), [3, 3, 7, 7]);
  });

  it('with a bug end in an error', async () => {
    await expect(onWasm({ packs: [refusingPack(new TypeError('x is undefined'))] })).rejects.toThrow(TypeError);
  });

  const crash = (): never => {
    throw new WebAssembly.RuntimeError('unreachable');
  };
  it.each([
    ['a value is wrong', (y: tf.Tensor) => tf.add(y, 1e-3), /got a difference of 0\.00\d+ in a /, 1e-3],
    ['a NaN comes out', (y: tf.Tensor) => tf.mul(y, Number.NaN), /got NaN or infinite values in a linear/, Infinity],
    ['a shape is wrong', (y: tf.Tensor) => tf.transpose(y), /the shape \[12, 13\] instead of \[13, 12\]/, Infinity],
    ['it crashes', crash, /an error in a linear layer \(unreachable\)/, Infinity],
  ])('that compute something else are taken out: %s', async (_, spoil, pattern, difference) => {
    const wrong = linearPack('wrong', { spoil });
    const right = linearPack('right');
    const { report, events } = await recorded({ prefer: 'wasm', packs: [wrong, right] });
    expect(wrong.isInstalled()).toBe(false);
    expect(report.packs.map(({ name }) => name)).toEqual(['right']);
    expect(report.refusedPacks).toEqual([{ name: 'wrong', reason: expect.stringMatching(pattern) }]);
    expect(report.selfCheck?.largestDifference).toBeLessThan(1e-4);
    const failure = events.find((event) => event.type === 'self-check-failed');
    expect(failure).toMatchObject({ pack: 'wrong', reason: expect.stringMatching(pattern) });
    expect(failure?.largestDifference).toBeGreaterThanOrEqual(0.9 * difference);
    expectAllclose(product(), [3, 3, 7, 7]);
  });

  it('are not compared when that is switched off', async () => {
    const wrong = linearPack('wrong', { spoil: (y) => tf.add(y, 1) });
    const { report } = await recorded({ prefer: 'wasm', packs: [wrong], selfCheck: false });
    expect(report.selfCheck).toBeNull();
    expect(wrong.calls()).toBe(0);
    expectAllclose(product(), [4, 4, 8, 8]);
  });

  it('a wrong kernel of every op is noticed', async () => {
    // Each is wrong, of the right shape.
    const broken: [string, (inputs: Record<'x' | 'magnitude' | 'index', tf.Tensor>) => tf.Tensor][] = [
      [kernelNames.gelu, ({ x }) => tf.mul(x, 0.5)],
      [kernelNames.magnitude, ({ x }) => tf.max(x, -1)],
      [kernelNames.windowScores, ({ magnitude }) => tf.ones([magnitude.shape[0] ?? 0, 6])],
      [kernelNames.selectWindows, () => tf.tensor2d([0, 1, 2, 0, 1, 2], [2, 3], 'int32')],
      [kernelNames.gatherRows, ({ x, index }) => tf.ones([index.size, x.shape[1] ?? 0])],
    ];
    for (const [kernelName, compute] of broken) {
      const kernelFunc: tf.KernelFunc = ({ inputs }) => compute(inputs as Parameters<typeof compute>[0]);
      const pack = {
        name: kernelName,
        backend: 'wasm' as const,
        install: async () => {
          tf.registerKernel({ kernelName, backendName: 'wasm', kernelFunc });
          return { detail: '', kernels: [], uninstall: () => tf.unregisterKernel(kernelName, 'wasm') };
        },
      };
      const { refusedPacks } = await onWasm({ packs: [pack] });
      expect(refusedPacks.map(({ name }) => name)).toEqual([kernelName]);
    }
  });
});

it('leaves no tensors behind, whatever the outcome', async () => {
  await onWasm();
  const before = tf.memory().numTensors;
  await onWasm({ packs: [linearPack('right')] });
  await onWasm({ packs: [] });
  await onWasm({ packs: [linearPack('wrong', { spoil: (y) => tf.add(y, 1) })] });
  expect(tf.memory().numTensors).toBe(before);
});
