import { createSwin } from '@sparsevit/backbone';
import type { Engine, EngineValue, Plan } from '@sparsevit/engine';
import { createEngine } from '@sparsevit/engine';
import type { Sparsity, SwinArchitecture } from '@sparsevit/windows';
import { checkSparsity, createWindowGrid, sparsityModes, uniformSparsity } from '@sparsevit/windows';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bitsOf } from './cases/bits';
import { pixelsOf, randomCheckpoint } from './cases/checkpoint';

const checkpoint = randomCheckpoint();
const { architecture } = checkpoint;
type Shape = readonly [number, number, number, number];
const shape: Shape = [1, 64, 96, 3];

interface NodeWorker {
  terminate(): Promise<number>;
}
/** Every worker that was started while the test runs. */
const started: NodeWorker[] = [];
const workerThreads = process.getBuiltinModule('node:worker_threads') as {
  Worker: new (...given: never[]) => NodeWorker;
};
const { Worker } = workerThreads;

beforeEach(() => {
  started.length = 0;
  workerThreads.Worker = class extends Worker {
    constructor(...given: never[]) {
      super(...given);
      started.push(this);
    }
  };
});
afterEach(() => {
  workerThreads.Worker = Worker;
});

async function withEngine<Result>(threads: number, run: (engine: Engine) => Promise<Result>): Promise<Result> {
  const engine = await createEngine({ threads });
  try {
    return await run(engine);
  } finally {
    await engine.dispose();
  }
}

const compileSwin = (
  engine: Engine,
  sparsity: Sparsity | null,
  of: Shape = shape,
): Plan<{ features: readonly unknown[] }> => {
  const model = createSwin(engine.ops, checkpoint);
  return engine.compile((image) => model.forward(image, { sparsity }), { shape: of });
};

