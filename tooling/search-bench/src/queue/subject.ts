import type { EvaluationSubject } from '@sparsevit/config';

/** What a measurement evaluates: none has the answers of another. */
export const subjectOf = (measurement: string): EvaluationSubject => ({
  format: 'sparsevit-evaluation-subject',
  version: 1,
  files: {},
  settings: { measurement },
});
