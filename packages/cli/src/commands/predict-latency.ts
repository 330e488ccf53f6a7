/** `sparsevit predict-latency`: how long sparsities take that were not measured. */

import { notationOf, parseSparsity } from '@sparsevit/config/presets';
import { qualityReport, rowsAtSpeedOf } from '@sparsevit/latency';
import { checkOutputFile, writeOutputFile } from '@sparsevit/pipeline/files';
import type { PredictionSource } from '@sparsevit/pipeline/node';
import { named, openPredictionSource, readLatencyTable } from '@sparsevit/pipeline/node';
import type { Command } from '../command';
import { defineCommand } from '../command';
import { inputError } from '../errors';
import type { JudgedHoldOut, NamedPrediction } from '../latency/report';
import {
  holdOutFacts,
  holdOutRows,
  predictorBytes,
  renderErrors,
  renderPredictions,
  sourceFacts,
} from '../latency/report';
import { checkHoldOut } from '../latency/source';
import { refuseInputs } from '../profile/plan';
import { renderFacts } from '../table';

/** The command. */
export const predictLatencyCommand: Command = defineCommand({
  name: 'predict-latency',
  summary: 'Say how long a model takes at sparsities that were not measured.',
  usage: ["predict-latency --table FILE --sparsity '.3|0|.1,.2,.2|0' [options]"],
  options: {
    table: {
      value: 'FILE',
      description: 'What `sparsevit profile` measured; or a predictor that --save or `sparsevit calibrate` wrote.',
    },
    sparsity: {
      value: 'RATIOS',
      isRepeatable: true,
      description: "Share of windows left out: one number or '.3|0|.1,.2,.2|0'. May be repeated.",
    },
    'hold-out': {
      value: 'FILE',
      description:
        'A table of `sparsevit profile --hold-out`, of the same device, model and input: how good the predictor is there.',
    },
    save: { value: 'FILE', description: 'Write the predictor: a few kilobytes of JSON for predictorFromJSON.' },
    json: { description: 'Print one JSON document.' },
  },
  notes: [
    'Every kind of predictor is fitted to the table; cross-validation chooses. Its errors flatter a little: those of a hold-out do not.',
    'least to most holds nine of ten new measurements. The sparsities are run by the rules (clean or official) of the table.',
  ],
  examples: [
    "predict-latency --table table.json --sparsity .5 --sparsity '.3|0|.1,.2,.2|0'",
    'predict-latency --table table.json --hold-out held-out.json --save predictor.json',
  ],

  async execute({ options, inputs }, io) {
    refuseInputs(inputs, 'predict-latency');
    const { table: file, sparsity: texts = [], 'hold-out': holdOutFile, save } = options;
    if (file === undefined) {
      throw inputError('predict-latency: expected --table FILE with a table or a predictor, got none.');
    }
    if (save !== undefined) {
      await checkOutputFile(save, '--save', [file, ...(holdOutFile === undefined ? [] : [holdOutFile])]);
    }
    const source = await openPredictionSource(file, '--table');
    const { predictor } = source;
    const predictions = texts.map((text): NamedPrediction => {
      const sparsity = parseSparsity(text, predictor.subject.architecture);
      return { sparsity: notationOf(sparsity), ...predictor.predict(sparsity.prunedRatios) };
    });
    const report = holdOutFile === undefined ? null : await judge(source, holdOutFile);
    if (save !== undefined) await writeOutputFile(save, predictorBytes(predictor), '--save');

    if (options.json) {
      const { kind, origin, subject } = predictor;
      const document = {
        version: 1,
        command: 'predict-latency',
        table: file,
        kind,
        origin,
        input: { batch: subject.batch, height: subject.height, width: subject.width },
        rows: source.table?.rows.length ?? null,
        noiseFloor: source.noiseFloor,
        scores: source.scores,
        predictions,
        holdOut: report === null ? null : { table: holdOutFile, ...report },
        saved: save ?? null,
      };
      io.stdout(`${JSON.stringify(document, null, 2)}\n`);
      return;
    }
    io.stdout(renderFacts(sourceFacts(source)));
    if (source.scores.length > 0) {
      io.stdout(
        `\n${renderErrors(
          'cross-validation',
          source.scores.map((score) => [`${score.kind}${score.kind === predictor.kind ? ', chosen' : ''}`, score]),
        )}\n`,
      );
    }
    if (report !== null) {
      io.stdout(`\n${renderErrors('held out', holdOutRows(report))}\n`);
      io.stdout(renderFacts(holdOutFacts(report)));
    }
    if (predictions.length > 0) io.stdout(`\n${renderPredictions(predictions)}\n`);
    if (save !== undefined) io.stdout(`\n${renderFacts([['written', save]])}`);
  },
});

/** How good a predictor is on a table that it has not seen. */
async function judge(source: PredictionSource, file: string): Promise<JudgedHoldOut> {
  const holdOut = await readLatencyTable(file, '--hold-out');
  checkHoldOut(source, holdOut, file);
  const { predictor, table } = source;
  return named(file, '--hold-out', () => {
    const predictions = holdOut.rows.map(({ prunedRatios }) => predictor.predict(prunedRatios));
    const atSpeed = table === null ? null : rowsAtSpeedOf(holdOut, table);
    return {
      ...qualityReport(holdOut.rows, predictions),
      slowdown: atSpeed?.slowdown ?? null,
      atSpeed: atSpeed === null ? null : qualityReport(atSpeed.rows, predictions),
    };
  });
}
