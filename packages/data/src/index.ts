export type { Batch, BatchOptions, BrokenItem } from './batches';
export { createBatches } from './batches';
export type { BrokenOptions, BrokenRecord } from './broken';
export { cacheDataset } from './cache';
export type { CocoAnnotation, CocoDocument, CocoImage, CocoOptions } from './coco';
export { parseCoco } from './coco';
export type { RgbaImage, RgbImage } from './image';
export { checkRgbImage, rgbFromRgba } from './image';
export type { CocoBox } from './masks/boxes';
export { boxIou, boxOf, checkBox } from './masks/boxes';
export type { CocoRle } from './masks/coco-forms';
export { compressRle, parseRle } from './masks/coco-forms';
export { maskIou } from './masks/mask-iou';
export { mergeRles } from './masks/merge';
export { rleFromPolygons } from './masks/polygons';
export type { Rle } from './masks/rle';
export { areaOf, checkRle, decodeRle, encodeRle } from './masks/rle';
export { rleFromSegmentation } from './masks/segmentation';
export { normalizeImage } from './normalize';
export type { Placement } from './placement';
export {
  boxToOriginal,
  boxToPlaced,
  composePlacements,
  cropPlacement,
  maskToOriginal,
  resizePlacement,
} from './placement';
export type { ImageSize } from './resample';
export { resizeImage, resizeMask } from './resample';
export type { Dataset, LabelledBox, Sample } from './sample';
export { checkSample, ignoredClass } from './sample';
export type { Box, Scene, SceneClass, SceneObject } from './scene/scene';
export { drawScene, sceneClasses } from './scene/scene';
export { createScenes } from './scenes';
export { jitterColour } from './transforms/colour';
export type { CropRegion } from './transforms/crop';
export { clipBoxes, crop, cropSample, randomCrop } from './transforms/crop';
export { flipHorizontal, flipVertical, mirrorSample, randomQuarterTurns, turnSample } from './transforms/flip';
export type { FillColour } from './transforms/pad';
export { letterbox, padSample, padTo, padToDivisor } from './transforms/pad';
export { randomScale, resizeSample, resizeSide, resizeTo } from './transforms/resize';
export type { Transform } from './transforms/transform';
export { compose } from './transforms/transform';
