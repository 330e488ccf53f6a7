/** From scores to what is claimed: tables in Markdown, a plot, and whether each claim came out. */

import type { KeptObjectsOfModel, Latency, Score } from './evaluate-job';
import { nameOf, percent } from './evaluate-job';
import type { Study } from './studies';
import { controlRatio, deployedRatios, unevenRatios } from './studies';

/** Mean and spread over seeds. */
export interface Spread {
  readonly mean: number;
  readonly least: number;
  readonly most: number;
}

/** Mean, least and most of some numbers. */
export function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, least: Math.min(...values), most: Math.max(...values) };
}

/** A claim of the paper, and what was found. */
export interface Claim {
  readonly claim: string;
  readonly found: string;
  readonly holds: boolean;
}

const print = ({ mean, least, most }: Spread): string =>
  `${mean.toFixed(3)} (${least.toFixed(3)} to ${most.toFixed(3)})`;

type Filter = Partial<Pick<Score, 'model' | 'pruned' | 'windows'>>;

const matching = (scores: readonly Score[], filter: Filter): Score[] =>
  scores.filter((score) => Object.entries(filter).every(([key, value]) => score[key as keyof Filter] === value));

const figureBySeed = (scores: readonly Score[], filter: Filter): Map<number, number> =>
  new Map(matching(scores, filter).map(({ seed, figures }) => [seed, figures[0]]));

/** Seed by seed: `of(values of each filter)`. */
function perSeed(scores: readonly Score[], filters: readonly Filter[], of: (...values: number[]) => number): number[] {
  const maps = filters.map((filter) => figureBySeed(scores, { windows: 'ranking', ...filter }));
  const seeds = [...(maps[0]?.keys() ?? [])];
  return seeds.map((seed) => of(...maps.map((map) => map.get(seed) ?? Number.NaN)));
}

/** How many times faster than dense, by the name of a sparsity at full size. */
function speedUps(latencies: readonly Latency[]): Map<string, number> {
  const fullWidth = Math.max(...latencies.map(({ width }) => width));
  const full = latencies.filter(({ width }) => width === fullWidth);
  const dense = full.find(({ pruned }) => pruned === percent(0))?.milliseconds ?? Number.NaN;
  return new Map(full.map(({ pruned, milliseconds }) => [pruned, dense / milliseconds]));
}

/** Claims about the models with guidance; none where they are not there. */
function guidedClaims(scores: readonly Score[], latencies: readonly Latency[], label: string): Claim[] {
  if (matching(scores, { model: 'guided, fine-tuned' }).length === 0) return [];
  const pruned = percent(controlRatio);
  const over = (own: Filter, other: Filter): Spread => spreadOf(perSeed(scores, [own, other], (a, b) => a - b));
  const deployed: Filter = { model: 'guided, fine-tuned', pruned: nameOf(deployedRatios) };
  const speedUp = speedUps(latencies).get(nameOf(deployedRatios)) ?? Number.NaN;
  const faster = (model: Score['model'], what: string): Claim => {
    const margin = over(deployed, { model, pruned: percent(0) });
    return {
      claim: `trained with guidance, as published: faster than dense at no loss against ${what}`,
      found: `${speedUp.toFixed(2)}x at ${nameOf(deployedRatios)}: ${label} higher by ${print(margin)}`,
      holds: margin.least >= 0 && speedUp > 1,
    };
  };
  const guided: Filter = { model: 'adapted, guided', pruned };
  const gain = over(guided, { model: 'adapted', pruned });
  const random = over(guided, { ...guided, windows: 'random' });
  const closed = spreadOf(
    perSeed(
      scores,
      [{ model: 'dense', pruned: percent(0) }, { model: 'dense', pruned }, guided],
      (before, without, adapted) => (adapted - without) / (before - without),
    ),
  );
  const low = over({ model: 'guided, fine-tuned', pruned }, { model: 'low resolution, longer', pruned: percent(0) });
  const longer: Filter = { model: 'dense, longer' };
  const recovered = spreadOf(
    perSeed(
      scores,
      [
        { ...longer, pruned: percent(0) },
        { ...longer, pruned },
        { model: 'guided, fine-tuned', pruned },
      ],
      (before, without, own) => (own - without) / (before - without),
    ),
  );
  return [
    {
      claim: `adaptation with guidance is better than without, ${pruned} pruned`,
      found: `${label} higher by ${print(gain)}`,
      holds: gain.least > 0,
    },
    {
      claim: `adaptation with guidance closes at least two thirds of what pruning ${pruned} costs`,
      found: `share closed ${print(closed)}`,
      holds: closed.mean >= 2 / 3,
    },
    {
      claim: 'with guidance, windows ranked by norm are better than random ones',
      found: `${label} higher by ${print(random)}`,
      holds: random.least > 0,
    },
    faster('dense', 'the dense model that it was trained on from'),
    faster('dense, longer', 'a dense model trained as long'),
    {
      claim: `trained with guidance, as published: at least two thirds of what pruning ${pruned} costs a dense model trained as long are closed`,
      found: `share closed ${print(recovered)}`,
      holds: recovered.mean >= 2 / 3,
    },
    {
      claim: `trained with guidance, as published: ${pruned} pruned at high resolution beats dense at low resolution at equal multiply-accumulates and training`,
      found: `${label} higher by ${print(low)}`,
      holds: low.least > 0,
    },
  ];
}

