import { mkdirSync, writeFileSync } from 'node:fs';
import type { PipelineReport, ReportCase } from '@sparsevit/config';
import { parsePipelineReport, parsePipelineRun } from '@sparsevit/config';
import { encodePng } from '@sparsevit/data/node';
import { beforeAll, describe, expect, it } from 'vitest';
import { tinyPipeline } from '../../pipeline/test/pipeline-document';
import { renderReport } from '../src/report/render-report';
import { temporaryFolder } from './fake-io';

const at = temporaryFolder();
const evil = '<script>alert("1")</script>';

const caseOf = (changes: Partial<ReportCase>): ReportCase => ({
  name: 'dense',
  kind: 'dense',
  weights: 'dense',
  height: 64,
  width: 64,
  prunedRatios: null,
  score: 0.5,
  metrics: { AP50: 0.7 },
  gmacs: 1.5,
  predictedMs: 20,
  measuredMs: 20.5,
  quartilesMs: [20, 21],
  ...changes,
});

const report: PipelineReport = {
  format: 'sparsevit-pipeline-report',
  version: 1,
  endedAt: '2026-01-01T00:00:00Z',
  command: `sparsevit pipeline --config ${evil}`,
  environment: {
    device: evil,
    cores: 2,
    memoryBytes: 8e9,
    platform: 'test',
    runtime: 'Node 0',
    packages: '0.0.0',
    threads: 2,
  },
  config: parsePipelineRun(tinyPipeline),
  task: { kind: 'detection', classes: [evil] },
  model: { name: `detection on ${evil}`, parameters: 1_234_567 },
  scoreName: 'AP',
  images: { train: 6, validation: 3, test: 3 },
  budgetMs: 12,
  meetsBudget: true,
  stages: [
    { name: 'train', durationMs: 65_000, files: ['train/model.safetensors'] },
    { name: 'profile', durationMs: null, files: [`/given/${evil}.json`] },
  ],
  cases: [
    caseOf({}),
    caseOf({
      name: 'searched',
      kind: 'searched',
      weights: 'final',
      prunedRatios: [[0.5], [0.8]],
      score: 0.48,
      measuredMs: 10.25,
    }),
    caseOf({
      name: `${evil} everywhere`,
      kind: 'uniform',
      weights: 'adapted',
      prunedRatios: [[0.6], [0.6]],
      measuredMs: null,
      quartilesMs: null,
    }),
  ],
  training: [
    {
      stage: 'adapt',
      steps: 10,
      points: [
        { step: 5, loss: 2 },
        { step: 10, loss: 1 },
      ],
      scores: [{ step: 10, name: 'dense', score: 0.5 }],
    },
  ],
  search: {
    evaluations: 2,
    spaceSize: 81,
    feasibleShare: 0.5,
    history: [
      { latencyMs: 10, score: 0.4 },
      { latencyMs: 12, score: 0.5 },
    ],
    front: [{ latencyMs: 10, score: 0.4, prunedRatios: [[0.5], [0.8]] }],
    importance: [
      { stage: 0, pair: 0, share: 0.3 },
      { stage: 1, pair: 0, share: 0.7 },
    ],
    measured: [{ predictedMs: 10, measuredMs: 10.2, score: 0.4 }],
  },
  latency: {
    kind: 'physical',
    rows: 12,
    rmspePercent: 2.5,
    noisePercent: 1,
    points: [{ predictedMs: 10, measuredMs: 11 }],
  },
  keptWindows: [
    { stage: 0, keptShare: 0.5, objectShare: 0.75, windows: 64 },
    { stage: 1, keptShare: 0.2, objectShare: null, windows: 16 },
  ],
  samples: [
    { id: evil, photo: 'report/a.png', dense: 'report/a.png', sparse: 'report/a.png', windows: 'report/a.png' },
  ],
  notes: [`Careful: ${evil}`],
};

beforeAll(async () => {
  mkdirSync(at('report'));
  writeFileSync(at('report/a.png'), await encodePng({ pixels: new Uint8Array(12), height: 2, width: 2 }));
});

describe('a report', () => {
  it('is a document of the schema', () => {
    expect(parsePipelineReport(JSON.parse(JSON.stringify(report)))).toEqual(report);
    expect(() => parsePipelineReport({ ...report, cases: [] })).toThrow(/cases/);
  });

  it('is one page that asks for nothing else, with every chart, picture and number inside', async () => {
    const page = await renderReport(report, at('.'));
    expect(page.match(/<svg /g)).toHaveLength(5);
    expect(page.match(/src="data:image\/png;base64,/g)).toHaveLength(3);
    expect(page).not.toMatch(/(?:src|href)="(?!data:|#)/);
    for (const text of ['2.00x', '10.3 ms', '0.480', '.5|.8', '1:05', 'given', '75 %', '2.5 % in cross-validation']) {
      expect(page).toContain(text);
    }
    expect(page).toContain('0.020 less AP on the test images. It meets the budget.');
  });

  it('takes nothing from outside for markup', async () => {
    const page = await renderReport(report, at('.'));
    expect(page).not.toContain('<script');
    expect(page).toContain('Careful: &lt;script&gt;');
  });

  it('says what is missing', async () => {
    const { cases, samples } = report;
    await expect(renderReport({ ...report, cases: cases.slice(0, 1) }, at('.'))).rejects.toThrow(
      /a dense and a searched case/,
    );
    const gone = samples.map((sample) => ({ ...sample, sparse: 'report/none.png' }));
    await expect(renderReport({ ...report, samples: gone }, at('.'))).rejects.toThrow(/none\.png.*--from report/);
    const plain = await renderReport({ ...report, samples: [], training: [], meetsBudget: false }, at('.'));
    expect(plain).toContain('It does not meet the budget.');
    expect(plain).not.toContain('<h2>Training</h2>');
  });
});
