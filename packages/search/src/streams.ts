/** Seeds of a search's streams of random numbers: one for each generation, one for each candidate. */

import { mixSeeds } from '@sparsevit/windows';

/** The seed of what a generation draws. */
export const generationSeed = (seed: number, generation: number): number => mixSeeds([seed, 0, generation]);

/** The seed that a candidate carries, from 0 to 2^32 - 1. */
export const candidateSeed = (seed: number, id: number): number => mixSeeds([seed, 1, id]) >>> 0;
