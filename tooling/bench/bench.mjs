/** Bundles the bench and runs it in this Node: `node bench.mjs --help`. */
import { pathToFileURL } from 'node:url';
import { bundleForNode } from './lib/bundle.mjs';

const file = await bundleForNode('src/node/main.ts');
process.argv[1] = file; // the bundle starts itself again for first runs
await import(pathToFileURL(file).href);
