/** The report of a pipeline as one page that needs nothing beside it: charts and pictures are inside. */

import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { PipelineReport, ReportCase } from '@sparsevit/config';
import { notationOf } from '@sparsevit/config';
import { inputError, quote } from '../errors';
import { renderDuration } from '../progress';
import { formatBytes, formatNumber } from '../table';
import type { Chart } from './charts';
import { latencyChart, millisecondsOf, scoreChart, searchChart, sparsityChart, trainingChart } from './charts';
import type { Html } from './html';
import { html, trusted } from './html';
import { style } from './style';

const score = (value: number): string => value.toFixed(3);
const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
const ratios = (prunedRatios: ReportCase['prunedRatios']): string =>
  prunedRatios === null ? 'dense' : notationOf({ prunedRatios } as never);

/** The cases that the headline is about. */
function headlineCases({ cases }: PipelineReport): { readonly dense: ReportCase; readonly searched: ReportCase } {
  const dense = cases.find(({ kind, weights }) => kind === 'dense' && weights === 'dense');
  const searched = cases.find(({ kind, weights }) => kind === 'searched' && weights === 'final');
  if (dense === undefined || searched === undefined) {
    throw inputError(
      'report: expected a dense and a searched case, got a report without. Do the evaluation again with --from evaluate.',
    );
  }
  return { dense, searched };
}

/**
 * Draws a report.
 *
 * @param folder of the run, where its pictures lie
 * @returns a page of HTML, whole
 * @throws SparseViTError when a picture is missing, or the report lacks the dense or the searched model
 */
