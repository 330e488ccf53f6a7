import { defineConfig } from 'vitest/config';
import { findGoldens } from './tooling/testing/src/golden-files.ts';

// The Node lane: TF.js on its cpu and wasm backends. Workspace packages resolve to their sources, so no build is needed.
const conditions = ['@sparsevit/source'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/{test,src}/**/*.test.ts', 'tooling/*/test/**/*.test.ts'],
    setupFiles: ['@sparsevit/testing/setup'],
    provide: { goldens: findGoldens(), wasmPath: '' },
    // A worker per core: most of a file is one thread of wasm. vitest leaves one core to itself, which is half of the machine where there are two.
    maxWorkers: '100%',
    // Whole forwards and gradients on the cpu backend take seconds, several times that on a busy two-core machine.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
