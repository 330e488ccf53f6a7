/** Bundles the bench and runs it in Chromium: `node browser.mjs --help`. */
import { pathToFileURL } from 'node:url';
import { chromiumPath } from '../scripts/lib/chromium.mjs';
import { bundleForNode, bundleForPage } from './lib/bundle.mjs';

const [file, page] = await Promise.all([bundleForNode('src/browser/main.ts'), bundleForPage()]);
process.env.CHROMIUM_PATH = chromiumPath() ?? '';
process.env.BENCH_PAGE = page;
await import(pathToFileURL(file).href);