export async function renderReport(report: PipelineReport, folder: string): Promise<string> {
  const { dense, searched } = headlineCases(report);
  const title = `${report.model.name}: ${score(searched.score)} ${report.scoreName} in ${formatNumber(millisecondsOf(searched) ?? 0)} ms`;
  const charts = {
    score: await scoreChart(report),
    sparsity: await sparsityChart(report),
    latency: await latencyChart(report),
    search: await searchChart(report),
    training: report.training.length === 0 ? null : await trainingChart(report),
  };
  const samples = await samplesOf(report, folder);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${trusted(style)}</style>
</head>
<body>
<header>
<h1>${report.model.name}, ${formatNumber(report.budgetMs)} ms</h1>
<p>${summaryOf(report, dense, searched)}</p>
${headlineOf(report, dense, searched)}
${report.notes.map((note) => html`<p class="note">${note}</p>`)}
</header>

<h2>${report.scoreName} against latency</h2>
${figureOf(charts.score, 'Circles were measured in turns on this machine, diamonds are predicted. The dashed line is the budget.')}
${casesTable(report)}
<p class="quiet">From <code>dense/cases.json</code> and <code>evaluate/cases.json</code>, which have every sample. ${report.images.test} test images. GMACs are of the backbone.</p>

<h2>Sparsity of every layer</h2>
<p><code>${ratios(searched.prunedRatios)}</code></p>
${figureOf(charts.sparsity, 'Bars: windows left out. Lines: how much of what the score depends on lies in this layer, by an additive model of all evaluations.')}

${samples}

<h2>Which windows are kept</h2>
${keptTable(report)}

<h2>Search</h2>
<p>${report.search.evaluations} of ${report.search.spaceSize} sparsities were evaluated with the adapted weights${report.images.validation === 0 ? '' : html`, on ${report.images.validation} validation images`}.</p>
${figureOf(charts.search, 'Grey: everything that was evaluated. Blue: what no other is both better and faster than.')}
<p class="quiet">From <code>search/result.json</code> and <code>search/journal.jsonl</code>.</p>

<h2>Predicted and measured latency</h2>
${figureOf(charts.latency, latencyCaption(report))}

${charts.training === null ? '' : html`<h2>Training</h2>${figureOf(charts.training, 'Means of the loss. Adaptation draws another sparsity at every step, which makes its loss jump.')}${trainingTable(report)}`}

<h2>How this was made</h2>
${stagesTable(report)}
<p><code>${report.command}</code></p>
<p class="quiet">${environmentOf(report)}</p>
<details><summary>The document of the run</summary><pre>${JSON.stringify(report.config, null, 2)}</pre></details>
<footer>Ended ${report.endedAt}. Every number of this page is in <code>report.json</code>, and in the files named beside it.</footer>
</body>
</html>
`;
  return page.html;
}

function summaryOf(report: PipelineReport, dense: ReportCase, searched: ReportCase): string {
  const [before, after] = [millisecondsOf(dense), millisecondsOf(searched)];
  const speed = before === null || after === null ? '' : `${(before / after).toFixed(2)} times as fast as dense, `;
  const difference = searched.score - dense.score;
  const change =
    Math.abs(difference) < 0.0005
      ? 'the same'
      : `${Math.abs(difference).toFixed(3)} ${difference < 0 ? 'less' : 'more'}`;
  return `The sparse model is ${speed}with ${change} ${report.scoreName} on the test images. ${report.meetsBudget ? 'It meets the budget.' : 'It does not meet the budget.'}`;
}

function headlineOf(report: PipelineReport, dense: ReportCase, searched: ReportCase): Html {
  const item = (value: string, name: string): Html => html`<li><b>${value}</b>${name}</li>`;
  const [before, after] = [millisecondsOf(dense), millisecondsOf(searched)];
  return html`<ul class="headline">
${before === null || after === null ? '' : item(`${(before / after).toFixed(2)}x`, 'as fast as dense')}
${item(`${after === null ? '-' : formatNumber(after)} ms`, `dense: ${before === null ? '-' : formatNumber(before)} ms`)}
${item(score(searched.score), `${report.scoreName}; dense: ${score(dense.score)}`)}
${item(`${formatNumber(searched.gmacs)} GMACs`, `dense: ${formatNumber(dense.gmacs)} GMACs`)}
${item(report.meetsBudget ? 'met' : 'missed', `budget of ${formatNumber(report.budgetMs)} ms`)}
</ul>`;
}

function figureOf({ svg, description }: Chart, caption: string): Html {
  return html`<figure role="img" aria-label="${description}">${trusted(svg)}<figcaption>${caption}</figcaption></figure>`;
}

function tableOf(
  head: readonly string[],
  rows: readonly { readonly cells: readonly (string | Html)[]; readonly isChosen?: boolean }[],
): Html {
  return html`<div class="table"><table><thead><tr>${head.map((cell) => html`<th scope="col">${cell}</th>`)}</tr></thead><tbody>
${rows.map(({ cells, isChosen = false }) => html`<tr${isChosen ? trusted(' class="chosen"') : ''}>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`)}
</tbody></table></div>`;
}

function casesTable(report: PipelineReport): Html {
  const order: readonly ReportCase['kind'][] = ['dense', 'searched', 'uniform', 'random', 'low-resolution', 'front'];
  const sorted = [...report.cases].sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
  const second = secondMetric(report);
  return tableOf(
    ['', report.scoreName, ...(second === null ? [] : [second]), 'ms', 'quartiles', 'predicted ms', 'GMACs', 'weights'],
    sorted.map((one) => ({
      isChosen: one.kind === 'searched' && one.weights === 'final',
      cells: [
        one.name,
        score(one.score),
        ...(second === null ? [] : [typeof one.metrics[second] === 'number' ? score(one.metrics[second]) : '-']),
        one.measuredMs === null ? '-' : formatNumber(one.measuredMs),
        one.quartilesMs === null ? '-' : one.quartilesMs.map(formatNumber).join(' to '),
        one.predictedMs === null ? '-' : formatNumber(one.predictedMs),
        formatNumber(one.gmacs),
        one.weights,
      ],
    })),
  );
}

/** A second figure that people ask for. */
function secondMetric({ cases }: PipelineReport): string | null {
  const metrics = cases[0]?.metrics ?? {};
  return ['AP50', 'pixelAccuracy', 'top5'].find((name) => typeof metrics[name] === 'number') ?? null;
}

function keptTable({ keptWindows }: PipelineReport): Html {
  const hasObjects = keptWindows.some(({ objectShare }) => objectShare !== null);
  const explained = hasObjects
    ? 'Of the windows that hold a part of an object, how many are kept? Random windows would keep as many of them as of all.'
    : 'The data have no boxes, so that windows with objects in them are not known.';
  return html`<p>${explained}</p>${tableOf(
    ['', 'windows kept', ...(hasObjects ? ['windows with objects kept'] : [])],
    keptWindows.map(({ stage, keptShare, objectShare }) => ({
      cells: [
        `stage ${stage + 1}`,
        percent(keptShare),
        ...(hasObjects ? [objectShare === null ? '-' : percent(objectShare)] : []),
      ],
    })),
  )}`;
}

function latencyCaption({ latency }: PipelineReport): string {
  const error = latency.rmspePercent === null ? '' : `, error ${latency.rmspePercent.toFixed(1)} % in cross-validation`;
  const noise =
    latency.noisePercent === null
      ? ''
      : `, two measurements of one sparsity differ by ${latency.noisePercent.toFixed(1)} %`;
  return `A ${latency.kind} predictor of ${latency.rows} measured sparsities${error}${noise}. From profile/table.json, with every sample.`;
}

function trainingTable({ training, scoreName }: PipelineReport): Html {
  const last = training.flatMap(({ stage, steps, scores }) =>
    scores
      .filter(({ step }) => step === steps)
      .map((one) => ({ cells: [`${stage}, step ${steps}`, one.name, score(one.score)] })),
  );
  return tableOf(['', 'at', `${scoreName}, validation images`], last);
}

function stagesTable({ stages }: PipelineReport): Html {
  return tableOf(
    ['stage', 'took', 'results'],
    stages.map(({ name, durationMs, files }) => ({
      cells: [
        name,
        durationMs === null ? 'given' : renderDuration(durationMs),
        html`${files.map((file) => html`<code>${file}</code> `)}`,
      ],
    })),
  );
}

function environmentOf({ environment, images, model, config }: PipelineReport): string {
  const { device, cores, memoryBytes, platform, runtime, packages, threads } = environment;
  return `${device}, ${cores} cores, ${formatBytes(memoryBytes)}, ${platform}, ${runtime}, SparseViT ${packages}; latencies with ${threads} ${threads === 1 ? 'thread' : 'threads'} at ${config.input.height}x${config.input.width}. ${formatNumber(model.parameters / 1e6)} million parameters. ${images.train} training, ${images.validation} validation and ${images.test} test images.`;
}

async function samplesOf({ samples }: PipelineReport, folder: string): Promise<Html> {
  if (samples.length === 0) return html``;
  const picture = async (file: string, caption: string): Promise<Html> =>
    html`<figure><img alt="${caption}" loading="lazy" src="${await dataAddress(folder, file)}"><figcaption>${caption}</figcaption></figure>`;
  const rows: Html[] = [];
  for (const { id, dense, sparse, windows } of samples) {
    rows.push(html`<div class="sample" title="${id}">
${await picture(dense, 'dense')}
${await picture(sparse, 'sparse')}
${await picture(windows, 'kept windows of each stage')}
</div>`);
  }
  return html`<h2>Pictures</h2><p>Test images, the first of them: what the dense and the sparse model say, and the windows that the sparse one looked at.</p><div class="samples">${rows}</div>`;
}

const types: Readonly<Record<string, string>> = { '.png': 'image/png', '.jpg': 'image/jpeg', '.webp': 'image/webp' };

async function dataAddress(folder: string, file: string): Promise<string> {
  const bytes = await readFile(join(folder, file)).catch((cause: unknown) => {
    throw inputError(
      `report: expected the picture ${quote(join(folder, file))}, got none. Draw it again with --from report.`,
      { cause },
    );
  });
  return `data:${types[extname(file)] ?? 'application/octet-stream'};base64,${bytes.toString('base64')}`;
}
