export type { CountMacsOptions, MacCount, StageMacs } from './count-macs';
export { countMacs } from './count-macs';
export { agree, median, quantile } from './profile/statistics';
export type { CountedCall, MacAccounting, MacPart, Shape } from './shape-ops';
export { createShapeOps } from './shape-ops';
