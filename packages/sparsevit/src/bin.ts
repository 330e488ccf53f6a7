/** The program `sparsevit`. */

import { runCli, runProgram } from '@sparsevit/cli';

await runProgram(runCli);