/** The claims of the paper, seed by seed. */
export function claimsOf(
  scores: readonly Score[],
  latencies: readonly Latency[],
  { metrics: [{ label }] }: Pick<Study, 'metrics'>,
): Claim[] {
  const pruned = { pruned: percent(controlRatio) };
  const dense: Filter = { model: 'dense', pruned: percent(0) };
  const closed = spreadOf(
    perSeed(
      scores,
      [dense, { model: 'dense', ...pruned }, { model: 'adapted', ...pruned }],
      (before, without, adapted) => (adapted - without) / (before - without),
    ),
  );
  const margin = spreadOf(
    perSeed(
      scores,
      [
        { model: 'adapted', ...pruned },
        { model: 'low resolution', pruned: percent(0) },
      ],
      (sparse, low) => sparse - low,
    ),
  );
  const low = spreadOf([...figureBySeed(scores, { model: 'low resolution' }).values()]);
  const sparse = spreadOf([...figureBySeed(scores, { model: 'adapted', windows: 'ranking', ...pruned }).values()]);
  const spread = Math.max(low.most - low.least, sparse.most - sparse.least);
  const over = (windows: string): Spread => {
    const other = figureBySeed(scores, { model: 'adapted', windows, ...pruned });
    const own = figureBySeed(scores, { model: 'adapted', windows: 'ranking', ...pruned });
    return spreadOf([...own].map(([seed, figure]) => figure - (other.get(seed) ?? Number.NaN)));
  };
  const random = over('random');
  const uneven = nameOf(unevenRatios);
  const perStage = spreadOf(
    perSeed(
      scores,
      [
        { model: 'adapted', pruned: uneven },
        { model: 'adapted', ...pruned },
      ],
      (chosen, uniform) => chosen - uniform,
    ),
  );
  const share = controlRatio * 100;
  return [
    {
      claim: `adaptation closes at least two thirds of what pruning ${share} % costs`,
      found: `share closed ${print(closed)}`,
      holds: closed.mean >= 2 / 3,
    },
    {
      claim: `${share} % pruned at high resolution beats dense at low resolution at equal multiply-accumulates, by more than the spread of the seeds`,
      found: `${label} higher by ${print(margin)}; spread ${spread.toFixed(3)}`,
      holds: margin.mean > spread,
    },
    {
      claim: `a share per stage, ${uneven}, is better than ${share} % everywhere at as many multiply-accumulates`,
      found: `${label} higher by ${print(perStage)}`,
      holds: perStage.least > 0,
    },
    {
      claim: 'windows ranked by norm are better than random ones',
      found: `${label} higher by ${print(random)}`,
      holds: random.least > 0,
    },
    ...guidedClaims(scores, latencies, label),
  ];
}

const millisecondsOf = (latencies: readonly Latency[], width: number, pruned: string): string =>
  latencies.find((one) => one.width === width && one.pruned === pruned)?.milliseconds.toFixed(1) ?? '';

/** The report. */
export function markdownOf(
  scores: readonly Score[],
  latencies: readonly Latency[],
  facts: readonly string[],
  { metrics }: Pick<Study, 'metrics'>,
): string {
  const rows: string[] = [];
  const seen = new Set<string>();
  for (const { model, width, pruned, windows, gmacs } of scores) {
    const key = [model, width, pruned, windows].join();
    if (seen.has(key)) continue;
    seen.add(key);
    const same = matching(scores, { model, pruned, windows });
    const cells = [
      model,
      `${width}`,
      pruned,
      windows,
      gmacs.toFixed(2),
      windows === 'ranking' ? millisecondsOf(latencies, width, pruned) : '',
      ...metrics.map((_, i) => print(spreadOf(same.map(({ figures }) => figures[i as 0 | 1])))),
    ];
    rows.push(`| ${cells.join(' | ')} |`);
  }
  const claims = claimsOf(scores, latencies, { metrics }).map(
    ({ claim, found, holds }) => `| ${claim} | ${found} | ${holds ? 'yes' : 'no'} |`,
  );
  return [
    '| claim | found: mean over seeds (least to most) | came out |',
    '| --- | --- | --- |',
    ...claims,
    '',
    `| model | pixels across | pruned | windows | GMACs | ms | ${metrics.map(({ label }) => label).join(' | ')} |`,
    '| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: |',
    ...rows,
    '',
    ...facts.map((fact) => `- ${fact}`),
    '',
  ].join('\n');
}

