/** The document of a regression, read by hand: this package is shipped without a schema library. */

import { ConfigError } from '@sparsevit/windows';
import type { DocumentField } from '@sparsevit/windows/document-field';
import { fieldOf } from '@sparsevit/windows/document-field';
import type { AdditiveDocument } from './additive';
import { additiveModel } from './additive';
import type { BoostedDocument } from './boosted';
import { boostedModel } from './boosted';
import type { IntervalDocument } from './interval';
import type { LinearDocument } from './linear';
import { linearModel } from './linear';
import type { PointModel, PointModelDocument } from './point-model';
import type { ColumnSupport } from './support';

/** A fitted regression as JSON. */
export interface RegressorDocument {
  readonly format: 'sparsevit-latency-regressor';
  readonly version: 1;
  readonly kind: 'linear' | 'additive' | 'boosted';
  /** Features that it takes. */
  readonly columns: number;
  readonly interval: IntervalDocument;
  readonly support: readonly ColumnSupport[];
  readonly model: PointModelDocument;
}

/** More than any fit makes; a document beyond it is not one of ours. */
const limits = { columns: 4096, numbers: 1e6, depth: 8, logarithm: 100 };

/** The model of a checked document. */
export function modelOfDocument(document: PointModelDocument): PointModel {
  switch (document.kind) {
    case 'linear':
      return linearModel(document);
    case 'additive':
      return additiveModel(document);
    default:
      return boostedModel(document);
  }
}

/** Checks a document of a regression, and takes only what belongs to it. */
export function readRegressorDocument(value: unknown): RegressorDocument {
  const document = fieldOf('regressor', value);
  document.at('format').oneOf(['sparsevit-latency-regressor']);
  const version = document.at('version').integer(0, Number.MAX_SAFE_INTEGER);
  if (version !== 1) {
    throw new ConfigError(`regressor.version: expected 1, got ${version}. Read it with the release that wrote it.`);
  }
  const columns = document.at('columns').integer(1, limits.columns);
  const model = readModel(document.at('model'), columns);
  return {
    format: 'sparsevit-latency-regressor',
    version: 1,
    kind: document.at('kind').oneOf([model.kind]),
    columns,
    interval: readInterval(document.at('interval')),
    support: document.at('support').list(limits.columns, (field) => readSupport(field, columns)),
    model,
  };
}

function readModel(model: DocumentField, columns: number): PointModelDocument {
  switch (model.at('kind').oneOf(['linear', 'additive', 'boosted'])) {
    case 'linear':
      return readLinear(model, columns);
    case 'additive':
      return readAdditive(model, columns);
    default:
      return readBoosted(model, columns);
  }
}

const readColumn = (field: DocumentField, columns: number): number => field.integer(0, columns - 1);

function readLinear(model: DocumentField, columns: number): LinearDocument {
  const used = model.at('columns').list(limits.columns, (field) => readColumn(field, columns));
  const coefficients = model.at('coefficients').list(limits.columns, (field) => field.number());
  if (coefficients.length !== used.length) {
    model.at('coefficients').refuse(`one per column (${used.length})`, coefficients.length);
  }
  return {
    kind: 'linear',
    columns: used,
    coefficients,
    intercept: model.at('intercept').number(),
    leastMs: model.at('leastMs').number({ above: 0 }),
  };
}

function readAdditive(model: DocumentField, columns: number): AdditiveDocument {
  return {
    kind: 'additive',
    intercept: model.at('intercept').number(),
    tables: model.at('tables').list(limits.columns, (table) => {
      const levels = table.at('levels').list(limits.numbers, (field) => field.number());
      const ms = table.at('ms').list(limits.numbers, (field) => field.number());
      checkRising(table.at('levels'), levels);
      if (levels.length === 0) table.at('levels').refuse('at least one level', 0);
      if (ms.length !== levels.length) table.at('ms').refuse(`one per level (${levels.length})`, ms.length);
      return { column: readColumn(table.at('column'), columns), levels, ms };
    }),
    leastMs: model.at('leastMs').number({ above: 0 }),
  };
}

function readBoosted(model: DocumentField, columns: number): BoostedDocument {
  const base = model.at('base');
  const kind = base.at('kind').oneOf(['linear', 'additive']);
  const depth = model.at('depth').integer(1, limits.depth);
  const features = model.at('features').list(limits.numbers, (field) => field.integer(-1, columns - 1));
  const thresholds = model.at('thresholds').list(limits.numbers, (field) => field.number());
  const leaves = model
    .at('leaves')
    .list(limits.numbers, (field) => field.number({ least: -limits.logarithm, most: limits.logarithm }));
  const trees = leaves.length / 2 ** depth;
  const nodes = trees * (2 ** depth - 1);
  if (!Number.isInteger(trees)) model.at('leaves').refuse(`a multiple of ${2 ** depth} leaves`, leaves.length);
  if (features.length !== nodes) model.at('features').refuse(`${nodes} nodes`, features.length);
  if (thresholds.length !== nodes) model.at('thresholds').refuse(`${nodes} nodes`, thresholds.length);
  return {
    kind: 'boosted',
    base: kind === 'linear' ? readLinear(base, columns) : readAdditive(base, columns),
    depth,
    features,
    thresholds,
    leaves,
  };
}

function readInterval(interval: DocumentField): IntervalDocument {
  return {
    level: interval.at('level').number({ least: 0.5, most: 1 }),
    low: interval.at('low').number({ least: -limits.logarithm, most: 0 }),
    high: interval.at('high').number({ least: 0, most: limits.logarithm }),
  };
}

function readSupport(support: DocumentField, columns: number): ColumnSupport {
  const edges = support.at('edges').list(limits.columns, (field) => field.number());
  const rows = support.at('rows').list(limits.columns, (field) => field.integer(0, Number.MAX_SAFE_INTEGER));
  checkRising(support.at('edges'), edges);
  if (rows.length !== edges.length + 1) support.at('rows').refuse(`one more than edges`, rows.length);
  const least = support.at('least').number();
  return {
    column: readColumn(support.at('column'), columns),
    least,
    most: support.at('most').number({ least }),
    edges,
    rows,
  };
}

function checkRising(field: DocumentField, values: readonly number[]): void {
  values.forEach((value, i) => {
    if (i > 0 && !(value > (values[i - 1] ?? 0))) field.refuse('rising numbers', `${values[i - 1]}, ${value}`);
  });
}
