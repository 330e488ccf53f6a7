/** Results as a section of a README: one or several runs side by side, such as Node 20 and Node 24 on one machine. */

import { engineTitles } from '../cases';
import type { BenchResult, CaseResult, GroupResult } from '../result';
import { ratioOf } from '../summary';
import { formatMebibytes, formatMs, formatPercent, formatRatio, table } from './format';
import { groupsOf, judgeGoals } from './goals';

/** The section. */
export function reportMarkdown(results: readonly BenchResult[]): string {
  const parts = [
    introduction(results),
    ...sizesOf(results).map((size) => sizeTable(size, results)),
    trainingTable(results),
    goalsTable(results),
    profileTable(results),
    productsTable(results),
    coldTable(results),
    growthText(results),
    howItWasMeasured(results),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function introduction(results: readonly BenchResult[]): string {
  const lines = results.map(({ machine, date }) => {
    const memory = machine.memoryBytes === null ? '' : `, ${formatMebibytes(machine.memoryBytes)} of memory`;
    return `- ${machine.runtime}: ${machine.cpu}, ${machine.cores} cores${memory}, ${machine.os}; ${machine.backend}, ${machine.kernels}; ${date.slice(0, 10)}, commit ${machine.gitCommit ?? 'unknown'}`;
  });
  return [
    'Swin-T, batch 1, float32, random weights, keep counts as published (`official` mode). Milliseconds: the median of the rounds (quartiles).',
    '',
    ...lines,
  ].join('\n');
}

const runtimeOf = ({ machine }: BenchResult): string => machine.runtime;

function sizesOf(results: readonly BenchResult[]): number[] {
  return [...new Set(results.flatMap(({ groups }) => groups.map(({ sizePixels }) => sizePixels)))].sort(
    (a, b) => a - b,
  );
}

function sizeTable(sizePixels: number, results: readonly BenchResult[]): string {
  const groups = results.map(({ groups }) => groups.find((group) => group.sizePixels === sizePixels));
  const head = ['', 'GMACs', ...results.flatMap((result) => [runtimeOf(result), 'of own dense', 'ms per GMAC'])];
  return `**${sizePixels} x ${sizePixels} pixels**\n\n${table(head, caseRows(groups, denseOf))}`;
}

const denseOf = ({ cases }: GroupResult): CaseResult | undefined =>
  cases.find(({ engine, configuration }) => engine === 'sparsevit' && configuration === 'dense');

/** One row per case that any of the groups has. */
function caseRows(
  groups: readonly (GroupResult | undefined)[],
  reference: (group: GroupResult) => CaseResult | undefined,
): string[][] {
  const ids = [...new Set(groups.flatMap((group) => group?.cases.map(({ id }) => id) ?? []))];
  return ids.map((id) => {
    const own = groups.map((group) => group?.cases.find((one) => one.id === id));
    const some = own.find((one) => one !== undefined);
    const cells = groups.flatMap((group, index) => {
      const one = own[index];
      if (group === undefined || one === undefined) return ['-', '-', '-'];
      const below = reference(group);
      const ratio = below === undefined ? '-' : formatRatio(ratioOf(one, below).median);
      return [timeOf(one), ratio, formatMs(one.msPerGmac)];
    });
    return [some === undefined ? id : titleOf(some), (some?.gmacs ?? 0).toFixed(2), ...cells];
  });
}

function titleOf({ engine, configuration, kind }: CaseResult): string {
  const pruned = configuration.includes('|') ? `\`${configuration}\`` : `${Number(configuration) * 100} % pruned`;
  const what = configuration === 'dense' ? 'dense' : pruned;
  const suffix = {
    forward: '',
    'training-step': ', training step',
    'training-step-with-update': ', training step with update',
  };
  return `${engineTitles[engine]}, ${what}${suffix[kind]}`;
}

function timeOf({ median, firstQuartile, thirdQuartile }: CaseResult): string {
  return `${formatMs(median)} (${formatMs(firstQuartile)} to ${formatMs(thirdQuartile)})`;
}

function trainingTable(results: readonly BenchResult[]): string {
  const groups = results.map(({ training }) => training ?? undefined);
  const size = groups.find((group) => group !== undefined)?.sizePixels;
  if (size === undefined) return '';
  const forwardOf = ({ cases }: GroupResult): CaseResult | undefined => cases.find(({ kind }) => kind === 'forward');
  const head = [
    '',
    'GMACs, forward',
    ...results.flatMap((result) => [runtimeOf(result), 'of its forward', 'ms per GMAC']),
  ];
  return `**Training, ${size} x ${size} pixels**\n\n${table(head, caseRows(groups, forwardOf))}`;
}

function goalsTable(results: readonly BenchResult[]): string {
  const judged = results
    .filter(({ machine }) => machine.backend.startsWith('wasm'))
    .flatMap((result) => judgeGoals(result).map((goal) => ({ ...goal, runtime: runtimeOf(result) })))
    .filter(({ measured }) => measured !== null);
  if (judged.length === 0) return '';
  const rows = judged.map(({ figure, runtime, goal, measured, isMet }) => [
    figure,
    runtime,
    goal,
    measured ?? '-',
    isMet ? 'met' : 'not met',
  ]);
  return `**Goals**\n\n${table(['', 'runtime', 'goal', 'measured', ''], rows)}`;
}

function profileTable(results: readonly BenchResult[]): string {
  const rows = results.flatMap((result) =>
    result.profiles.map(({ configuration, sizePixels, kind, partsMs, totalMs, overheadShare, selectionShare }) => [
      `${configuration}, ${sizePixels} px${kind === 'forward' ? '' : `, ${kind}`}, ${runtimeOf(result)}`,
      ...Object.values(partsMs).map(formatMs),
      formatMs(totalMs),
      formatPercent(overheadShare),
      formatPercent(selectionShare),
    ]),
  );
  if (rows.length === 0) return '';
  const [parts] = results.flatMap(({ profiles }) => profiles.map(({ partsMs }) => Object.keys(partsMs)));
  const head = ['ms', ...(parts ?? []), 'total', 'neither product nor attention', 'scoring, moving, outside'];
  return `**Where the time goes** (\`outside\` is in no kernel: JavaScript)\n\n${table(head, rows)}`;
}

function productsTable(results: readonly BenchResult[]): string {
  const rows = results.flatMap((result) =>
    result.profiles.flatMap(({ configuration, sizePixels, products }) =>
      products === null
        ? []
        : [
            [
              `${configuration}, ${sizePixels} px, ${runtimeOf(result)}`,
              products.insideGflops.toFixed(1),
              products.bareGflops.toFixed(1),
              products.withEpiloguesGflops.toFixed(1),
              formatPercent(products.shareOfBare),
            ],
          ],
    ),
  );
  if (rows.length === 0) return '';
  const head = ['GFLOP/s', 'in the forward', 'bare product', 'alone with epilogue', 'in the forward, of bare'];
  return `**Matrix products**\n\n${table(head, rows)}`;
}

function coldTable(results: readonly BenchResult[]): string {
  const rows = results.flatMap((result) =>
    result.cold.map((one) => [
      `${engineTitles[one.engine ?? 'sparsevit']}, ${one.configuration}, ${one.sizePixels} px, ${runtimeOf(result)}`,
      formatMs(one.startMs),
      formatMs(one.firstMs),
      formatMs(one.steadyMs),
      formatRatio(one.firstToSteady),
      formatMebibytes(one.wasmHeapBytes),
      formatMebibytes(one.peakProcessBytes),
      one.planMs === undefined ? '-' : `${formatMs(one.planMs.first)}, then ${formatMs(one.planMs.next)}`,
    ]),
  );
  if (rows.length === 0) return '';
  const head = [
    'in a fresh process',
    'start ms',
    'first run ms',
    'steady ms',
    'first / steady',
    'peak WASM memory',
    'peak of the process',
    'making a plan, ms',
  ];
  return `**First run and memory**\n\n${table(head, rows)}`;
}

function growthText(results: readonly BenchResult[]): string {
  const lines = results.flatMap((result) => {
    const { withMacs, pixelsExponent } = result.growth;
    const sizes = withMacs.map(
      ({ sizePixels, atZero, perShare }) =>
        `${sizePixels} px ${formatPercent(atZero)} + ${formatPercent(perShare)} times the share of multiply-accumulates`,
    );
    const pixels =
      pixelsExponent === null ? [] : [`dense time grows as pixels to the power of ${pixelsExponent.toFixed(2)}`];
    const text = [...(sizes.length > 0 ? [`of the dense time, ${sizes.join('; ')}`] : []), ...pixels].join('; ');
    return text === '' ? [] : [`- ${runtimeOf(result)}: ${text}`];
  });
  return lines.length === 0 ? '' : ['**How time grows**', '', ...lines].join('\n');
}

function howItWasMeasured(results: readonly BenchResult[]): string {
  const lines = results.map((result) => {
    const { protocol, machine, command, warnings } = result;
    const cases = groupsOf(result).flatMap((group) => group.cases);
    const unsteady = cases.reduce((sum, { unsteadyVisits }) => sum + unsteadyVisits, 0);
    const drift = Math.max(0, ...groupsOf(result).map(({ largestDrift }) => largestDrift));
    const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
    const flags = machine.flags.length === 0 ? '' : `, flags ${machine.flags.join(' ')}`;
    return `- ${machine.runtime}: \`${command}\`, ${protocol.rounds} rounds of ${protocol.runsPerVisit} timed runs per visit after warm-up, ${cases.length * protocol.rounds} visits of which ${unsteady} were not steady, sentinel within ${formatPercent(drift)}, ${warnings.length} warnings; ${versions.join(', ')}${flags}`;
  });
  return ['**How**', '', ...lines].join('\n');
}
