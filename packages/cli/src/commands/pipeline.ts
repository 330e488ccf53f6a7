/** `sparsevit pipeline`: from a checkpoint and images to a sparse model under a budget, with a report. */

import { resolve } from 'node:path';
import type { PipelineReport } from '@sparsevit/config';
import { notationOf, parsePipelineReport } from '@sparsevit/config';
import { readJsonFile, writeOutputFile } from '@sparsevit/pipeline/files';
import type { PipelineOutcome, PipelineStage } from '@sparsevit/pipeline/node';
import { pipelineStages, runPipeline } from '@sparsevit/pipeline/node';
import { startBackend } from '../backend';
import type { Command } from '../command';
import { defineCommand } from '../command';
import { exitCodes, inputError, interruption } from '../errors';
import { readPipelineDocument } from '../pipeline/document';
import { drawSamples } from '../pipeline/draw-samples';
import { renderPipelineEvent, stageTitles } from '../pipeline/progress-line';
import { refuseInputs } from '../profile/plan';
import { createProgress, renderDuration } from '../progress';
import { renderReport } from '../report/render-report';
import { formatNumber, renderFacts, renderTable } from '../table';
import { parseChoice } from '../values';

/** The command. */
export const pipelineCommand: Command = defineCommand({
  name: 'pipeline',
  summary: 'From a checkpoint and images to a sparse model under a budget, with a report.',
  usage: ['pipeline --config FILE [options]'],
  options: {
    config: {
      value: 'FILE',
      description:
        'The pipeline: .json, or .js or .mjs with it as default export; `sparsevit init` writes one. Its paths are relative to it.',
    },
    output: { value: 'FOLDER', description: "The run's folder, instead of the document's." },
    until: { value: 'STAGE', description: `Stop after this stage: ${pipelineStages.join(', ')}.` },
    from: { value: 'STAGE', description: 'Do this stage and those after it again.' },
    json: { description: 'Print one JSON document.' },
  },
  notes: [
    "In the run's folder: a folder for each stage with its journal and results, model.safetensors to deploy, report.html, and report.json with the same numbers.",
    'The same command goes on where a run was stopped or killed, to the same result. A stage that is done is not done again; one whose part of the document has changed since is refused until --from names it.',
    `Exit codes: 0 done; ${exitCodes.budgetMissed} done, but the result does not meet the budget as measured; 2 the input is wrong; 130 stopped.`,
  ],
  examples: [
    'pipeline --config sparsevit.config.mjs',
    'pipeline --config run.json --until search',
    'pipeline --config run.json --from search',
  ],

  async execute({ options, inputs }, io) {
    refuseInputs(inputs, 'pipeline');
    if (options.config === undefined) {
      throw inputError('pipeline: expected --config FILE, got none. `sparsevit init` writes one.');
    }
    const until = options.until === undefined ? undefined : parseChoice(options.until, '--until', pipelineStages);
    const from = options.from === undefined ? undefined : parseChoice(options.from, '--from', pipelineStages);
    if (from !== undefined && until !== undefined && pipelineStages.indexOf(from) > pipelineStages.indexOf(until)) {
      throw inputError(`--from: expected a stage up to --until ${until}, got ${from}.`);
    }
    const { run, resolvePath } = await readPipelineDocument(options.config);
    const isQuiet = options.json === true;
    const progress = createProgress(io);
    const stop = new AbortController();
    let stage: PipelineStage = 'train';
    const stopListening = io.onInterrupt(() => stop.abort(interruption('pipeline: stopped.')));
    try {
      const { cpu, cores, memoryBytes, platform, runtime } = io.machine();
      const output = options.output === undefined ? undefined : resolve(options.output);
      const outcome = await runPipeline(output === undefined ? run : { ...run, output }, {
        now: io.now,
        date: io.date,
        host: { name: cpu, driver: null, platform, runtime, cores, memoryBytes },
        command: `sparsevit pipeline --config ${options.config}`,
        signal: stop.signal,
        resolvePath,
        until,
        from,
        drawSamples,
        async startTraining() {
          await startBackend('wasm');
          await import('@sparsevit/ops/gradients'); // Node's TensorFlow.js has none of its own
        },
        onEvent(event) {
          stage = event.stage;
          if (event.type === 'stage-progress') {
            const line = renderPipelineEvent(event);
            if (line !== null) progress.step(line);
            return;
          }
          progress.clear();
          if (event.type === 'stage-start') progress.step(stageTitles[event.stage]);
          else if (!isQuiet) io.stdout(`${endOf(event)}\n`);
        },
      });
      const report = await writeReport(outcome);
      progress.clear();
      if (isQuiet)
        io.stdout(
          `${JSON.stringify({ version: 1, command: 'pipeline', ...outcome, html: report?.html ?? null }, null, 2)}\n`,
        );
      else
        io.stdout(
          `\n${report === null ? renderFacts([['stopped', `after ${outcome.stage}; the run is in ${outcome.folder}`]]) : renderOutcome(outcome, report.document, report.html)}`,
        );
      return report !== null && !report.document.meetsBudget ? exitCodes.budgetMissed : exitCodes.success;
    } catch (error) {
      if (!stop.signal.aborted || error !== stop.signal.reason) throw error;
      throw interruption(`pipeline: stopped in ${stage} (${stageTitles[stage]}). The same command goes on from there.`);
    } finally {
      stopListening();
      progress.clear();
    }
  },
});

function endOf(
  event:
    | { type: 'stage-skipped'; stage: PipelineStage; isGiven: boolean }
    | { type: 'stage-end'; stage: PipelineStage; durationMs: number },
): string {
  const title = stageTitles[event.stage].padEnd(26);
  if (event.type === 'stage-end') return `${title}${renderDuration(event.durationMs)}`;
  return `${title}${event.isGiven ? 'left out, or given' : 'done before'}`;
}

/** `report.html` beside `report.json`. */
async function writeReport({
  report,
  folder,
}: PipelineOutcome): Promise<{ readonly document: PipelineReport; readonly html: string } | null> {
  if (report === null) return null;
  const document = parsePipelineReport(await readJsonFile(report, 'output'));
  const html = resolve(folder, 'report.html');
  await writeOutputFile(html, new TextEncoder().encode(await renderReport(document, folder)), 'output');
  return { document, html };
}

function renderOutcome({ chosen, model }: PipelineOutcome, report: PipelineReport, html: string): string {
  const { cases, scoreName, budgetMs, meetsBudget } = report;
  const shown = cases.filter(
    ({ kind, name }) => kind === 'dense' || kind === 'searched' || (kind === 'uniform' && name.includes('equal')),
  );
  const table = renderTable([
    [`${report.images.test} test images`, scoreName, 'ms', 'GMACs'],
    ...shown.map(({ name, score, measuredMs, gmacs }) => [
      name,
      score.toFixed(4),
      measuredMs === null ? '-' : formatNumber(measuredMs),
      formatNumber(gmacs),
    ]),
  ]);
  const facts = renderFacts([
    ...(chosen === null ? [] : [['sparsity', notationOf({ prunedRatios: chosen.prunedRatios } as never)] as const]),
    ['budget', `${formatNumber(budgetMs)} ms: ${meetsBudget ? 'met' : 'missed'}, as measured`],
    ...(model === null ? [] : [['model', model] as const]),
    ['report', html],
  ]);
  return `${table}\n\n${facts}`;
}