describe.each([1, 2])('%i threads', (threads) => {
  test('plans of one model share its weights, whatever their sparsity and shape', () =>
    withEngine(threads, async (engine) => {
      const model = createSwin(engine.ops, checkpoint);
      const compile = (sparsity: Sparsity | null, of: Shape) =>
        engine.compile((image) => model.forward(image, { sparsity }), { shape: of });
      const first = compile(null, shape);
      const packed = engine.usedBytes;
      const others = [0.2, 0.4, 0.8].map((ratio) => compile(uniformSparsity(architecture, ratio), [2, 50, 70, 3]));
      expect(engine.usedBytes).toBe(packed);
      for (const plan of [first, ...others]) {
        const { features } = await plan.run(pixelsOf(plan.shape));
        expect(features.every((map) => map?.values.every(Number.isFinite))).toBe(true);
      }
    }));

  test('runSync gives the bits of run, and of another run', () =>
    withEngine(threads, async (engine) => {
      const plan = compileSwin(engine, uniformSparsity(architecture, 0.5));
      const pixels = pixelsOf(shape);
      const first = bitsOf(plan.runSync(pixels));
      expect(bitsOf(await plan.run(pixels))).toBe(first);
      expect(bitsOf(plan.runSync(pixels))).toBe(first);
    }));

  test('runs that are asked for together go one after the other', () =>
    withEngine(threads, async (engine) => {
      const sparse = uniformSparsity(architecture, 0.6);
      const plans = [compileSwin(engine, null), compileSwin(engine, sparse, [1, 40, 40, 3])];
      const alone: string[] = [];
      for (const plan of plans) alone.push(bitsOf(await plan.run(pixelsOf(plan.shape))));
      const order = [...plans, ...plans.toReversed()];
      const together = await Promise.all(order.map((plan) => plan.run(pixelsOf(plan.shape))));
      expect(together.map(bitsOf)).toEqual([...alone, ...alone.toReversed()]);
    }));

  test('a threshold keeps as many windows as are good enough, which is data', () =>
    withEngine(threads, async (engine) => {
      const model = createSwin(engine.ops, checkpoint);
      const keptAt = async (threshold: number): Promise<{ kept: number[]; scores: number[] }> => {
        const sparsity = checkSparsity(architecture, {
          thresholds: architecture.depths.map(() => threshold),
          ...sparsityModes.clean,
        });
        const plan = engine.compile((image) => model.forward(image, { sparsity, wantsWindows: true }), { shape });
        const [first] = (await plan.run(pixelsOf(shape))).windows;
        if (first?.selection.kind !== 'counted') throw new Error('expected a counted selection');
        return { kept: [...(first.selection.ids?.values ?? [])], scores: [...(first.scores?.values ?? [])] };
      };
      const all = await keptAt(0);
      expect(all.kept).toHaveLength(windowsOfFirstStage());
      const ranked = all.kept.map((id) => (all.scores[id] ?? 0) / architecture.window);
      expect(ranked).toEqual(ranked.toSorted((a, b) => b - a));
      expect((await keptAt(ranked[4] ?? 0)).kept).toEqual(all.kept.slice(0, 5));
      expect((await keptAt(1e9)).kept).toEqual(all.kept.slice(0, 1)); // minKept of the clean mode
    }));

  test('an aborted run rejects with the reason at once, and the next one works', () =>
    withEngine(threads, async (engine) => {
      const plan = compileSwin(engine, null, [4, 400, 400, 3]);
      const pixels = pixelsOf(plan.shape);
      const reason = new Error('changed my mind');
      const controller = new AbortController();
      const stopped = plan.run(pixels, { signal: controller.signal });
      setTimeout(() => controller.abort(reason), 30);
      await expect(stopped).rejects.toBe(reason);
      await expect(plan.run(pixels, { signal: controller.signal })).rejects.toBe(reason);
      const { features } = await plan.run(pixels);
      expect(features).toHaveLength(architecture.depths.length);
    }));

  test('runs that were asked for before their plan is disposed end first', () =>
    withEngine(threads, async (engine) => {
      const plan = compileSwin(engine, uniformSparsity(architecture, 0.5));
      const pixels = pixelsOf(shape);
      const alone = bitsOf(await plan.run(pixels));
      const runs = [plan.run(pixels), plan.run(pixels), plan.profile(pixels)] as const;
      plan.dispose();
      const late = plan.run(pixels);
      await expect(late).rejects.toThrow(/after dispose\(\)/);
      expect([bitsOf(await runs[0]), bitsOf(await runs[1])]).toEqual([alone, alone]);
      expect((await runs[2]).calls).not.toHaveLength(0);
    }));

  test('a profile has every call, a document every task and buffer', () =>
    withEngine(threads, async (engine) => {
      const plan = compileSwin(engine, uniformSparsity(architecture, 0.5));
      const { totalMs, calls } = await plan.profile(pixelsOf(shape));
      expect(totalMs).toBeGreaterThan(0);
      const document = plan.toJSON();
      expect(calls.map(({ kernel }) => kernel)).toEqual(
        document.tasks.flatMap((task) => task.calls.map(({ kernel }) => kernel)),
      );
      expect(calls.reduce((sum, { macs }) => sum + macs, 0)).toBe(document.macs);
      expect(calls.every(({ threadMs }) => threadMs >= 0)).toBe(true);
      expect(calls.some(({ threadMs }) => threadMs > 0)).toBe(true);
      for (const a of document.buffers) {
        for (const b of document.buffers) {
          const areTogether = a !== b && a.firstTask <= b.lastTask && b.firstTask <= a.lastTask;
          if (areTogether) expect(a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset).toBe(true);
        }
        expect(a.offset + a.bytes).toBeLessThanOrEqual(document.arenaBytes);
      }
      expect(JSON.parse(JSON.stringify(plan))).toEqual(JSON.parse(JSON.stringify(document)));
    }));

  test('what is asked for wrongly is refused, and the engine goes on', () =>
    withEngine(threads, async (engine) => {
      const model = createSwin(engine.ops, checkpoint);
      const forward = (image: Parameters<typeof model.forward>[0]) => model.forward(image, {});
      const plan = engine.compile(forward, { shape });
      await expect(plan.run(new Float32Array(5))).rejects.toThrow(
        /expected a Float32Array of 18432 values .* got 5 values/,
      );
      await expect(plan.run([1, 2] as never)).rejects.toThrow(/got \[object Array\]/);
      expect(() => plan.runSync(new Float32Array(0))).toThrow(/got 0 values/);
      expect(() => engine.compile(forward, { shape: [1, 2, 2, 3] })).toThrow(/at least one patch/);
      expect(() => engine.compile(forward, { shape: [1, 64.5, 64, 3] })).toThrow(/expected the shape \[B, H, W, 3\]/);
      expect(() => engine.compile(forward, { shape: [0, 64, 64, 3] })).toThrow(/expected the shape \[B, H, W, 3\]/);
      expect(() => engine.compile(() => model.weights, { shape })).toThrow(/returns maps, got weights/);
      expect(() => engine.ops.layerNorm(model.weights.patchEmbed.norm.weight, model.weights.patchEmbed.norm)).toThrow(
        /inside of compile\(\)/,
      );
      expect(() => engine.compile(() => engine.compile(forward, { shape }), { shape })).toThrow(
        /one recording at a time/,
      );
      const factors = { attention: Float32Array.of(1), mlp: Float32Array.of(1) };
      const dropPath = architecture.depths.map((depth) => Array.from({ length: depth }, () => factors));
      expect(() => engine.compile((image) => model.forward(image, { dropPath }), { shape })).toThrow(
        /only training needs/,
      );
      const { features } = await plan.run(pixelsOf(shape));
      expect(features).toHaveLength(architecture.depths.length);
      plan.dispose();
      plan.dispose();
      await expect(plan.run(pixelsOf(shape))).rejects.toThrow(/after dispose\(\). Compile it again/);
      const late = engine.compile(forward, { shape });
      model.dispose();
      await expect(late.run(pixelsOf(shape))).rejects.toThrow(
        /patchEmbed.projection.weight after it was freed. Dispose a model after/,
      );
      expect(() => engine.compile(forward, { shape })).toThrow(/dispose/);
    }));

  test('memory is given back with plans and models', () =>
    withEngine(threads, async (engine) => {
      const sizes: number[] = [];
      let memoryBytes = 0;
      for (let round = 0; round < 60; round++) {
        const model = createSwin(engine.ops, checkpoint);
        const sparsity = uniformSparsity(architecture, (round % 9) / 10);
        const side = 40 + 8 * (round % 7);
        const plan = engine.compile((image) => model.forward(image, { sparsity }), {
          shape: [1 + (round % 2), side, 64, 3],
        });
        await plan.run(pixelsOf(plan.shape));
        plan.dispose();
        model.dispose();
        await Promise.resolve();
        sizes.push(engine.usedBytes);
        if (round === 20) memoryBytes = engine.memoryBytes;
      }
      const last = compileSwin(engine, null);
      last.dispose();
      expect(Math.max(...sizes.slice(20))).toBe(Math.max(...sizes.slice(0, 20)));
      expect(engine.memoryBytes).toBe(memoryBytes);
    }));
});

