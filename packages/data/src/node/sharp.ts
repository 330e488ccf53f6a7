/** sharp is an optional peer: it is loaded when the first image is decoded, and its absence is an error that says what to do. */

import { BackendError } from '@sparsevit/windows';

type Sharp = typeof import('sharp').default;

/**
 * Loads sharp.
 *
 * @param load the import itself, so that a test can make it fail
 * @throws BackendError when it is not installed or has no binary for this machine
 */
export async function loadSharp(load: () => Promise<{ default: Sharp }> = () => import('sharp')): Promise<Sharp> {
  try {
    return (await load()).default;
  } catch (cause) {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND';
    throw new BackendError(
      isMissing
        ? 'sharp: expected the image library sharp to be installed, got none. Run `npm install sharp`.'
        : 'sharp: expected the image library sharp to load, got an error of its binary. Run `npm install sharp` on this machine.',
      { cause },
    );
  }
}
