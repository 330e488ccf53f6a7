/** The bench in Node; bundled and started by `bench.mjs`. */

import '@sparsevit/ops/gradients';
import * as tf from '@tensorflow/tfjs-core';
import { dryRun, runBench } from '../bench';
import { runCommand } from './command';
import { coldCommand, coldProcess, nodeEnvironment } from './environment';

tf.env().set('PROD', true); // the backends greet otherwise
const [first, task] = process.argv.slice(2);
if (first === coldCommand) await coldProcess(task ?? '');
else {
  await runCommand({
    program: 'node tooling/bench/bench.mjs',
    runtime: 'node',
    run(plan, options) {
      const environment = nodeEnvironment(plan, options);
      return plan.isDryRun ? dryRun(plan, environment) : runBench(plan, environment);
    },
  });
}
