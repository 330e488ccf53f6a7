/** Bundles the bench of training and runs it in this Node: `node training.mjs --help`. */
import { pathToFileURL } from 'node:url';
import { bundleForNode } from './lib/bundle.mjs';

const file = await bundleForNode('src/training/main.ts');
process.argv[1] = file; // the bundle starts itself again, a process per case
await import(pathToFileURL(file).href);
