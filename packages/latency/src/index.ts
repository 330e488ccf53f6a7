export type { CountMacsOptions, MacCount, StageMacs } from './count-macs';
export { countMacs } from './count-macs';
export type { CountedCall, MacAccounting, MacPart, Shape } from './shape-ops';
export { createShapeOps } from './shape-ops';
