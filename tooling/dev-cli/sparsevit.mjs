#!/usr/bin/env node
// `pnpm sparsevit …` from the root of the repository: build what changed, then run the real command.
import { runSparsevit } from '../scripts/lib/build.mjs';
import { ensurePnpm } from '../scripts/lib/process.mjs';

const args = process.argv.slice(2);
ensurePnpm(['sparsevit', ...args]);
await runSparsevit(args);
