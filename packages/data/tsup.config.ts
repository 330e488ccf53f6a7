import { libraryPreset } from '@sparsevit/tsup-preset';

export default libraryPreset({
  entry: { index: 'src/index.ts', pixels: 'src/pixels.ts', node: 'src/node.ts', browser: 'src/browser.ts' },
});
