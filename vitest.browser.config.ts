import { existsSync, realpathSync } from 'node:fs';
import { relative } from 'node:path';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { chromiumPath } from './tooling/scripts/lib/chromium.mjs';
import { findGoldens, goldenRoots } from './tooling/testing/src/golden-files.ts';
import { shardOf } from './tooling/testing/src/shards.ts';

// The browser lane: TF.js on WebGPU (SwiftShader where there is no GPU) in headless Chromium.
const chromium = chromiumPath();
if (chromium === null)
  throw new Error('expected Chromium, got none. Run apt-get install chromium, or set CHROMIUM_PATH.');

const root = import.meta.dirname;
// The page fetches the binaries of TF.js's wasm backend from here; the folder behind pnpm's link is below the root, so it is served.
const wasmFiles = realpathSync(`${root}/packages/ops/node_modules/@tensorflow/tfjs-backend-wasm/dist`);

/** Files that take more than ten seconds on SwiftShader and two cores, in seconds: measured, to deal out, and no harm when they are wrong. */
const secondsByFile: Readonly<Record<string, number>> = {
  'packages/backbone/test/swin.browser.ts': 177,
  'packages/kernels-webgpu/test/fuzz.browser.ts': 40,
  'packages/kernels-webgpu/test/kernels.browser.ts': 95,
  'packages/kernels-webgpu/test/ops.browser.ts': 45,
  'packages/kernels-webgpu/test/products.browser.ts': 58,
  'packages/kernels-webgpu/test/swin.browser.ts': 91,
  'packages/ops/test/init-backend.browser.ts': 13,
  'packages/ops/test/ops.browser.ts': 38,
  'packages/runtime/test/load-model.browser.ts': 33,
  'packages/runtime/test/task-model.browser.ts': 40,
  'packages/sparsevit/test/init-backend.browser.ts': 31,
};

/** Shards of about equal length; vitest's own have equally many files. */
class Sequencer extends BaseSequencer {
  override async shard(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { shard } = this.ctx.config;
    if (!shard) return files;
    const pathOf = ({ moduleId }: TestSpecification): string => relative(root, moduleId).replaceAll('\\', '/');
    const own = new Set(shardOf(files.map(pathOf), (path) => secondsByFile[path] ?? 5, shard));
    return files.filter((file) => own.has(pathOf(file)));
  }
}

// two processes at a time must not bundle into the same folder
const shardName = process.argv.join(' ').match(/--shard[= ](\d+)/)?.[1] ?? '';

export default defineConfig({
  cacheDir: `node_modules/.vite/browser${shardName}`,
  resolve: { conditions: ['@sparsevit/source'] },
  server: { fs: { allow: [root, ...goldenRoots.filter((folder) => existsSync(folder))] } },
  test: {
    include: ['packages/*/test/**/*.browser.ts', 'tooling/*/test/**/*.browser.ts'],
    setupFiles: ['@sparsevit/testing/setup'],
    provide: { goldens: findGoldens(), wasmPath: `/@fs${wasmFiles}/` },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // One page at a time: all pages of a browser share its GPU process. `pnpm verify` runs a browser per core instead.
    sequence: { sequencer: Sequencer },
    fileParallelism: false,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({
        launchOptions: {
          executablePath: chromium,
          args: [
            '--no-sandbox',
            '--no-first-run',
            '--disable-background-networking',
            '--disable-component-update',
            '--disable-sync',
            '--enable-unsafe-webgpu',
            '--enable-features=Vulkan',
            '--use-webgpu-adapter=swiftshader',
            '--use-vulkan=swiftshader',
            '--use-angle=swiftshader',
            '--ignore-gpu-blocklist',
          ],
        },
      }),
      instances: [{ browser: 'chromium' }],
    },
  },
});