/** Which share of the windows with objects each model keeps, stage by stage. */
export function keptObjectsTable(counts: readonly KeptObjectsOfModel[]): string {
  const stages = [...new Set(counts.map(({ stage }) => stage))];
  const own = (model: string, stage: number): readonly KeptObjectsOfModel[] =>
    counts.filter((count) => count.model === model && count.stage === stage);
  const row = (name: string, cell: (stage: number) => Spread): string =>
    `| ${name} | ${stages.map((stage) => print(cell(stage))).join(' | ')} |`;
  const [first = ''] = counts.map(({ model }) => model);
  const models = [...new Set(counts.map(({ model }) => model))];
  return [
    `| of the windows with objects kept, ${percent(controlRatio)} pruned | ${stages.map((stage) => `stage ${stage + 1}`).join(' | ')} |`,
    `| --- | ${stages.map(() => '---:').join(' | ')} |`,
    ...models.map((model) =>
      row(model, (stage) => spreadOf(own(model, stage).map((one) => one.keptWithObjects / one.withObjects))),
    ),
    row('share of windows that have any', (stage) =>
      spreadOf(own(first, stage).map(({ withObjects, windows }) => withObjects / windows)),
    ),
    '',
  ].join('\n');
}

/** The first figure over multiply-accumulates, one line per model. */
export function plotOf(scores: readonly Score[], { metrics: [{ label }] }: Pick<Study, 'metrics'>): string {
  const [width, height, margin] = [640, 400, 56];
  const ranked = scores.filter(({ windows }) => windows === 'ranking');
  const mostMacs = Math.max(...ranked.map(({ gmacs }) => gmacs)) * 1.05;
  const mostFigure = Math.max(...ranked.map(({ figures }) => figures[0]), 0.01) * 1.1;
  const x = (gmacs: number): number => margin + (gmacs / mostMacs) * (width - 2 * margin);
  const y = (figure: number): number => height - margin - (figure / mostFigure) * (height - 2 * margin);
  const colours: Record<Score['model'], string> = {
    dense: '#888888',
    adapted: '#1f6feb',
    'fine-tuned': '#2da44e',
    'low resolution': '#cf222e',
    'dense, longer': '#444444',
    'guided, fine-tuned': '#bf3989',
    'low resolution, longer': '#bc4c00',
    'adapted, guided': '#8250df',
  };
  const models = (Object.keys(colours) as Score['model'][]).filter((model) =>
    ranked.some((score) => score.model === model),
  );
  const lines = models.flatMap((model, i) => {
    const kinds = [...new Set(matching(ranked, { model }).map((score) => score.pruned))];
    const points = kinds.map((pruned) => {
      const same = matching(ranked, { model, pruned });
      const isUniform = pruned.endsWith('%');
      return { isUniform, gmacs: same[0]?.gmacs ?? 0, ...spreadOf(same.map(({ figures }) => figures[0])) };
    });
    const colour = colours[model];
    const path = points
      .filter(({ isUniform }) => isUniform)
      .map(({ gmacs, mean }) => `${x(gmacs).toFixed(1)},${y(mean).toFixed(1)}`)
      .join(' ');
    const bars = points.map(
      ({ gmacs, least, most, mean, isUniform }) =>
        `<line x1="${x(gmacs).toFixed(1)}" x2="${x(gmacs).toFixed(1)}" y1="${y(least).toFixed(1)}" y2="${y(most).toFixed(1)}" stroke="${colour}"/><circle cx="${x(gmacs).toFixed(1)}" cy="${y(mean).toFixed(1)}" r="${isUniform ? 4 : 6}" fill="${isUniform ? colour : 'none'}" stroke="${colour}"/>`,
    );
    const caption = `<text x="${margin + 10}" y="${margin + 18 * i}" fill="${colour}">${model}</text>`;
    return [`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`, ...bars, caption];
  });
  const ticks = [0, 0.25, 0.5, 0.75, 1].flatMap((share) => [
    `<text x="${x(share * mostMacs).toFixed(1)}" y="${height - margin + 20}" text-anchor="middle">${(share * mostMacs).toFixed(2)}</text>`,
    `<text x="${margin - 8}" y="${(y(share * mostFigure) + 4).toFixed(1)}" text-anchor="end">${(share * mostFigure).toFixed(2)}</text>`,
  ]);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">`,
    `<title>${label} over multiply-accumulates, by model</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<path d="M${margin} ${margin}V${height - margin}H${width - margin}" fill="none" stroke="#444444"/>`,
    ...ticks,
    `<text x="${width / 2}" y="${height - 12}" text-anchor="middle">GMACs of the whole model, one image</text>`,
    `<text x="16" y="${height / 2}" text-anchor="middle" transform="rotate(-90 16 ${height / 2})">${label}</text>`,
    ...lines,
    '</svg>',
    '',
  ].join('\n');
}
