/** A zod error as a few readable lines, whatever the document was. */

import * as z from 'zod';
import { quote } from '../quote';

type Issue = z.core.$ZodIssue;

const mostIssues = 8;

/**
 * Two lines per issue, what is wrong and where, at most eight issues. Of a union the issues of the form that was meant are told.
 * Values are shown when the error was made with `reportInput`.
 */
export function describeZodError(error: z.ZodError): string {
  const issues = error.issues.flatMap(meantIssues);
  const shown = issues.slice(0, mostIssues).map((issue) => ({ ...issue, message: describeIssue(issue) }));
  const rest = issues.length - shown.length;
  return `${z.prettifyError({ issues: shown })}${rest > 0 ? `\n... and ${rest} more` : ''}`;
}

/** The issues of the union's form that comes nearest to the input: of the same type first, then the one with the fewest issues. */
function meantIssues(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const forms = issue.errors
    .map((issues) => ({ issues, misfit: misfit(issues) }))
    .filter(({ misfit }) => misfit < 2)
    .sort((a, b) => a.misfit - b.misfit || a.issues.length - b.issues.length);
  const nearest = forms[0];
  if (nearest === undefined) return [issue];
  return nearest.issues.flatMap((inner) => meantIssues({ ...inner, path: [...issue.path, ...inner.path] }));
}

/** 2 when the input as a whole has another type than the form, 1 when it is another constant, 0 when only parts of it are wrong. */
function misfit(issues: readonly Issue[]): 0 | 1 | 2 {
  const whole = issues.filter(({ path }) => path.length === 0);
  if (whole.some(({ code }) => code === 'invalid_type')) return 2;
  return whole.some(({ code }) => code === 'invalid_value') ? 1 : 0;
}

function describeIssue(issue: Issue): string {
  if (issue.code === 'custom') return issue.message;
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.slice(0, mostIssues).map(quote).join(', ');
    return `Unrecognized ${issue.keys.length === 1 ? 'key' : 'keys'}: ${names}${issue.keys.length > mostIssues ? ', ...' : ''}`;
  }
  const { input } = issue;
  if (typeof input === 'string') return `${issue.message}, got ${quote(input)}`;
  return typeof input === 'number' || typeof input === 'boolean' ? `${issue.message}, got ${input}` : issue.message;
}
