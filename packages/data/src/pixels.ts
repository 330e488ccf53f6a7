/** From the pixels of an image to the values that a model takes, alone: what a page needs that has its images at the right size. */

export type { RgbaImage, RgbImage } from './image';
export { checkRgbImage, rgbFromRgba } from './image';
export { normalizeImage } from './normalize';
