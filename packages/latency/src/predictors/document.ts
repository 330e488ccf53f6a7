/** The document of a predictor, read by hand: what an application ships beside its model. */

import type { SwinArchitecture, SwinRules } from '@sparsevit/windows';
import { ConfigError } from '@sparsevit/windows';
import type { DocumentField } from '@sparsevit/windows/document-field';
import { fieldOf, sparsityRulesOf } from '@sparsevit/windows/document-field';
import type { RegressorDocument } from '../regression/document';
import { readRegressorDocument } from '../regression/document';
import type { IntervalDocument } from '../regression/interval';
import type { PredictorKind } from './predictor';
import type { WholeSubject } from './subject';
import { wholeSubject } from './subject';

/** A predictor that was fitted to rows, as JSON. */
export interface FittedPredictorDocument {
  readonly format: 'sparsevit-latency-predictor';
  readonly version: 1;
  readonly kind: PredictorKind;
  /** What the caller said the rows come from. */
  readonly origin: string;
  readonly subject: WholeSubject;
  readonly regressor: RegressorDocument;
}

/** A predictor of another device, moved to a new one by a few rows, as JSON. */
export interface CalibratedPredictorDocument {
  readonly format: 'sparsevit-latency-predictor';
  readonly version: 1;
  readonly kind: 'calibrated';
  readonly origin: string;
  readonly source: FittedPredictorDocument;
  readonly offsetMs: number;
  readonly scale: number;
  /** What is added to the scale for what each stage saves. */
  readonly stageScales: readonly number[];
  readonly leastMs: number;
  readonly interval: IntervalDocument;
}

/** A predictor as JSON. */
export type PredictorDocument = FittedPredictorDocument | CalibratedPredictorDocument;

const longestOrigin = 2000;
const mostStages = 16;
const mostBlocks = 256;
const mostChoices = 100;
/** Counting the work of a model takes time and memory that grow with these. */
const largestSide = 65536;

/**
 * Checks a document, and takes only what belongs to it.
 *
 * @throws ConfigError naming the field that is not as it should be
 */
export function readPredictorDocument(value: unknown): PredictorDocument {
  const document = readHead(value, 'predictor');
  if (document.at('kind').oneOf(['macs', 'table', 'physical', 'boosted', 'calibrated']) !== 'calibrated') {
    return readFitted(document);
  }
  const source = readFitted(document.at('source'));
  const stageScales = document.at('stageScales').list(mostStages, (field) => field.number());
  const stages = source.subject.architecture.depths.length;
  if (stageScales.length !== stages) document.at('stageScales').refuse(`${stages} numbers`, stageScales);
  const interval = document.at('interval');
  return {
    format: 'sparsevit-latency-predictor',
    version: 1,
    kind: 'calibrated',
    origin: document.at('origin').text(longestOrigin),
    source,
    offsetMs: document.at('offsetMs').number(),
    scale: document.at('scale').number(),
    stageScales,
    leastMs: document.at('leastMs').number({ above: 0 }),
    interval: {
      level: interval.at('level').number({ least: 0.5, most: 1 }),
      low: interval.at('low').number({ least: -100, most: 0 }),
      high: interval.at('high').number({ least: 0, most: 100 }),
    },
  };
}

/** The head of a document that this release can read. */
function readHead(value: unknown, path: string): DocumentField {
  const document = fieldOf(path, value);
  document.at('format').oneOf(['sparsevit-latency-predictor']);
  const version = document.at('version').integer(0, Number.MAX_SAFE_INTEGER);
  if (version !== 1) {
    throw new ConfigError(`${path}.version: expected 1, got ${version}. Read it with the release that wrote it.`);
  }
  return document;
}

function readFitted(document: DocumentField): FittedPredictorDocument {
  return {
    format: document.at('format').oneOf(['sparsevit-latency-predictor']),
    version: document.at('version').integer(1, 1) as 1,
    kind: document.at('kind').oneOf(['macs', 'table', 'physical', 'boosted']),
    origin: document.at('origin').text(longestOrigin),
    subject: readSubject(document.at('subject')),
    regressor: readRegressorDocument(document.at('regressor').value),
  };
}

function readSubject(subject: DocumentField): WholeSubject {
  return wholeSubject({
    architecture: readArchitecture(subject.at('architecture')),
    height: subject.at('height').integer(1, largestSide),
    width: subject.at('width').integer(1, largestSide),
    batch: subject.at('batch').integer(1, largestSide),
    rules: readRules(subject.at('rules')),
    sparsity: sparsityRulesOf(subject.at('sparsity')),
    choices: subject.at('choices').list(mostChoices, (field) => field.number({ least: 0, most: 1 })),
  });
}

function readArchitecture(architecture: DocumentField): SwinArchitecture {
  const counts = (name: string, most: number): number[] =>
    architecture.at(name).list(mostStages, (field) => field.integer(1, most));
  const depths = counts('depths', mostBlocks);
  const blocks = depths.reduce((sum, depth) => sum + depth, 0);
  if (blocks > mostBlocks) architecture.at('depths').refuse(`at most ${mostBlocks} blocks`, blocks);
  return {
    embedDim: architecture.at('embedDim').integer(1, largestSide),
    depths,
    heads: counts('heads', largestSide),
    window: architecture.at('window').integer(1, 256),
    mlpRatio: architecture.at('mlpRatio').number({ above: 0, most: 256 }),
    patchSize: architecture.at('patchSize').integer(1, 256),
  };
}

function readRules(rules: DocumentField): SwinRules {
  return {
    pad: rules.at('pad').oneOf(['before-norm', 'after-norm']),
    shift: rules.at('shift').oneOf(['pad-then-roll', 'roll-then-pad']),
    shiftOff: rules.at('shiftOff').oneOf(['never', 'per-axis', 'both-axes']),
    lastStageShifts: rules.at('lastStageShifts').flag(),
    imageRemainder: rules.at('imageRemainder').oneOf(['pad', 'crop']),
  };
}
