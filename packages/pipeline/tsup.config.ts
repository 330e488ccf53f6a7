import { libraryPreset } from '@sparsevit/tsup-preset';

export default libraryPreset({
  entry: {
    index: 'src/index.ts',
    files: 'src/files.ts',
    node: 'src/node.ts',
    'evaluation-process': 'src/evaluation-process.ts',
  },
});
