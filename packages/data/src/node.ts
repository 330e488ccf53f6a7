export type { DecodeOptions } from './node/decode';
export { decodeImage } from './node/decode';
export { encodePng } from './node/encode';
