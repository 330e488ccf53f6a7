/** The charts of a report, as SVG drawn by Vega-Lite. What a chart shows is said in a sentence for those who do not see it. */

import type { PipelineReport, ReportCase } from '@sparsevit/config';
import { parse, View } from 'vega';
import type { TopLevelSpec } from 'vega-lite';
import { compile } from 'vega-lite';

/** A chart. */
export interface Chart {
  readonly svg: string;
  /** What it shows. */
  readonly description: string;
}

/** Told apart by most kinds of colour vision (Okabe and Ito, 2008). */
const colours = {
  searched: '#d55e00',
  front: '#0072b2',
  uniform: '#009e73',
  random: '#999999',
  dense: '#000000',
  'low-resolution': '#cc79a7',
} as const;

const size = { width: 620, height: 340 } as const;

async function draw(spec: Record<string, unknown>, description: string): Promise<Chart> {
  const full = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    ...size,
    description,
    config: {
      font: 'system-ui, sans-serif',
      axis: { labelFontSize: 12, titleFontSize: 13, gridColor: '#e6e6e6' },
      legend: { labelFontSize: 12, titleFontSize: 12, labelLimit: 400, orient: 'bottom', columns: 3 },
      view: { stroke: null },
    },
    ...spec,
  } as unknown as TopLevelSpec;
  const view = new View(parse(compile(full).spec), { renderer: 'none' });
  try {
    return { svg: await view.toSVG(), description };
  } finally {
    view.finalize();
  }
}

/** Where a case lies on the axis of time: measured where it was, else predicted. */
export const millisecondsOf = ({ measuredMs, predictedMs }: ReportCase): number | null => measuredMs ?? predictedMs;

const kinds: Readonly<Record<ReportCase['kind'], string>> = {
  dense: 'dense',
  searched: 'searched',
  front: 'front of the file',
  uniform: 'same everywhere',
  random: 'random',
  'low-resolution': 'dense, lower resolution',
};

/** What somebody looks for first: is the sparse model better than what else takes as long? */
export function scoreChart(report: PipelineReport): Promise<Chart> {
  const values = report.cases.flatMap((one) => {
    const ms = millisecondsOf(one);
    if (ms === null || one.name.includes('not adapted')) return [];
    return [{ name: one.name, kind: kinds[one.kind], ms, score: one.score, isMeasured: one.measuredMs !== null }];
  });
  const present = (Object.keys(kinds) as ReportCase['kind'][]).filter((kind) =>
    values.some((one) => one.kind === kinds[kind]),
  );
  const encoding = {
    x: { field: 'ms', type: 'quantitative', title: 'milliseconds per image', scale: { zero: true } },
    y: {
      field: 'score',
      type: 'quantitative',
      title: `${report.scoreName}, test images`,
      scale: { zero: false, nice: true },
    },
    color: {
      field: 'kind',
      type: 'nominal',
      title: null,
      scale: { domain: present.map((kind) => kinds[kind]), range: present.map((kind) => colours[kind]) },
    },
  };
  const lines = [kinds.front, kinds.uniform, kinds['low-resolution']];
  const searched = values.find(({ name }) => name === 'searched');
  return draw(
    {
      layer: [
        {
          data: { values: values.filter(({ kind }) => lines.includes(kind)) },
          mark: { type: 'line', opacity: 0.5 },
          encoding: { ...encoding, order: { field: 'ms' } },
        },
        {
          data: { values },
          mark: { type: 'point', size: 60, strokeWidth: 2 },
          encoding: {
            ...encoding,
            shape: {
              field: 'isMeasured',
              type: 'nominal',
              title: null,
              scale: { domain: [true, false], range: ['circle', 'diamond'] },
              legend: { labelExpr: "datum.value ? 'measured' : 'predicted'" },
            },
          },
        },
        {
          data: { values: searched === undefined ? [] : [searched] },
          mark: { type: 'point', shape: 'circle', size: 220, strokeWidth: 3 },
          encoding,
        },
        {
          data: { values: [{ ms: report.budgetMs }] },
          mark: { type: 'rule', strokeDash: [6, 4], color: '#555555' },
          encoding: { x: { field: 'ms', type: 'quantitative' } },
        },
      ],
    },
    `${report.scoreName} against milliseconds of ${values.length} ways to run the model; the dashed line is the budget of ${report.budgetMs.toFixed(1)} ms.`,
  );
}

