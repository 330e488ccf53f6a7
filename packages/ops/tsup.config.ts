import { libraryPreset } from '@sparsevit/tsup-preset';

export default libraryPreset({
  entry: { index: 'src/index.ts', gradients: 'src/gradients.ts' },
  inline: [/^@tensorflow\/tfjs-core\/dist\//],
});