test('rows of windows belong to their body', () =>
  withEngine(1, async (engine) => {
    const { ops } = engine;
    const weight = (name: string, ...sides: number[]) =>
      ops.fromWeights(new Float32Array(sides.reduce((product, side) => product * side, 1)), sides, name);
    const norm = { weight: weight('norm.weight', 3), bias: weight('norm.bias', 3) };
    const square = { weight: weight('square.weight', 3, 3), bias: null };
    const rules = { pad: 'after-norm', shift: 'pad-then-roll', shiftOff: 'never' } as const;
    const grid = createWindowGrid({ batch: 1, height: 8, width: 8, window: 4, isShifted: false, rules });
    const all = { kind: 'all' } as const;
    const trace = (run: (image: EngineValue) => unknown) => () => engine.compile(run, { shape: [1, 8, 8, 3] });
    const kept: EngineValue[] = [];
    const keep = (image: EngineValue): EngineValue =>
      ops.mapWindows(image, all, grid, ({ tokens }) => {
        kept.push(tokens);
        return tokens;
      });
    expect(trace((image) => [keep(image), ops.layerNorm(kept[0] ?? image, norm)])).toThrow(/a use outside/);
    expect(trace((image) => ops.mapWindows(keep(image), all, grid, () => kept.at(-1) ?? image))).toThrow(
      /a use outside/,
    );
    expect(trace((image) => ops.mapWindows(image, all, grid, () => image))).toThrow(/returns the rows of its tokens/);
    const withResidual = (residual: EngineValue) => (image: EngineValue) =>
      ops.mapWindows(image, all, grid, ({ tokens }) => ops.linear(tokens, square, { residual }));
    expect(trace((image) => [keep(image), withResidual(kept.at(-1) ?? image)(image)])).toThrow(/a use outside/);
    const nested = (image: EngineValue): EngineValue => ops.mapWindows(image, all, grid, () => keep(image));
    expect(trace(nested)).toThrow(/one inside another/);
    const scaled = (image: EngineValue): EngineValue =>
      ops.mapWindows(image, all, grid, (batch) => ops.expandPerImage(batch, Float32Array.of(1)));
    expect(trace(scaled)).toThrow(/only training needs/);
    expect(trace((image) => ops.linear(image, { weight: image, bias: null }))).toThrow(/linear: expected rows/);
    expect(() => ops.fromWeights(new Float32Array(3), [2, 2], 'short')).toThrow(
      /expected 4 values for short \[2, 2\], got 3/,
    );
    expect(trace(() => ops.patchMerging(norm.weight, { norm, reduction: square }))).toThrow(/expected a map/);
    const plan = trace(keep)(); // and it goes on
    expect(((await plan.run(new Float32Array(192).fill(2))) as { values: Float32Array }).values).toEqual(
      new Float32Array(192).fill(2),
    );
    expect(
      trace((image) => [
        ops.layerNorm(image, norm),
        ops.mapWindows(image, all, grid, (batch) => ops.linear(batch.tokens, { weight: norm.weight, bias: null })),
      ]),
    ).toThrow(/linear: expected weights/);
  }));

