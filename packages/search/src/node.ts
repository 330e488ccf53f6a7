export { fileJournal } from './node/file-journal';
export type { ProcessPool, ProcessPoolEvent, ProcessPoolOptions } from './node/process-pool';
export { createProcessPool } from './node/process-pool';
export { serveEvaluations } from './node/serve-evaluations';
export { hashOf, subjectKey } from './node/subject';
export { checkFiles, identifyFiles } from './node/subject-files';
