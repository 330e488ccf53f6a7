/** The bridge from the checks of `@sparsevit/windows` to zod, so that each rule is written once. */

import { SparseViTError } from '@sparsevit/windows';
import * as z from 'zod';

/**
 * Runs a check inside a refinement or a transform: what it returns is the value, its ConfigError becomes an issue at `path`.
 * Nothing runs after another issue, so that a field is not reported twice.
 */
export function checkInside<Value>(
  context: z.RefinementCtx,
  path: readonly (string | number)[],
  check: () => Value,
): Value {
  if (context.issues.length > 0) return z.NEVER;
  try {
    return check();
  } catch (error) {
    if (!SparseViTError.isInstance(error) || error.code !== 'config') throw error;
    context.addIssue({ code: 'custom', message: error.message, path: [...path] });
    return z.NEVER;
  }
}
