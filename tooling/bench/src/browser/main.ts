/** The bench in Chromium, driven from Node; bundled and started by `browser.mjs`. */

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Browser, Page } from 'playwright';
import { chromium } from 'playwright';
import type { CaseSpec } from '../cases';
import { runCommand } from '../node/command';
import { describeHost, versionOf } from '../node/machine';
import type { Plan } from '../plan';
import { BenchError } from '../runnable';
import type { HostMachine, Outcome } from './page';
import { servePage } from './server';

const require = createRequire(import.meta.url);
const folderOf = (file: string): string => dirname(require.resolve(file));

const commonFlags = ['--no-sandbox', '--no-first-run', '--disable-background-networking', '--disable-component-update'];
const webgpuFlags = ['--enable-unsafe-webgpu', '--enable-features=Vulkan', '--ignore-gpu-blocklist'];
const softwareFlags = ['--use-webgpu-adapter=swiftshader', '--use-vulkan=swiftshader', '--use-angle=swiftshader'];

/** A software adapter is taken only where no time is. */
function flagsOf({ backend, isDryRun }: Plan): string[] {
  if (backend === 'wasm') return commonFlags;
  return [...commonFlags, ...webgpuFlags, ...(isDryRun ? softwareFlags : ['--use-angle=vulkan'])];
}

await runCommand({
  program: 'node tooling/bench/browser.mjs',
  runtime: 'browser',
  async run(plan, { command, log }) {
    const { CHROMIUM_PATH: executablePath, BENCH_PAGE: script = '' } = process.env; // of browser.mjs
    if (!executablePath) {
      throw new BenchError('browser: expected Chromium, got none. Run apt-get install chromium, or set CHROMIUM_PATH.');
    }
    const host = describeHost(); // now, for the load before the run
    const flags = flagsOf(plan);
    const folders = {
      onnx: join(import.meta.dirname, 'onnx'),
      'tfjs-wasm': folderOf('@tensorflow/tfjs-backend-wasm'),
      'onnxruntime-web': folderOf('onnxruntime-web'),
    };
    const server = await servePage(script, folders, plan);
    const browsers: Browser[] = [];
    const open = async (): Promise<{ browser: Browser; page: Page }> => {
      const browser = await chromium.launch({ executablePath, args: flags });
      browsers.push(browser);
      const page = await browser.newPage();
      page.on('pageerror', (error) => log(`page: ${error.message}`));
      await page.goto(server.url);
      await page.waitForFunction(() => window.bench !== undefined);
      return { browser, page };
    };
    const runCold = async (spec: CaseSpec): Promise<unknown> => {
      const { browser, page } = await open(); // a browser of its own: nothing is compiled in it
      try {
        return resultOf(await page.evaluate(([plan, spec]) => window.bench.cold(plan, spec), [plan, spec] as const));
      } finally {
        await browser.close();
      }
    };
    try {
      const { browser, page } = await open();
      await page.exposeFunction('benchLog', log);
      await page.exposeFunction('benchCold', runCold);
      const machine: HostMachine = {
        ...host,
        runtime: `Chromium ${browser.version()}`,
        versions: { 'onnxruntime-web': versionOf('onnxruntime-web') },
        flags,
      };
      return resultOf(
        await page.evaluate(([plan, host, command]) => window.bench.run(plan, host, command), [
          plan,
          machine,
          command,
        ] as const),
      );
    } finally {
      for (const browser of browsers) await browser.close();
      server.close();
    }
  },
});

function resultOf<Result>(outcome: Outcome<Result>): Result {
  if ('result' in outcome) return outcome.result;
  throw new BenchError(outcome.problem);
}
