/** The program of an evaluation pool: opens the subject that it is given, and answers candidates. */

import { parseEvaluationSubject } from '@sparsevit/config';
import { serveEvaluations } from '@sparsevit/search/node';
import { openSubject } from './node/evaluation-subject';

const [text = 'null'] = process.argv.slice(2);
const { subject, paths } = JSON.parse(text) as { subject: unknown; paths: Readonly<Record<string, string>> };
const { evaluate } = await openSubject(parseEvaluationSubject(subject), { paths, threads: 1 });
serveEvaluations(evaluate);
