/** The bench as Markdown. */

import { availableParallelism, totalmem } from 'node:os';
import type { LatencyTable } from '@sparsevit/config';
import type { CalibrationPoint, QualityReport } from '@sparsevit/latency';
import { createProtocol } from '@sparsevit/latency';
import type { JudgedDevice } from './judge';
import { judgeDevice, judgeMove } from './judge';
import type { BenchPlan } from './plan';

/** What is asked of a predictor: RMSPE, and rows within 10 %. */
const targets = { rmspePercent: 4, within10Percent: 97 } as const;
/** What is asked of a move by ten rows. */
const leastSpearman = 0.97;

/** Of 26,000 convolutional networks: per device the least and the most of the families, and all of them within 10 %. */
const nnMeter = [
  ['Cortex A76, TFLite', '2.8 to 5.5', '51 to 93', '99.0'],
  ['Adreno 640, TFLite', '1.4 to 5.3', '69 to 100', '99.1'],
  ['Adreno 630, TFLite', '1.1 to 6.2', '32 to 100', '99.0'],
  ['Myriad VPU, OpenVINO', '4.3 to 22', '19 to 78', '83.4'],
] as const;

const fixed = (value: number | null, digits = 1): string => (value === null ? 'not known' : value.toFixed(digits));
const markdownTable = (rows: readonly (readonly string[])[]): string => {
  const [head = [], ...body] = rows;
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), `| --- |${' ---: |'.repeat(head.length - 1)}`, ...body.map(line)].join('\n');
};
const threadsOf = (count: number): string => `${count} ${count === 1 ? 'thread' : 'threads'}`;

/**
 * The report of all tables.
 *
 * @throws Error for a part whose table is missing
 */
export function renderReport(
  plan: BenchPlan,
  tables: ReadonlyMap<string, LatencyTable>,
  { loadBefore, command }: { loadBefore: number | null; command: string },
): string {
  const { preset, sizePixels, smallSizePixels, threads } = plan;
  const tableNamed = (name: string): LatencyTable => {
    const table = tables.get(name);
    if (table === undefined) throw new Error(`bench: expected a table of ${name}, got none.`);
    return table;
  };
  const devices = threads.map((count) => ({
    name: threadsOf(count),
    judged: judgeDevice(tableNamed(`${sizePixels}-${count}-fit`), tableNamed(`${sizePixels}-${count}-hold-out`)),
  }));
  const [one, two] = devices;
  if (one === undefined || two === undefined) throw new Error('bench: expected two devices.');
  const moves: (readonly [name: string, curve: readonly CalibrationPoint[]])[] = [
    [`${one.name} to ${two.name}`, judgeMove(one.judged.predictor, [two.judged.fitted, two.judged.heldOut])],
    [
      `${sizePixels} to ${smallSizePixels} pixels, ${one.name}`,
      judgeMove(one.judged.predictor, [tableNamed(`${smallSizePixels}-1-calibration`)]),
    ],
  ];
  const isMet =
    devices.every(
      ({ judged: { chosen } }) =>
        chosen.rmspePercent <= targets.rmspePercent && chosen.within10Percent >= targets.within10Percent,
    ) && moves.some(([, curve]) => curve.some(({ points, spearman }) => points === 10 && spearman >= leastSpearman));
  return [
    `# Predicted latencies: ${preset} at ${sizePixels}x${sizePixels}${plan.isQuick ? ' (quick: these figures say nothing)' : ''}`,
    describeRun(plan, one.judged, { loadBefore, command }),
    `Asked: RMSPE of at most ${targets.rmspePercent} % and ${targets.within10Percent} % of the hold-out within 10 %, Spearman of at least ${leastSpearman} after ten rows moved a predictor to two threads or to the other size. ${isMet ? 'Met.' : 'Not met.'}`,
    `## On the hold-out`,
    holdOutTable(devices),
    `nn-Meter's figures are published ones (Zhang et al., MobiSys 2021; README and docs of github.com/microsoft/nn-Meter): 26,000 convolutional networks, other devices, least to most of the families. They show what is usual, no more. The rows at the speed of the fit are divided by how much slower the dense model was in the later process (${devices.map(({ name, judged }) => `${name} ${fixed(judged.slowdown, 3)}`).join(', ')}): what is asked is asked of the others.`,
    `## By kind`,
    kindTable(devices),
    `## Moved by a few rows`,
    moveTable(moves),
    'Judged on the rows that none of the moves uses.',
    '',
  ].join('\n\n');
}

