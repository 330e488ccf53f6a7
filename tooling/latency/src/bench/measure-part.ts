/** One part of the bench: a table of the engine with random weights, resumable by its journal. */

import { renameSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { randomWeights } from '@sparsevit/backbone';
import type { Engine } from '@sparsevit/engine';
import { createEngine } from '@sparsevit/engine';
import type { CostEstimate, LatencyRunner, MeasureOptions } from '@sparsevit/latency';
import { estimateCost, measure } from '@sparsevit/latency';
import { fileJournal } from '@sparsevit/latency/node';
import { engineLatencyRunner, latencyModelOf } from '@sparsevit/pipeline';
import { version } from '../../../../packages/engine/package.json';
import type { BenchPart, BenchPlan } from './plan';

/** Where a part's table lies. */
export const tableFile = (folder: string, part: BenchPart): string => join(folder, `${part.name}.json`);

/** Says what is left of a part, from a few runs. */
export async function estimatePart(plan: BenchPlan, part: BenchPart, folder: string): Promise<CostEstimate> {
  return withRunner(plan, part, folder, (runner, measuring) => estimateCost(runner, part.configs, measuring));
}

/** Measures a part and writes its table. */
export async function measurePart(
  plan: BenchPlan,
  part: BenchPart,
  { folder, log }: { folder: string; log: (line: string) => void },
): Promise<void> {
  await withRunner(plan, part, folder, async (runner, measuring) => {
    let told = -1;
    const table = await measure(runner, part.configs, {
      ...measuring,
      onEvent(event) {
        if (event.type === 'sentinel-moved') {
          log(`${part.name}: the sentinel moved by ${(100 * event.moved).toFixed(1)} %, visits are ${event.outcome}`);
        }
        if (event.type !== 'visit-ended') return;
        const { visitsDone, visits, remainingMs } = event.progress;
        const tenth = Math.floor((10 * visitsDone) / visits);
        if (tenth === told) return;
        told = tenth;
        const left = remainingMs === null ? '' : `, ${(remainingMs / 60_000).toFixed(1)} minutes left`;
        log(`${part.name}: ${visitsDone} of ${visits} visits${left}`);
      },
    });
    const file = tableFile(folder, part);
    writeFileSync(`${file}.part`, JSON.stringify(table));
    renameSync(`${file}.part`, file);
  });
}

/** A model in an engine of the part's threads, and how it is measured. */
async function withRunner<T>(
  { architecture, preset }: BenchPlan,
  part: BenchPart,
  folder: string,
  use: (runner: LatencyRunner, measuring: MeasureOptions) => Promise<T>,
): Promise<T> {
  const subject = { architecture, family: 'mmdet' as const, weights: randomWeights(architecture, 0) };
  const input = { batch: 1, height: part.sizePixels, width: part.sizePixels };
  const engine: Engine = await createEngine({ threads: part.threads });
  const runner = engineLatencyRunner(engine, subject, { input });
  const device = {
    name: cpus()[0]?.model.trim() ?? 'unknown processor',
    driver: null,
    platform: `${process.platform} ${process.arch}`,
    runtime: `Node ${process.versions.node}`,
    backend: 'engine',
    backendVersion: `@sparsevit/engine ${version}`,
    kernels: engine.build,
    threads: engine.threads,
  };
  try {
    return await use(runner, {
      fingerprint: { device, model: latencyModelOf(subject, { name: preset }), input },
      now: () => performance.now(),
      startedAt: new Date().toISOString(),
      protocol: part.protocol,
      journal: fileJournal(join(folder, `${part.name}.journal.jsonl`)),
    });
  } finally {
    runner.dispose();
    await engine.dispose();
  }
}
