export type { SwinCheckpoint, SwinFamily } from './checkpoint';
export { familyRules } from './checkpoint';
export type { BlockWindows, DropPathFactors, ForwardOptions, ForwardResult } from './forward';
export { officialRules, swinForward } from './forward';
export type { SwinModel } from './model';
export { createSwin } from './model';
export type { BlockWeights, HostTensor, StageWeights, SwinParts, SwinWeights, WeightSlot } from './weights';
export { buildWeights, flattenWeights, listWeights, partsOf, randomWeights, takeWeights } from './weights';
