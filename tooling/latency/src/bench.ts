/** How well predictors do on a real model on this machine: `pnpm bench:latency`, `--quick` to see that it works. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { LatencyTable } from '@sparsevit/config';
import { parseLatencyTable } from '@sparsevit/config';
import { estimatePart, measurePart, tableFile } from './bench/measure-part';
import type { BenchPart } from './bench/plan';
import { createBenchPlan } from './bench/plan';
import { renderReport } from './bench/report';

const help = `Usage: node tooling/latency/latency.mjs bench [--quick] [--folder DIR] [--out FILE.md]

Measures, predicts, and judges by a hold-out of a later process. Tables and journals lie in the folder (default
tooling/latency/.cache/bench): the same command goes on where it was stopped. Remove the folder to measure anew.
--quick takes a small model and few configurations, to see that it works; its figures say nothing.`;

const { values } = parseArgs({
  args: process.argv.slice(process.argv[2] === 'bench' ? 3 : 2),
  options: {
    quick: { type: 'boolean', default: false },
    folder: { type: 'string' },
    out: { type: 'string' },
    part: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const self = fileURLToPath(import.meta.url); // the bundle: every part runs it again in a process of its own
const folder = values.folder ?? join(dirname(self), values.quick ? 'bench-quick' : 'bench');
const plan = createBenchPlan({ isQuick: values.quick });

const log = (line: string): void => console.error(line);
const duration = (ms: number): string =>
  ms < 90_000 ? `${(ms / 1000).toFixed(0)} s` : `${(ms / 60_000).toFixed(0)} minutes`;

/** Measures a part in a process of its own, unless its table is there. */
function runPart(part: BenchPart): LatencyTable {
  const file = tableFile(folder, part);
  if (!existsSync(file)) {
    const flags = ['--folder', folder, ...(values.quick ? ['--quick'] : []), '--part', part.name];
    const { status, signal } = spawnSync(process.execPath, [self, ...flags], { stdio: 'inherit' });
    if (status !== 0) {
      log(`${part.name}: stopped (${signal ?? `exit code ${status}`}). The same command goes on from its journal.`);
      process.exit(status ?? 130);
    }
  }
  return parseLatencyTable(JSON.parse(readFileSync(file, 'utf8')));
}

async function main(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  if (values.part !== undefined) {
    const part = plan.parts.find(({ name }) => name === values.part);
    if (part === undefined) throw new Error(`bench: expected a part of the plan, got ${values.part}.`);
    await measurePart(plan, part, { folder, log });
    return;
  }
  const loadBefore = loadavg()[0] ?? 0;
  const missing = plan.parts.filter((part) => !existsSync(tableFile(folder, part)));
  let estimatedMs = 0;
  for (const part of missing) {
    const { ms, visits } = await estimatePart(plan, part, folder);
    log(`${part.name}: ${visits} visits are left, about ${duration(ms)}`);
    estimatedMs += ms;
  }
  log(`about ${duration(estimatedMs)} in all at a load of ${loadBefore.toFixed(2)}, less on a quieter machine`);
  const tables = new Map(plan.parts.map((part) => [part.name, runPart(part)]));
  const text = renderReport(plan, tables, {
    loadBefore: missing.length === plan.parts.length ? loadBefore : null,
    command: `pnpm bench:latency${values.quick ? ' --quick' : ''}`,
  });
  const out = values.out ?? join(folder, 'latency.md');
  writeFileSync(out, text);
  console.log(text);
  log(`written to ${out}`);
}

if (values.help) console.log(help);
else await main();
