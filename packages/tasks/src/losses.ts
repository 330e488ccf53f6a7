export { focalLoss, maskedL1 } from './losses/centres';
export { crossEntropy, ignoredLabel } from './losses/cross-entropy';
