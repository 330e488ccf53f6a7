export type { RgbaImage, RgbImage } from './image';
export { checkRgbImage, rgbFromRgba } from './image';
export { normalizeImage } from './normalize';
export type { Box, Scene, SceneClass, SceneObject } from './scene/scene';
export { drawScene, sceneClasses } from './scene/scene';
