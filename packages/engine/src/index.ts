export type { Engine, EngineOptions } from './engine';
export { createEngine } from './engine';
export type {
  CallProfile,
  HostValues,
  Materialized,
  Plan,
  PlanBuffer,
  PlanCall,
  PlanDocument,
  PlanProfile,
  PlanTask,
  RunOptions,
} from './plan';
export type { PlanCache } from './plan-cache';
export { createPlanCache } from './plan-cache';
export type { EngineOps } from './recorder/recorder';
export type { EngineValue } from './value';
export type { HostBlockWindows } from './window-ids';
export { hostWindowIds } from './window-ids';
