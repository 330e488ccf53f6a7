export type { RgbImage } from './image';
export { checkRgbImage } from './image';
export { normalizeImage } from './normalize';
export type { Box, Scene, SceneClass, SceneObject } from './scene/scene';
export { drawScene, sceneClasses } from './scene/scene';
