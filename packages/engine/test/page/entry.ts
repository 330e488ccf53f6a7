/** What the page of the test runs: a small model in the engine, its result as bits. */

import { createSwin } from '@sparsevit/backbone';
import { createEngine } from '@sparsevit/engine';
import { uniformSparsity } from '@sparsevit/windows';
import { pixelsOf, randomCheckpoint } from '../cases/checkpoint';

/** What is asked of the page. */
export interface PageTask {
  readonly threads: number;
  readonly workerUrl?: string;
  /** Aborts a long run after so many milliseconds. */
  readonly abortAfterMs?: number;
}

/** What it found. */
export interface PageFindings {
  readonly threads: number;
  readonly whyOneThread: string | null;
  readonly build: string;
  readonly isIsolated: boolean;
  /** Values of the last stage. */
  readonly values: number[];
  /** How often a timer of the page fired during a long run: never, if the run held the page up. */
  readonly ticks: number;
  /** Milliseconds from the abort to the rejection; null where nothing was aborted. */
  readonly abortMs: number | null;
}

const shape = [1, 112, 144, 3] as const;

async function run({ threads, workerUrl, abortAfterMs }: PageTask): Promise<PageFindings> {
  const engine = await createEngine({ threads, ...(workerUrl === undefined ? {} : { workerUrl }) });
  const checkpoint = randomCheckpoint();
  const model = createSwin(engine.ops, checkpoint);
  const sparsity = uniformSparsity(checkpoint.architecture, 0.5);
  const compile = (of: readonly [number, number, number, number]) =>
    engine.compile((image) => model.forward(image, { sparsity, outputs: [1] }).features[1], { shape: of });
  const plan = compile(shape);
  await plan.run(pixelsOf(shape));
  const large = compile([2, 448, 448, 3]);
  const pixels = pixelsOf(large.shape);
  await large.run(pixels);
  let ticks = 0;
  const timer = setInterval(() => {
    ticks++;
  }, 1);
  let abortMs: number | null = null;
  if (abortAfterMs === undefined) {
    await large.run(pixels);
  } else {
    const controller = new AbortController();
    let abortedAt = 0;
    setTimeout(() => {
      abortedAt = performance.now();
      controller.abort(new Error('stop'));
    }, abortAfterMs);
    await large.run(pixels, { signal: controller.signal }).catch(() => {
      abortMs = performance.now() - abortedAt;
    });
  }
  clearInterval(timer);
  const result = await plan.run(pixelsOf(shape));
  const values = [...(result?.values ?? [])];
  const { whyOneThread, build } = engine;
  const findings = { threads: engine.threads, whyOneThread, build, isIsolated: crossOriginIsolated };
  await engine.dispose();
  return { ...findings, values, ticks, abortMs };
}

declare global {
  interface Window {
    runEngine(task: PageTask): Promise<PageFindings | { readonly error: string }>;
  }
}

window.runEngine = (task) => run(task).catch((error: unknown) => ({ error: String(error) }));
