/** Prints how good predictors of sparsities are, and what they take: `pnpm bench:predictors`. */

import { printAccuracy } from './accuracy';
import { printSpeed } from './speed';

printAccuracy();
printSpeed();
