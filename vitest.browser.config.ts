import { existsSync, realpathSync } from 'node:fs';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { chromiumPath } from './tooling/scripts/lib/chromium.mjs';
import { findGoldens, goldenRoots } from './tooling/testing/src/golden-files.ts';

// The browser lane: TF.js on WebGPU (SwiftShader where there is no GPU) in headless Chromium.
const chromium = chromiumPath();
if (chromium === null)
  throw new Error('expected Chromium, got none. Run apt-get install chromium, or set CHROMIUM_PATH.');

const root = import.meta.dirname;
// The page fetches the binaries of TF.js's wasm backend from here; the folder behind pnpm's link is below the root, so it is served.
const wasmFiles = realpathSync(`${root}/packages/ops/node_modules/@tensorflow/tfjs-backend-wasm/dist`);

export default defineConfig({
  resolve: { conditions: ['@sparsevit/source'] },
  server: { fs: { allow: [root, ...goldenRoots.filter((folder) => existsSync(folder))] } },
  test: {
    include: ['packages/*/test/**/*.browser.ts', 'tooling/*/test/**/*.browser.ts'],
    setupFiles: ['@sparsevit/testing/setup'],
    provide: { goldens: findGoldens(), wasmPath: `/@fs${wasmFiles}/` },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // One page at a time: SwiftShader renders on every core already.
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