/** Which layers are pruned how much, and which of them matter. */
export function sparsityChart(report: PipelineReport): Promise<Chart> {
  const chosen = report.cases.find(({ kind, weights }) => kind === 'searched' && weights === 'final');
  const importance = new Map(report.search.importance.map(({ stage, pair, share }) => [`${stage}.${pair}`, share]));
  const values = (chosen?.prunedRatios ?? []).flatMap((pairs, stage) =>
    pairs.map((ratio, pair) => ({
      layer: pairs.length === 1 ? `stage ${stage + 1}` : `stage ${stage + 1}, pair ${pair + 1}`,
      pruned: 100 * ratio,
      importance: 100 * (importance.get(`${stage}.${pair}`) ?? 0),
    })),
  );
  return draw(
    {
      data: { values },
      height: 220,
      encoding: { x: { field: 'layer', type: 'nominal', sort: null, title: null, axis: { labelAngle: 0 } } },
      layer: [
        {
          mark: { type: 'bar', color: colours.searched, opacity: 0.85, width: { band: 0.6 } },
          encoding: {
            y: { field: 'pruned', type: 'quantitative', title: 'windows pruned, %', scale: { domain: [0, 100] } },
          },
        },
        {
          mark: { type: 'tick', color: colours.dense, thickness: 3, width: { band: 0.6 } },
          encoding: { y: { field: 'importance', type: 'quantitative' } },
        },
      ],
    },
    'Share of windows that each pair of blocks leaves out (bars), and the share of what the score depends on (lines).',
  );
}

/** Whether predictions can be trusted. */
export function latencyChart(report: PipelineReport): Promise<Chart> {
  const table = report.latency.points.map((point) => ({ ...point, kind: 'measured table' }));
  const measured = report.search.measured.map(({ predictedMs, measuredMs }) => ({
    predictedMs,
    measuredMs,
    kind: 'best of the search',
  }));
  const final = report.cases.flatMap(({ predictedMs, measuredMs }) =>
    predictedMs === null || measuredMs === null ? [] : [{ predictedMs, measuredMs, kind: 'at the end' }],
  );
  const values = [...table, ...measured, ...final];
  const most = Math.max(0, ...values.flatMap(({ predictedMs, measuredMs }) => [predictedMs, measuredMs]));
  const least = Math.min(most, ...values.flatMap(({ predictedMs, measuredMs }) => [predictedMs, measuredMs]));
  const domain = [0.95 * least, 1.05 * most];
  return draw(
    {
      layer: [
        {
          data: { values: domain.map((ms) => ({ predictedMs: ms, measuredMs: ms })) },
          mark: { type: 'line', color: '#bbbbbb' },
          encoding: {
            x: { field: 'predictedMs', type: 'quantitative' },
            y: { field: 'measuredMs', type: 'quantitative' },
          },
        },
        {
          data: { values },
          mark: { type: 'point', size: 40, strokeWidth: 2 },
          encoding: {
            x: { field: 'predictedMs', type: 'quantitative', title: 'predicted ms', scale: { domain, nice: false } },
            y: { field: 'measuredMs', type: 'quantitative', title: 'measured ms', scale: { domain, nice: false } },
            color: {
              field: 'kind',
              type: 'nominal',
              title: null,
              scale: {
                domain: ['measured table', 'best of the search', 'at the end'],
                range: [colours.random, colours.front, colours.searched],
              },
            },
          },
        },
      ],
    },
    `Predicted against measured milliseconds of ${values.length} sparsities; on the line they are equal.`,
  );
}

/** What the search looked at. */
export function searchChart(report: PipelineReport): Promise<Chart> {
  const { history, front } = report.search;
  const encoding = {
    x: { field: 'latencyMs', type: 'quantitative', title: 'predicted ms', scale: { zero: false } },
    y: {
      field: 'score',
      type: 'quantitative',
      title: `${report.scoreName}, validation images`,
      scale: { zero: false },
    },
  };
  return draw(
    {
      layer: [
        {
          data: { values: history },
          mark: { type: 'circle', size: 30, color: colours.random, opacity: 0.6 },
          encoding,
        },
        {
          data: { values: front.map(({ latencyMs, score }) => ({ latencyMs, score })) },
          mark: { type: 'line', point: true, color: colours.front, interpolate: 'step-after' },
          encoding: { ...encoding, order: { field: 'latencyMs' } },
        },
      ],
    },
    `${report.scoreName} against predicted milliseconds of the ${history.length} sparsities that the search evaluated, and their front.`,
  );
}

/** How the loss fell in each stage. */
export function trainingChart(report: PipelineReport): Promise<Chart> {
  const values = report.training.flatMap(({ stage, points }) =>
    points.map(({ step, loss }) => ({ stage, step, loss })),
  );
  return draw(
    {
      data: { values },
      height: 260,
      mark: { type: 'line', strokeWidth: 2 },
      encoding: {
        x: { field: 'step', type: 'quantitative', title: 'step of the stage' },
        y: { field: 'loss', type: 'quantitative', scale: { type: 'log' }, title: 'loss' },
        color: {
          field: 'stage',
          type: 'nominal',
          title: null,
          scale: { domain: ['train', 'adapt', 'finetune'], range: [colours.dense, colours.front, colours.searched] },
        },
      },
    },
    'Loss over the steps of each stage of training.',
  );
}
