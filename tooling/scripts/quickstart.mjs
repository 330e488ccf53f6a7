// `pnpm quickstart`: the main job on a scene that the project draws itself. More arguments are passed on and win over these.
import { runSparsevit } from './lib/build.mjs';
import { ensurePnpm } from './lib/process.mjs';

const quickstart = ['run', '--scene', '3', '--size', '672x672', '--sparsity', '0.6', '--overlay', 'overlay.png'];

const args = process.argv.slice(2).filter((argument) => argument !== '--');
ensurePnpm(['quickstart', ...args]);
const all = [...quickstart, ...args];
const quoted = all.map((argument) => (/^[\w./=-]+$/.test(argument) ? argument : `'${argument}'`));
process.stderr.write(`sparsevit ${quoted.join(' ')}\n`);
await runSparsevit(all);
