/** What `run` prints: one report, as text or as JSON. */

import { describeArchitecture, notationOf } from '@sparsevit/config/presets';
import type { KeptWindowIds, Sparsity } from '@sparsevit/windows';
import type { MachineFacts } from '../io';
import type { LoadedModel } from '../model';
import { modeOf, prunedOf } from '../sparsity';
import { formatBytes, formatNumber, renderFacts, renderTable } from '../table';
import type { Findings, Gmacs, Latency } from './evaluate';
import type { RunnerFacts } from './runner';

/** What holds for all inputs of a command. */
export interface RunFacts {
  readonly model: LoadedModel;
  readonly sparsity: Sparsity;
  readonly backend: RunnerFacts;
  readonly machine: MachineFacts;
}

/** What holds for one input. */
export interface InputFacts {
  readonly name: string;
  readonly origin: string;
  readonly shape: readonly [number, number, number, number];
  readonly findings: Findings;
  readonly peakMemoryBytes: number;
  /** Paths of the files that were written. */
  readonly overlay: string | null;
  readonly features: string | null;
}

/** The model in one line. */
export function describeModel({ architecture, preset, source }: LoadedModel): string {
  const name = preset ?? describeArchitecture(architecture);
  return 'seed' in source
    ? `${name}, random weights (seed ${source.seed}): counts and times are real, the features are not trained`
    : `${name}, weights of ${source.weights}`;
}

/** The sparsity in one line. */
export function describeSparsity({ model, sparsity }: Pick<RunFacts, 'model' | 'sparsity'>): string {
  const pads = sparsity.padding === 'before-norm' ? ', pads before the norm' : '';
  return `${prunedOf(sparsity)}, ${modeOf(sparsity)} mode, rules of ${model.family}${pads}`;
}

/** The machine in one line. */
function describeMachine(machine: MachineFacts): string {
  const cores = `${machine.cores} ${machine.cores === 1 ? 'core' : 'cores'}`;
  return `${machine.cpu}, ${cores}, ${formatBytes(machine.memoryBytes)}, ${machine.platform}, ${machine.runtime}`;
}

/** The lines before the first input. */
export function renderRunFacts(facts: RunFacts): string {
  return renderFacts([
    ['model', describeModel(facts.model)],
    ['sparsity', describeSparsity(facts)],
    ...backendFacts(facts.backend),
    ['machine', describeMachine(facts.machine)],
    ...facts.model.notes.map((note, i): [string, string] => [i === 0 ? 'notes' : '', note]),
  ]);
}

/** What runs the model, and what was meant to and does not. */
function backendFacts({ backend, detail, more, refused }: RunnerFacts): [string, string][] {
  return [
    ['backend', `${backend} (${detail})${more}`],
    ...refused.map(({ reason }): [string, string] => ['', `not used: ${reason}`]),
  ];
}

/** The lines of one input. */
export function renderInput(input: InputFacts): string {
  const { findings, shape } = input;
  const { denseMs, sparseMs, denseGmacs, sparseGmacs, kept, isWarmUp } = findings;
  const [batch, height, width] = shape;
  const runs = isWarmUp ? 'the first run' : `median of ${denseMs.samples.length}`;
  const range = ({ min, max }: Latency): string => `${formatNumber(min)}..${formatNumber(max)} ms`;
  const gmacs = (which: keyof Gmacs): string[] => [
    `GMACs, ${which}`,
    formatNumber(denseGmacs[which]),
    sparseGmacs === null ? 'by image' : formatNumber(sparseGmacs[which]),
  ];
  const overlap = denseMs.samples.length > 1 && denseMs.min <= sparseMs.max && sparseMs.min <= denseMs.max;
  const table = renderTable([
    ['', 'dense', 'sparse'],
    ...kept.map(windowsRow),
    gmacs('fair'),
    gmacs('published'),
    [`latency, ${runs}`, `${formatNumber(denseMs.median)} ms`, `${formatNumber(sparseMs.median)} ms`],
    ...(denseMs.samples.length > 1 ? [['latency, least to most', range(denseMs), range(sparseMs)]] : []),
    ['speed-up', '', overlap ? 'within the spread' : `${formatNumber(denseMs.median / sparseMs.median)}x`],
  ]);
  const images = batch === 1 ? '' : `, GMACs and latency are those of the batch of ${batch}`;
  const notes = [
    ...(isWarmUp ? ['One run took longer than 20 s, so each ran once, with nothing to warm up before it.'] : []),
    ...(findings.sparseGmacs === null
      ? ['Thresholds decide by image how many windows are kept; GMACs are not counted.']
      : []),
    ...(sparseGmacs !== null && sparseGmacs.fair > denseGmacs.fair
      ? [
          'Fair GMACs count a kept window with its pads and a dense block without, so that little pruning of a padded map counts as more.',
        ]
      : []),
    `Peak memory of the process so far: ${formatBytes(input.peakMemoryBytes)}.`,
    ...(input.overlay === null ? [] : [`Kept windows drawn in ${input.overlay}`]),
    ...(input.features === null ? [] : [`Features of the sparse run in ${input.features}`]),
  ];
  return `\n${input.name}, ${height}x${width} (${input.origin})${images}\n\n${table}\n\n${notes.join('\n')}\n`;
}

function windowsRow({ stage, block, grid, ids, perImage }: KeptWindowIds): string[] {
  const counts = perImage.map((windows) => windows.length);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const share = `${Math.round((100 * most) / grid.windowsPerImage)} %`;
  const sparse = ids === null ? 'all' : `${least === most ? most : `${least}..${most}`} (${share})`;
  return [`windows kept, stage ${stage} block ${block}`, String(grid.windowsPerImage), sparse];
}

/** An input that ended the command. */
export interface FailedInput {
  readonly input: string;
  readonly message: string;
}

/** The whole report as a JSON document. `failed`: the input after the last one of `inputs`, when it ended the command. */
export function reportJson(facts: RunFacts, inputs: readonly InputFacts[], failed: FailedInput | null): object {
  const { model, sparsity, machine } = facts;
  const { backend: name, json, more: _, ...backend } = facts.backend;
  const { architecture, family, notes } = model;
  const latency = ({ median, min, max, samples }: Latency): object => ({ median, min, max, samples });
  return {
    version: 1,
    command: 'run',
    model: { preset: model.preset, architecture, family, ...model.source, notes },
    sparsity: { notation: notationOf(sparsity), mode: modeOf(sparsity), ...sparsity },
    backend: { name, ...backend, ...json },
    machine,
    inputs: inputs.map(({ name, shape: [batch, height, width], findings, peakMemoryBytes, overlay, features }) => ({
      input: name,
      batch,
      height,
      width,
      windows: findings.kept.map(({ stage, block, grid, ids, perImage }) => ({
        stage,
        block,
        isShifted: grid.shiftY > 0 || grid.shiftX > 0,
        isDense: ids === null,
        windowsPerImage: grid.windowsPerImage,
        kept: perImage.map((windows) => windows.length),
      })),
      gmacs: { dense: findings.denseGmacs, sparse: findings.sparseGmacs },
      latencyMs: {
        dense: latency(findings.denseMs),
        sparse: latency(findings.sparseMs),
        isWarmUp: findings.isWarmUp,
      },
      compileMs: findings.compileMs,
      speedUp: findings.denseMs.median / findings.sparseMs.median,
      peakMemoryBytes,
      overlay,
      features,
    })),
    failed,
  };
}
