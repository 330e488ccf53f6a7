/** A measurement from the plan to the table: the backend is started, the cost is said, what was measured is kept. */

import type { CostEstimate, LatencyTable, MeasurementProgress, MeasureOptions } from '@sparsevit/latency';
import { estimateCost, measure } from '@sparsevit/latency';
import { fileJournal } from '@sparsevit/latency/node';
import { latencyModelOf } from '@sparsevit/pipeline';
import { inputError, interruption, quote } from '../errors';
import type { CliIo } from '../io';
import type { Progress } from '../progress';
import { createProgress } from '../progress';
import type { ProfilePlan } from './plan';
import type { ProfileFacts } from './report';
import { renderCost, renderProgress } from './report';
import { startProfile } from './start';

/** A table and how it came to be. */
export interface MeasuredPlan {
  readonly facts: ProfileFacts;
  readonly table: LatencyTable;
  readonly cost: CostEstimate;
  readonly elapsedMs: number;
}

/**
 * Plans and measures, with a line of progress; a stop (Ctrl-C) says what is kept.
 *
 * @param options.isQuiet true does not print what it will cost
 * @throws SparseViTError for a plan that cannot be, or a table without a row
 * @throws AbortError when it was stopped
 */
export async function measurePlan(
  makePlan: () => Promise<ProfilePlan>,
  { command, isQuiet }: { command: string; isQuiet: boolean },
  io: CliIo,
): Promise<MeasuredPlan> {
  const progress = createProgress(io);
  const stop = new AbortController();
  const stopListening = io.onInterrupt(() =>
    stop.abort(interruption(`${command}: stopped before anything was measured.`)),
  );
  try {
    progress.step('opening the model');
    const plan = await makePlan();
    progress.step(`starting ${plan.backend}`);
    const subject = plan.model.readSubject();
    const started = await startProfile(plan, subject, io);
    try {
      const { configs, input, protocol, model, rules } = plan;
      const fingerprint = {
        device: started.device,
        model: latencyModelOf(subject, { name: model.name, rules }),
        input,
      };
      const facts: ProfileFacts = { plan, detail: started.detail, fingerprint };
      const measuring: MeasureOptions = {
        fingerprint,
        now: () => io.now(),
        startedAt: io.date().toISOString(),
        protocol,
        journal: fileJournal(plan.journal),
        signal: stop.signal,
      };
      progress.step('estimating the cost');
      const cost = await estimateCost(started.runner, configs, measuring);
      progress.clear();
      if (!isQuiet) io.stdout(renderCost(facts, cost));
      const begin = io.now();
      const table = await runMeasurement(started.runner, facts, { measuring, signal: stop.signal, progress });
      const elapsedMs = io.now() - begin;
      progress.clear();
      checkRows(facts, table);
      return { facts, table, cost, elapsedMs };
    } finally {
      await started.dispose();
    }
  } finally {
    stopListening();
    progress.clear();
  }
}

/** Measures, with a line of progress; a stop says what is kept. */
async function runMeasurement(
  runner: Parameters<typeof measure>[0],
  facts: ProfileFacts,
  context: { measuring: MeasureOptions; signal: AbortSignal; progress: Progress },
): Promise<LatencyTable> {
  const { measuring, signal, progress } = context;
  const { command, configs, journal } = facts.plan;
  let reached: MeasurementProgress | null = null;
  try {
    return await measure(runner, configs, {
      ...measuring,
      onEvent(event) {
        if ('progress' in event) reached = event.progress;
        const line = renderProgress(facts, event);
        if (line !== null) progress.step(line);
      },
    });
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
    const { visitsDone, visits } = (reached as MeasurementProgress | null) ?? { visitsDone: 0, visits: 0 };
    throw interruption(
      `${command}: stopped after ${visitsDone} of ${visits} visits, kept in ${quote(journal)} up to the last look at the sentinel. The same command goes on from there.`,
    );
  }
}

/** A table without a time is no table. */
function checkRows({ plan }: ProfileFacts, { rows, excluded }: LatencyTable): void {
  if (rows.length > 0) return;
  const [first] = excluded;
  throw inputError(
    `${plan.command}: expected a configuration that can be measured, got ${excluded.length} that cannot (${first?.message ?? 'none'}). Nothing is written to ${quote(plan.out)}; to measure again remove ${quote(plan.journal)}, and leave the machine alone or raise --tolerance.`,
  );
}
