// `pnpm --filter @sparsevit/config schema`: writes the schema.json files from the built package. test/json-schema.test.ts says when it is due.
import { writeFileSync } from 'node:fs';
import {
  latencyTableJsonSchema,
  modelConfigJsonSchema,
  pipelineRunJsonSchema,
  trainingRunJsonSchema,
} from '../dist/index.js';

for (const [name, schema] of [
  ['../schema.json', modelConfigJsonSchema()],
  ['../training-run/schema.json', trainingRunJsonSchema()],
  ['../latency-table/schema.json', latencyTableJsonSchema()],
  ['../pipeline/schema.json', pipelineRunJsonSchema()],
]) {
  writeFileSync(new URL(name, import.meta.url), `${JSON.stringify(schema, null, 2)}\n`);
}