function describeRun(
  plan: BenchPlan,
  { fitted, heldOut }: JudgedDevice,
  { loadBefore, command }: { loadBefore: number | null; command: string },
): string {
  const { device, protocol } = fitted;
  const { rounds, samplesPerSentinel, visitsPerStretch } = createProtocol(protocol);
  const runs = plan.threads.map((count) => {
    const part = plan.parts.find(({ threads }) => threads === count);
    return `${createProtocol(part?.protocol ?? {}).samplesPerVisit} with ${threadsOf(count)}`;
  });
  const began = ({ sessions }: LatencyTable): string => sessions[0]?.startedAt ?? 'an unknown time';
  const unsteady = [fitted, heldOut].reduce((sum, table) => sum + table.unsteady.length, 0);
  return [
    `\`${command}\`: ${device.name}, ${availableParallelism()} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${device.platform}, ${device.runtime}, ${device.backendVersion}, ${device.kernels}; ${loadBefore === null ? 'resumed' : `load ${loadBefore.toFixed(2)} before`}.`,
    `Random weights, batch 1. ${rounds} rounds, timed runs a visit: ${runs.join(', ')}; the dense model (${samplesPerSentinel} runs) every ${visitsPerStretch} visits.`,
    `With ${threadsOf(plan.threads[0] ?? 1)} the rows to fit began at ${began(fitted)}, the hold-out, in a process of its own, at ${began(heldOut)}; ${unsteady} stretches were unsteady.`,
  ].join('\n');
}

type NamedDevice = { readonly name: string; readonly judged: JudgedDevice };

function holdOutTable(devices: readonly NamedDevice[]): string {
  const head = [
    '',
    'RMSPE %',
    'within 5 %',
    'within 10 %',
    'Spearman',
    'bias %',
    'largest error %',
    'in the 90 % interval',
    'noise of a row %, fit and hold-out',
    'dense ms',
    'kind',
    'rows',
  ];
  const own = devices.flatMap(({ name, judged }) => [
    rowOf(name, judged.chosen, judged),
    ...(judged.atSpeed === null ? [] : [rowOf(`${name}, at the speed of the fit`, judged.atSpeed, judged)]),
  ]);
  const published = nnMeter.map(([name, rmspe, within5, within10]) => [
    `nn-Meter, ${name}`,
    rmspe,
    within5,
    within10,
    ...Array.from({ length: head.length - 4 }, () => ''),
  ]);
  return markdownTable([head, ...own, ...published]);
}

function kindTable(devices: readonly NamedDevice[]): string {
  const head = ['', 'kind', 'cross-validated RMSPE %', 'RMSPE %', 'within 5 %', 'within 10 %', 'Spearman'];
  const rows = devices.flatMap(({ name, judged: { kinds } }) =>
    kinds.map(({ kind, isChosen, crossValidatedPercent, report }) => [
      name,
      isChosen ? `**${kind}**` : kind,
      fixed(crossValidatedPercent, 2),
      fixed(report.rmspePercent, 2),
      fixed(report.within5Percent),
      fixed(report.within10Percent),
      fixed(report.spearman, 3),
    ]),
  );
  return markdownTable([head, ...rows]);
}

function moveTable(moves: readonly (readonly [name: string, curve: readonly CalibrationPoint[]])[]): string {
  const head = ['', 'rows', 'RMSPE %', 'within 5 %', 'within 10 %', 'Spearman', 'judged on'];
  const rows = moves.flatMap(([name, curve]) =>
    curve.map((point) => [
      name,
      point.points === 0 ? 'not moved' : `${point.points}`,
      fixed(point.rmspePercent, 2),
      fixed(point.within5Percent),
      fixed(point.within10Percent),
      fixed(point.spearman, 3),
      `${point.rows}`,
    ]),
  );
  return markdownTable([head, ...rows]);
}

/** Errors, and what belongs to both measurements. */
function rowOf(
  name: string,
  report: QualityReport,
  { fitNoise, fitted, heldOut, predictor }: JudgedDevice,
): readonly string[] {
  return [
    name,
    fixed(report.rmspePercent, 2),
    fixed(report.within5Percent),
    fixed(report.within10Percent),
    fixed(report.spearman, 3),
    fixed(report.biasPercent, 2),
    fixed(report.largestErrorPercent),
    report.coveragePercent === null ? 'not known' : `${fixed(report.coveragePercent)} %`,
    `${fixed(fitNoise?.rowPercent ?? null, 2)}, ${fixed(report.noiseFloor?.rowPercent ?? null, 2)}`,
    `${fixed(fitted.sentinel.ms)}, ${fixed(heldOut.sentinel.ms)}`,
    predictor.kind,
    `${fitted.rows.length}, ${heldOut.rows.length}`,
  ];
}
