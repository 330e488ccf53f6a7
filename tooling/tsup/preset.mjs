import { defineConfig } from 'tsup';

/**
 * The one way a package here is built: ESM, declarations, no minification, `dist` cleaned first.
 * @param {{ entry: Record<string, string>, inline?: RegExp[] }} options `entry`: output name -> source file; `inline`: dependencies bundled into the output
 */
export const libraryPreset = ({ entry, inline = [] }) =>
  defineConfig({
    entry,
    format: ['esm'],
    target: 'es2022',
    platform: 'neutral',
    // a command that is built to be run at once needs no declarations, which take most of the time
    dts: process.env.SPARSEVIT_BUILD !== 'without-types',
    sourcemap: true,
    clean: true,
    splitting: true,
    treeshake: true,
    noExternal: inline,
    external: [/^node:/],
    esbuildOptions(options) {
      options.mainFields = ['module', 'main'];
    },
  });
