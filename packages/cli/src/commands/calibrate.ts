/** `sparsevit calibrate`: a predictor of another device, or another input size, moved to this one by a few measurements. */

import type { LatencyTable } from '@sparsevit/config';
import { presetOf } from '@sparsevit/config/presets';
import type { CostEstimate } from '@sparsevit/latency';
import { referenceSparsities } from '@sparsevit/latency';
import { checkOutputFile, writeOutputFile } from '@sparsevit/pipeline/files';
import type { PredictionSource } from '@sparsevit/pipeline/node';
import { named, openPredictionSource, readLatencyTable } from '@sparsevit/pipeline/node';
import type { Command } from '../command';
import { defineCommand } from '../command';
import { inputError } from '../errors';
import type { CliIo } from '../io';
import type { CalibrationResult } from '../latency/move';
import { checkSameArchitecture, moveByTable } from '../latency/move';
import { describeDevice, predictorBytes, renderErrors, sourceFacts } from '../latency/report';

import { measurePlan } from '../profile/measure-plan';
import type { MeasurementOptions } from '../profile/options';
import { measurementOptions } from '../profile/options';
import { planMeasurement, refuseInputs } from '../profile/plan';
import { formatNumber, renderFacts } from '../table';
import { parseInteger } from '../values';

const measuring = Object.keys(measurementOptions) as readonly (keyof typeof measurementOptions)[];
const leastReferences = 3;
const mostReferences = 100;

/** The command. */
export const calibrateCommand: Command = defineCommand({
  name: 'calibrate',
  summary: 'Move a predictor of latencies to this device by ten measurements.',
  usage: [
    'calibrate --predictor FILE --weights FILE --out FILE.json [options]',
    'calibrate --table FILE --rows FILE --out FILE.json',
  ],
  options: {
    predictor: { value: 'FILE', description: 'What `sparsevit predict-latency --save` wrote, on another device.' },
    table: { value: 'FILE', description: 'Instead: a table of `sparsevit profile` from there.' },
    rows: {
      value: 'FILE',
      description: 'A table that was measured on the new device already, all of which is taken; nothing is measured.',
    },
    configs: { value: 'N', description: 'References to measure, default 10; 25 show what 5, 10 and 20 are worth.' },
    ...measurementOptions,
    size: { value: 'HxW', description: 'Height and width of the images; default those of the predictor.' },
    batch: { value: 'N', description: 'Images at once; default those of the predictor.' },
    mode: {
      value: 'MODE',
      description: 'clean or official: how many windows a ratio keeps. Default: that of the predictor.',
    },
    out: {
      value: 'FILE',
      description: 'The predictor for this device. Beside it FILE.journal.jsonl, what was measured so far.',
    },
    json: { description: 'Print one JSON document.' },
  },
  notes: [
    'milliseconds = offset + scale * predictor, and from eight rows on a scale for each stage. The references are spread over the latencies that the predictor expects.',
    'The model must be the same; device, backend, threads and size of the images may differ. The same command goes on where it was stopped or killed.',
  ],
  examples: [
    'calibrate --predictor laptop.json --weights model.pth --threads 2 --out here.json',
    'calibrate --table laptop.json --rows phone.json --out phone-predictor.json',
  ],

  async execute({ options, inputs }, io) {
    refuseInputs(inputs, 'calibrate');
    const { predictor: predictorFile, table: tableFile, rows: rowsFile, out, json } = options;
    const file = predictorFile ?? tableFile;
    if (file === undefined || (predictorFile !== undefined && tableFile !== undefined)) {
      const got = file === undefined ? 'neither' : 'both';
      throw inputError(`calibrate: expected either --predictor FILE or --table FILE, got ${got}.`);
    }
    if (out === undefined) throw inputError('calibrate: expected --out FILE for the predictor, got none.');
    const isQuiet = json === true;
    if (rowsFile !== undefined) {
      for (const option of ['configs', ...measuring] as const) {
        if (options[option] === undefined) continue;
        throw inputError(`--${option}: expected no --rows beside it, got both. With --rows nothing is measured.`);
      }
      await checkOutputFile(out, '--out', [file, rowsFile]);
    }
    const source = await openPredictionSource(file, predictorFile === undefined ? '--table' : '--predictor');
    if (!isQuiet) io.stdout(renderFacts(sourceFacts(source)));
    const { rows, cost } =
      rowsFile === undefined
        ? await measureReferences(source, { ...options, out }, io)
        : { rows: await readLatencyTable(rowsFile, '--rows'), cost: null };
    const moved = named(rowsFile ?? file, rowsFile === undefined ? '--predictor' : '--rows', () =>
      moveByTable(source, rows),
    );
    await writeOutputFile(out, predictorBytes(moved.predictor), '--out');
    const facts = { source, rows, moved, out };
    if (isQuiet)
      io.stdout(`${JSON.stringify({ ...calibrationJson(facts), estimatedMs: cost?.ms ?? null }, null, 2)}\n`);
    else io.stdout(`\n${renderCalibration(facts)}`);
  },
});

