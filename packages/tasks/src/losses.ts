export { focalLoss, weightedL1 } from './losses/centres';
export { crossEntropy, ignoredLabel } from './losses/cross-entropy';
export type { GuidanceGeometry } from './losses/guidance';
export { guidanceLoss } from './losses/guidance';
export type { TaskLoss, TrainableOptions, TrainableTask } from './losses/task-loss';
export { taskLoss, trainableTask } from './losses/task-loss';
