import type { Options } from 'tsup';

/** The one way a package here is built: ESM, declarations, no minification, `dist` cleaned first. */
export declare function libraryPreset(options: { entry: Record<string, string>; inline?: RegExp[] }): Options;