test('after dispose an engine refuses, and its threads are gone', async () => {
  const engine = await createEngine({ threads: 3 });
  const plan = compileSwin(engine, null);
  await plan.run(pixelsOf(shape));
  expect(started).toHaveLength(3);
  await engine.dispose();
  await engine.dispose();
  await expect(plan.run(pixelsOf(shape))).rejects.toThrow(/after dispose\(\). Make another/);
  expect(() => compileSwin(engine, null)).toThrow(/after dispose/);
});

test('a thread that is killed in a run is an error, and the next run has a new one', () =>
  withEngine(3, async (engine) => {
    const plan = compileSwin(engine, null, [4, 400, 400, 3]);
    const pixels = pixelsOf(plan.shape);
    const whole = bitsOf(await plan.run(pixels));
    for (const victim of [0, 2]) {
      const lost = plan.run(pixels);
      setTimeout(() => void started[started.length - 3 + victim]?.terminate(), 20);
      await expect(lost).rejects.toThrow(/a thread ended while it ran: .* Run again/);
      expect(bitsOf(await plan.run(pixels))).toBe(whole);
    }
    expect(started).toHaveLength(5);
  }));

test('a thread that is killed between runs is replaced', () =>
  withEngine(2, async (engine) => {
    const plan = compileSwin(engine, null);
    const whole = bitsOf(await plan.run(pixelsOf(shape)));
    await started[0]?.terminate();
    expect(bitsOf(await plan.run(pixelsOf(shape)))).toBe(whole);
  }));

test.each([0, 1.5, -1, 1000, Number.NaN])('%d threads are refused', async (threads) => {
  await expect(createEngine({ threads })).rejects.toThrow(/expected 1 to 256 threads/);
});

test('without shared memory there is one thread, and the reason', async () => {
  const shared = globalThis.SharedArrayBuffer;
  try {
    (globalThis as { SharedArrayBuffer?: unknown }).SharedArrayBuffer = undefined;
    await withEngine(2, async (engine) => {
      expect(engine).toMatchObject({ threads: 1, whyOneThread: 'SharedArrayBuffer is missing' });
      const { features } = await compileSwin(engine, null).run(pixelsOf(shape));
      expect(features).toHaveLength(architecture.depths.length);
      expect(started).toHaveLength(0);
    });
  } finally {
    globalThis.SharedArrayBuffer = shared;
  }
});

test('without relaxed SIMD the other build runs; without SIMD the error says what is missing', async () => {
  const { validate } = WebAssembly;
  const relaxed = /relaxed/;
  try {
    let refused = 1;
    WebAssembly.validate = (bytes) => refused-- <= 0 && validate(bytes); // the first that is asked about is the relaxed one
    const engine = await createEngine({ threads: 1 });
    expect(engine.build).not.toMatch(relaxed);
    await compileSwin(engine, null).run(pixelsOf(shape));
    await engine.dispose();
    WebAssembly.validate = () => false;
    await expect(createEngine({ threads: 1 })).rejects.toThrow(/expected WebAssembly with SIMD/);
  } finally {
    WebAssembly.validate = validate;
  }
});

function windowsOfFirstStage(): number {
  const { patchSize, window }: SwinArchitecture = architecture;
  return Math.ceil(shape[1] / patchSize / window) * Math.ceil(shape[2] / patchSize / window);
}
