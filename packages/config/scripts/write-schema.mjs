// `pnpm --filter @sparsevit/config schema`: writes schema.json from the built package. test/json-schema.test.ts says when it is due.
import { writeFileSync } from 'node:fs';
import { modelConfigJsonSchema } from '../dist/index.js';

const file = new URL('../schema.json', import.meta.url);
writeFileSync(file, `${JSON.stringify(modelConfigJsonSchema(), null, 2)}\n`);
