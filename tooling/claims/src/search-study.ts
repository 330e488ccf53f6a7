/**
 * The paper's claims about the search: a sparsity of its own for every layer is better than the same everywhere at equal latency, and evolution finds a
 * better one than chance does with as many evaluations. Searched on scenes of one seed, judged on those of another.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { notationOf } from '@sparsevit/config';
import { createEngine } from '@sparsevit/engine';
import { countMacs, median } from '@sparsevit/latency';
import { engineMeasure, engineRunner, evaluate, searchSparsity } from '@sparsevit/pipeline';
import type { SearchSubject } from '@sparsevit/pipeline/node';
import { createEvaluationPool, describeSubject, subjectPaths } from '@sparsevit/pipeline/node';
import { fileJournal, subjectKey } from '@sparsevit/search/node';
import type { TaskCheckpoint } from '@sparsevit/tasks';
import { loadTask } from '@sparsevit/tasks';
import type { PrunedRatios } from '@sparsevit/windows';
import {
  ConfigError,
  createRandom,
  createSparsitySpace,
  randomOrder,
  sparsityModes,
  uniformSparsity,
} from '@sparsevit/windows';
import { spreadOf } from './report';
import { architecture, controlRatio, firstOf, normalization } from './studies';
import type { Campaign } from './train-job';
import { modelPath } from './train-job';

/** Scenes that sparsities are searched on: neither trained on nor judged. */
const validation = { count: 32, seed: 70_001 } as const;
const presets = ['assisted', 'small', 'random'] as const;
type Preset = (typeof presets)[number];
const evaluations = 60;
const milestones = [15, 30, 60] as const;

interface Found {
  readonly seed: number;
  readonly preset: Preset;
  /** The best score on the validation scenes after so many evaluations. */
  readonly after: Readonly<Record<number, number>>;
  readonly prunedRatios: PrunedRatios;
}

interface Row {
  readonly seed: number;
  readonly name: string;
  readonly sparsity: string;
  readonly validation: number | null;
  readonly test: number;
  /** Of the backbone. */
  readonly gmacs: number;
  readonly measuredMs: number;
}

const rules = sparsityModes.clean;
const textOf = (prunedRatios: PrunedRatios): string => notationOf({ ...rules, prunedRatios });

/** Searches with each preset for each seed, and judges what was found. */
export async function runSearchStudy(campaign: Campaign, here: string): Promise<void> {
  const { study, amount, folder, limit } = campaign;
  if (study.name !== 'scenes')
    throw new ConfigError(`claims: expected --study scenes with --searched, got ${study.name}.`);
  const { height, width } = study.size;
  const fileOf = (seed: number): string => modelPath(folder, { kind: 'adapt', seed, width });
  const load = (seed: number): TaskCheckpoint => loadTask(new Uint8Array(readFileSync(fileOf(seed))));
  // multiply-accumulates are the same on a busy machine; what is found is measured in turns at the end
  const gmacsOf = (prunedRatios: PrunedRatios): number =>
    countMacs(architecture, { height, width, accounting: 'fair', sparsity: { ...rules, prunedRatios } }).totalMacs /
    1e9;
  const uniform = uniformSparsity(architecture, controlRatio).prunedRatios;
  const budget = gmacsOf(uniform);
  const space = createSparsitySpace(architecture);

  const found: Found[] = [];
  for (const seed of amount.seeds) {
    const of: SearchSubject = {
      weights: fileOf(seed),
      source: { kind: 'scenes', ...validation, count: limit ?? validation.count, height, width, onBroken: 'fail' },
      input: { size: { height, width }, keepRatio: false, normalization },
      limit: null,
      rules,
    };
    const subject = await describeSubject(of);
    const pool = await createEvaluationPool({
      subject,
      paths: subjectPaths(of),
      program: join(here, 'evaluation-process.mjs'),
    });
    for (const preset of presets) {
      const result = await searchSparsity({
        space,
        predictMs: gmacsOf,
        evaluate: pool.evaluate,
        scoreName: 'AP',
        budget: { atMostMs: budget, margin: 0 },
        wantsFront: false,
        seed,
        evaluations: limit === undefined ? evaluations : 12,
        preset,
        subject: subjectKey(subject),
        concurrency: pool.concurrency,
        journal: fileJournal(join(folder, `search-${preset}-seed${seed}.jsonl`)),
        measuring: null,
      });
      const scores = result.history.map(({ values }) => values.AP ?? Number.NEGATIVE_INFINITY);
      const { best } = result;
      if (best === null) throw new ConfigError(`claims: expected a sparsity within ${budget} GMACs, got none.`);
      found.push({
        seed,
        preset,
        after: Object.fromEntries(milestones.map((count) => [count, Math.max(...scores.slice(0, count))])),
        prunedRatios: best.prunedRatios,
      });
      console.log(
        `seed ${seed}, ${preset}: ${textOf(best.prunedRatios)}, AP ${(best.values.AP ?? 0).toFixed(3)} on the validation scenes`,
      );
    }
    await pool.dispose();
  }
  const rows = await judge(campaign, { found, uniform, load, gmacsOf });
  const text = markdownOf(rows, found, { budget, images: limit ?? validation.count });
  writeFileSync(join(folder, 'searched.md'), text);
  writeFileSync(join(folder, 'searched.json'), `${JSON.stringify({ budget, found, rows }, null, 1)}\n`);
  console.log(text);
}

