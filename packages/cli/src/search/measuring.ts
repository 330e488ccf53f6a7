/** Measuring what a search has found, when the predictions are of this machine. */

import { createEngine } from '@sparsevit/engine';
import { differencesOf } from '@sparsevit/latency';
import { engineMeasure, latencyModelOf } from '@sparsevit/pipeline';
import { engineDevice } from '@sparsevit/pipeline/node';
import type { Measure } from '@sparsevit/search';
import type { CliIo } from '../io';
import type { SearchPlan } from './plan';

/** Something that measures, or why nothing does. */
export type Measuring =
  | { readonly measure: Measure; dispose(): Promise<void> }
  | { readonly measure: null; readonly reason: string };

/** Starts an engine as the table had it; a table of another device, model or backend is not measured by this one. */
export async function startMeasuring(plan: SearchPlan, io: Pick<CliIo, 'machine' | 'now'>): Promise<Measuring> {
  const { table } = plan.latency;
  if (plan.measureCount === 0) return { measure: null, reason: 'not asked for' };
  if (table === null)
    return { measure: null, reason: 'a predictor without its table does not say of which machine it is' };
  const { device, input } = table;
  if (device.backend !== 'engine') {
    return { measure: null, reason: `the table is of ${device.backend}; only the engine is measured here` };
  }
  const engine = await createEngine(device.threads === null ? {} : { threads: device.threads });
  const { rules } = plan.of;
  const { cpu, platform, runtime } = io.machine();
  const own = {
    device: engineDevice(engine, { name: cpu, driver: null, platform, runtime }),
    model: latencyModelOf(plan.checkpoint, { name: table.model.name, rules }),
    input,
  };
  const differences = differencesOf(table, own);
  if (differences.length > 0) {
    await engine.dispose();
    const text = differences.map(({ field }) => field).join(', ');
    return { measure: null, reason: `the table is of another device or model (${text} differ)` };
  }
  const { measure, dispose } = engineMeasure(engine, plan.checkpoint, { input, rules, now: io.now });
  return {
    measure,
    async dispose() {
      dispose();
      await engine.dispose();
    },
  };
}