/** Measures the references of a predictor here. */
async function measureReferences(
  source: PredictionSource,
  options: MeasurementOptions & { readonly out: string; readonly configs?: string; readonly json?: true },
  io: CliIo,
): Promise<{ rows: LatencyTable; cost: CostEstimate }> {
  const { predictor } = source;
  const { architecture, batch, height, width, sparsity: rules } = predictor.subject;
  const range = { min: leastReferences, max: mostReferences };
  const count = parseInteger(options.configs ?? '10', '--configs', range);
  // without weights and a name it is the model of the predictor
  const preset = options.weights === undefined ? presetOf(architecture) : null;
  const makePlan = () =>
    planMeasurement(preset === null ? options : { model: preset, ...options }, {
      command: 'calibrate',
      reads: [source.file],
      defaults: { size: { height, width }, batch, rules },
      chooseConfigs(got, seed) {
        checkSameArchitecture(predictor, got);
        return referenceSparsities(predictor, { count, seed });
      },
    });
  const { table, cost } = await measurePlan(makePlan, { command: 'calibrate', isQuiet: options.json === true }, io);
  return { rows: table, cost };
}

interface CalibrationFacts {
  readonly source: PredictionSource;
  readonly rows: LatencyTable;
  readonly moved: CalibrationResult;
  readonly out: string;
}

function renderCalibration({ rows, moved, out }: CalibrationFacts): string {
  const { scale, offsetMs, stageScales, interval, differences, curve } = moved;
  const { batch, height, width } = rows.input;
  const images = `${batch === 1 ? '1 image' : `${batch} images`} of ${height}x${width}`;
  const signed = (value: number, digits: number): string =>
    `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(digits)}`;
  const stages = stageScales.some((value) => Math.abs(value) >= 5e-4)
    ? [['stages', `${stageScales.map((value) => signed(value, 3)).join(', ')} on the scale of each`] as const]
    : [];
  const facts = renderFacts([
    ['moved to', `${describeDevice(rows)}, ${images}, by ${rows.rows.length} rows`],
    ['differs', differences ?? 'in nothing: the same device, model and input'],
    ['scale', scale.toFixed(3)],
    ['offset', `${offsetMs < 0 ? '-' : ''}${formatNumber(Math.abs(offsetMs))} ms`],
    ...stages,
    [
      'interval',
      `${signed(100 * interval.low, 1)} to ${signed(100 * interval.high, 1)} % holds ${(100 * interval.level).toFixed(0)} % of new measurements, from rows left out in turn`,
    ],
    ['written', out],
  ]);
  if (curve.length === 0)
    return `${facts}\nErrors by the number of rows take at least 10 rows, got ${rows.rows.length}.\n`;
  const named = curve.map((point) => [point.points === 0 ? 'not moved' : `${point.points} rows`, point] as const);
  return `${facts}\n${renderErrors(`on ${curve[0]?.rows ?? 0} other rows`, named)}\n`;
}

function calibrationJson({ source, rows, moved, out }: CalibrationFacts): Record<string, unknown> {
  const { predictor, ...result } = moved;
  return {
    version: 1,
    command: 'calibrate',
    source: { file: source.file, kind: source.predictor.kind, origin: source.predictor.origin },
    origin: predictor.origin,
    device: rows.device,
    input: rows.input,
    rows: rows.rows.length,
    excluded: rows.excluded,
    ...result,
    out,
  };
}
