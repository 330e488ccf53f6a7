/** `sparsevit profile`: how long a model takes at many sparsities, on this device. */

import type { LatencyTable, MeasurementProgress, MeasureOptions } from '@sparsevit/latency';
import { estimateCost, measure } from '@sparsevit/latency';
import { fileJournal } from '@sparsevit/latency/node';
import { latencyModelOf } from '@sparsevit/pipeline';
import type { Command } from '../command';
import { defineCommand } from '../command';
import { inputError, interruption, quote } from '../errors';
import { writeOutputFile } from '../files';
import { checkpointOptions, presetList } from '../model';
import { planProfile, profileBackends, refuseInputs } from '../profile/plan';
import type { ProfileFacts } from '../profile/report';
import { profileJson, renderCost, renderProgress, renderResult } from '../profile/report';
import { startProfile } from '../profile/start';
import { createProgress } from '../progress';

/** The command. */
export const profileCommand: Command = defineCommand({
  name: 'profile',
  summary: 'Measure how long a model takes at many sparsities, on this device.',
  usage: ['profile --weights FILE --size HxW --out FILE.json [options]'],
  options: {
    weights: {
      value: 'FILE',
      description: 'A checkpoint of a Swin, or a trained task with its head; without it the weights are random.',
    },
    model: { value: 'PRESET', description: `Architecture, default swin-t or that of the checkpoint: ${presetList}.` },
    ...checkpointOptions,
    size: { value: 'HxW', description: 'Height and width of the images; default as in training, else 672x672.' },
    batch: { value: 'N', description: 'Images at once, default 1.' },
    mode: {
      value: 'MODE',
      description:
        'clean or official: how many windows a ratio keeps. Default: the one saved with the weights, else clean.',
    },
    backend: {
      value: 'NAME',
      description: `${profileBackends.join(', ')}; default engine. webgpu, wasm and cpu are TensorFlow.js's, with the fused kernels.`,
    },
    threads: { value: 'N', description: 'Threads of the engine, default all cores.' },
    configs: { value: 'N', description: 'Configurations: dense, the sparsest, and draws between; default 100.' },
    rounds: { value: 'N', description: 'Visits of each configuration, each round in an order of its own; default 5.' },
    seed: { value: 'N', description: 'Of the draws and of the orders, default 0.' },
    tolerance: {
      value: 'SHARE',
      description:
        'Visits are repeated when the sentinel (the dense model) moved by more between two looks; default 0.05.',
    },
    out: { value: 'FILE', description: 'The table. Beside it FILE.journal.jsonl, what was measured so far.' },
    json: { description: 'Print one JSON document.' },
  },
  notes: [
    'Says what it will cost before it starts. The same command goes on where it was stopped or killed; remove the journal to begin anew.',
    'A busy machine is seen by the sentinel: what was measured meanwhile is repeated, then dropped. Close what can be closed, and fix the frequency of the processor where you can.',
  ],
  examples: [
    'profile --weights runs/adapted/model.safetensors --out table.json',
    'profile --model swin-t --size 512x512 --threads 1 --configs 130 --out swin-t-512.json',
  ],

  async execute({ options, inputs }, io) {
    refuseInputs(inputs);
    const progress = createProgress(io);
    const stop = new AbortController();
    const stopListening = io.onInterrupt(() =>
      stop.abort(interruption('profile: stopped before anything was measured.')),
    );
    try {
      progress.step('opening the model');
      const plan = await planProfile(options);
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
        if (!options.json) io.stdout(renderCost(facts, cost));
        const begin = io.now();
        const table = await runMeasurement(started.runner, facts, { measuring, signal: stop.signal, progress });
        const elapsedMs = io.now() - begin;
        progress.clear();
        checkRows(facts, table);
        await writeOutputFile(plan.out, new TextEncoder().encode(`${JSON.stringify(table)}\n`), '--out');
        if (options.json) {
          io.stdout(`${JSON.stringify(profileJson(facts, { table, cost, elapsedMs }), null, 2)}\n`);
        } else io.stdout(`\n${renderResult(facts, table)}`);
      } finally {
        await started.dispose();
      }
    } finally {
      stopListening();
      progress.clear();
    }
  },
});

/** Measures, with a line of progress; a stop says what is kept. */
async function runMeasurement(
  runner: Parameters<typeof measure>[0],
  facts: ProfileFacts,
  context: { measuring: MeasureOptions; signal: AbortSignal; progress: ReturnType<typeof createProgress> },
): Promise<LatencyTable> {
  const { measuring, signal, progress } = context;
  const { configs, journal } = facts.plan;
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
      `profile: stopped after ${visitsDone} of ${visits} visits, kept in ${quote(journal)} up to the last look at the sentinel. The same command goes on from there.`,
    );
  }
}

/** A table without a time is no table. */
function checkRows({ plan }: ProfileFacts, { rows, excluded }: LatencyTable): void {
  if (rows.length > 0) return;
  const [first] = excluded;
  throw inputError(
    `profile: expected a configuration that can be measured, got ${excluded.length} that cannot (${first?.message ?? 'none'}). Nothing is written to ${quote(plan.out)}; to measure again remove ${quote(plan.journal)}, and leave the machine alone or raise --tolerance.`,
  );
}
