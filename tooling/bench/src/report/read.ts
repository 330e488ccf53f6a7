/** Reading a result file back. */

import type { BenchResult } from '../result';
import { BenchError } from '../runnable';

/**
 * Reads a result.
 *
 * @throws BenchError for text that is none, or one of another version
 */
export function readResult(text: string, file: string): BenchResult {
  let parsed: Partial<BenchResult> | null;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = null;
  }
  if (parsed?.kind !== 'sparsevit-bench' || parsed.version !== 1) {
    throw new BenchError(
      `markdown: expected a result of the bench (version 1) in ${file}, got ${parsed === null ? 'something that is no JSON' : `version ${parsed.version} of ${parsed.kind}`}. Run the bench again with --out.`,
    );
  }
  return parsed as BenchResult;
}