/** What was found and the uniform sparsity, on the test scenes and on the clock. */
async function judge(
  { study, dataFolder, limit, amount }: Campaign,
  options: {
    readonly found: readonly Found[];
    readonly uniform: PrunedRatios;
    readonly load: (seed: number) => TaskCheckpoint;
    readonly gmacsOf: (prunedRatios: PrunedRatios) => number;
  },
): Promise<Row[]> {
  const { found, uniform, load, gmacsOf } = options;
  const all = await study.open('test', dataFolder);
  const images = firstOf(all, limit ?? all.length);
  const engine = await createEngine({ threads: 1 });
  const rows: Row[] = [];
  const measuredMs = await measureAll(
    [uniform, ...found.map(({ prunedRatios }) => prunedRatios)],
    load(amount.seeds[0] ?? 0),
    study.size,
  );
  for (const seed of amount.seeds) {
    const runner = engineRunner(engine, load(seed), { maxPlans: 1 });
    const own = found.filter((one) => one.seed === seed);
    const named = [
      { name: `${controlRatio * 100} % everywhere`, prunedRatios: uniform, validation: null },
      ...own.map(({ preset, prunedRatios, after }) => ({
        name: preset,
        prunedRatios,
        validation: Math.max(...Object.values(after)),
      })),
    ];
    for (const { name, prunedRatios, validation: score } of named) {
      const [result] = await evaluate(runner, images, {
        task: study.taskOf(images.classes),
        cases: [{ name, sparsity: { ...rules, prunedRatios } }],
        normalization,
        size: study.size,
      });
      rows.push({
        seed,
        name,
        sparsity: textOf(prunedRatios),
        validation: score,
        test: result?.score ?? Number.NaN,
        gmacs: gmacsOf(prunedRatios),
        measuredMs: measuredMs.get(textOf(prunedRatios)) ?? Number.NaN,
      });
    }
    await runner.dispose();
  }
  await engine.dispose();
  return rows;
}

/** Medians of fifteen interleaved rounds. */
async function measureAll(
  sparsities: readonly PrunedRatios[],
  checkpoint: TaskCheckpoint,
  size: { readonly height: number; readonly width: number },
): Promise<Map<string, number>> {
  const engine = await createEngine({ threads: 1 });
  const { measure: once, dispose } = engineMeasure(engine, checkpoint, {
    input: { batch: 1, ...size },
    rules,
    now: () => performance.now(),
  });
  const different = [...new Map(sparsities.map((ratios) => [textOf(ratios), ratios])).values()];
  const samples = different.map((): number[] => []);
  const random = createRandom(0);
  for (let round = 0; round < 15; round++) {
    for (const place of randomOrder(different.length, random)) {
      samples[place]?.push(await once(different[place] ?? [], { signal: undefined }));
    }
  }
  dispose();
  await engine.dispose();
  return new Map(different.map((ratios, i) => [textOf(ratios), median(samples[i] ?? [])]));
}

function markdownOf(
  rows: readonly Row[],
  found: readonly Found[],
  { budget, images }: { readonly budget: number; readonly images: number },
): string {
  const seeds = [...new Set(rows.map(({ seed }) => seed))];
  const scoreOf = (seed: number, name: string): number =>
    rows.find((row) => row.seed === seed && row.name === name)?.test ?? Number.NaN;
  const uniformName = rows.find(({ validation: score }) => score === null)?.name ?? '';
  const gain = (name: string, other: string): string => {
    const { mean, least, most } = spreadOf(seeds.map((seed) => scoreOf(seed, name) - scoreOf(seed, other)));
    return `${mean.toFixed(3)} (${least.toFixed(3)} to ${most.toFixed(3)})`;
  };
  const best = (preset: Preset, count: number): string => {
    const values = found.filter((one) => one.preset === preset).map(({ after }) => after[count] ?? Number.NaN);
    const { mean, least, most } = spreadOf(values);
    return `${mean.toFixed(3)} (${least.toFixed(3)} to ${most.toFixed(3)})`;
  };
  return [
    `\`node tooling/claims/claims.mjs --searched\`: ${cpus()[0]?.model ?? ''}, ${availableParallelism()} cores, Node ${process.versions.node}; adapted swin-nano with a detector at 448x448 in the engine, one thread; budget: the ${budget.toFixed(2)} GMACs of the backbone at ${controlRatio * 100} % everywhere; milliseconds measured in turns at the end, medians of fifteen; AP on ${images} scenes that only the search has seen, and on 40 that nothing was chosen by.`,
    '',
    '| seed | sparsity | pruned | AP, searched on | AP, test | GMACs | measured ms |',
    '| ---: | --- | --- | ---: | ---: | ---: | ---: |',
    ...rows.map(
      ({ seed, name, sparsity, validation: score, test, gmacs, measuredMs }) =>
        `| ${seed} | ${name} | \`${sparsity.replaceAll('|', '\\|')}\` | ${score === null ? '' : score.toFixed(3)} | ${test.toFixed(3)} | ${gmacs.toFixed(2)} | ${measuredMs.toFixed(1)} |`,
    ),
    '',
    `Searched (assisted) less uniform, test: ${gain('assisted', uniformName)}. Evolution (small) less uniform: ${gain('small', uniformName)}. Random search less uniform: ${gain('random', uniformName)}.`,
    `Evolution less random search, test: ${gain('small', 'random')}; assisted less random: ${gain('assisted', 'random')}.`,
    '',
    '| best on the searched scenes after | 15 | 30 | 60 evaluations |',
    '| --- | ---: | ---: | ---: |',
    ...presets.map((preset) => `| ${preset} | ${milestones.map((count) => best(preset, count)).join(' | ')} |`),
    '',
  ].join('\n');
}
