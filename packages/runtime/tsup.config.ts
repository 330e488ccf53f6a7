import { libraryPreset } from '@sparsevit/tsup-preset';

export default libraryPreset({
  // an entry of its own, so that a page without it downloads nothing that it needs
  entry: { index: 'src/index.ts', 'choose-sparsity': 'src/choose-sparsity.ts' },
});
