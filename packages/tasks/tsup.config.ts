import { libraryPreset } from '@sparsevit/tsup-preset';

export default libraryPreset({
  entry: { index: 'src/index.ts', 'is-task-file': 'src/is-task-file.ts', losses: 'src/losses.ts' },
});
