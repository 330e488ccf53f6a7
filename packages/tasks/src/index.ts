export type {
  NormedConvolutionWeights,
  UpernetAuxiliaryWeights,
  UpernetConfig,
  UpernetForwardOptions,
  UpernetOutput,
  UpernetWeights,
  UpernetWidths,
} from './heads/upernet';
export { upernetAuxiliaryLossWeight, upernetForward, upernetSlots, upernetWidths } from './heads/upernet';
export { evaluateCoco } from './metrics/coco';
export type { CocoAnnotation, CocoDocument, CocoImage, CocoResult } from './metrics/coco-document';
export type { CocoEvaluator } from './metrics/coco-evaluator';
export { createCocoEvaluator } from './metrics/coco-evaluator';
export type { CocoDetection, CocoKind, CocoTruth } from './metrics/coco-items';
export type { CocoMetrics, CocoStats } from './metrics/coco-summary';
export type { ConfusionMatrix } from './metrics/confusion';
export { addToConfusion, classIou, createConfusion, meanIou, pixelAccuracy } from './metrics/confusion';
export { countTopK, topKAccuracy } from './metrics/top-k';
