export { decodeImage } from './browser/decode';
export type { DecodeOptions } from './decode-options';
