/** Streams of random numbers of one seed that have nothing to do with each other. */

/** The seed of a stream: generations use the numbers from 0, candidates those below. */
export const streamSeed = (seed: number, use: number): number =>
  (Math.imul(seed ^ 0x2545f491, 0x9e3779b1) + Math.imul(use, 0x85ebca6b)) | 0;
