/** V8's experimental vectors of 256 bits, which docs/benchmarks.md measures, change no bit. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

const flag = '--experimental-wasm-revectorize';

function hasFlag(): boolean {
  const options = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8', maxBuffer: 2 ** 24 });
  return options.includes(flag);
}

test.skipIf(!hasFlag())('the bits of a forward with and without it', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sparsevit-revectorize-'));
  try {
    const { outputFiles } = await build({
      stdin: {
        contents: `
          import { createHash } from 'node:crypto';
          import { createSwin } from '@sparsevit/backbone';
          import { createEngine } from '@sparsevit/engine';
          import { uniformSparsity } from '@sparsevit/windows';
          import { pixelsOf, randomCheckpoint } from './cases/checkpoint';
          const engine = await createEngine({ threads: 1 });
          const checkpoint = randomCheckpoint();
          const model = createSwin(engine.ops, checkpoint);
          const sparsity = uniformSparsity(checkpoint.architecture, 0.3);
          const plan = engine.compile((image) => model.forward(image, { sparsity }), { shape: [1, 230, 250, 3] });
          const pixels = pixelsOf(plan.shape);
          const hash = createHash('sha256');
          // often enough that every kernel is replaced by its optimised code
          for (let run = 0; run < 30; run++) {
            const { features } = await plan.run(pixels);
            for (const { values } of features) hash.update(values);
          }
          console.log(engine.build, hash.digest('hex'));`,
        resolveDir: import.meta.dirname,
        loader: 'ts',
      },
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'node',
      conditions: ['@sparsevit/source'],
    });
    const script = join(folder, 'run.mjs');
    writeFileSync(script, outputFiles[0]?.text ?? '');
    const run = (...flags: string[]): string =>
      execFileSync(process.execPath, [...flags, script], { encoding: 'utf8' });
    const plain = run();
    expect(plain).toMatch(/relaxed SIMD [0-9a-f]{64}/);
    expect(run(flag)).toBe(plain);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
