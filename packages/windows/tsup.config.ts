import { libraryPreset } from '@sparsevit/tsup-preset';

export default libraryPreset({ entry: { index: 'src/index.ts', 'document-field': 'src/document-field.ts' } });
