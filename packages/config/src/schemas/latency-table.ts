/** The schema of a table of latencies: the document that `measure` of `@sparsevit/latency` gives. Written by programs, read by programs. */

import type { PrunedRatios, SparsityRules, SwinArchitecture } from '@sparsevit/windows';
import { ConfigError, checkSparsity } from '@sparsevit/windows';
import * as z from 'zod';
import { swinArchitectureSchema } from './architecture';
import { checkInside } from './config-issue';
import { describeZodError } from './describe-error';

/** Some timed runs, one after the other, on the clock of their session. */
export interface TimedSamples {
  readonly startMs: number;
  readonly endMs: number;
  readonly samplesMs: readonly number[];
}

/** A table after reading; every field is said in `@sparsevit/latency`. */
export interface LatencyTable {
  readonly format: 'sparsevit-latency-table';
  readonly version: 1;
  readonly device: {
    readonly name: string;
    readonly driver: string | null;
    readonly platform: string;
    readonly runtime: string;
    readonly backend: string;
    readonly backendVersion: string;
    readonly kernels: string | null;
    readonly threads: number | null;
  };
  readonly model: {
    readonly name: string | null;
    readonly hash: string;
    readonly architecture: SwinArchitecture;
    readonly rules: SparsityRules;
  };
  readonly input: { readonly batch: number; readonly height: number; readonly width: number };
  readonly protocol: {
    readonly seed: number;
    readonly rounds: number;
    readonly samplesPerVisit: number;
    readonly settlingRuns: number;
    readonly visitsPerStretch: number;
    readonly samplesPerSentinel: number;
    readonly largestMove: number;
    readonly attemptsPerStretch: number;
    readonly attemptsPerVisit: number;
    readonly leastWarmUpRuns: number;
    readonly mostWarmUpRuns: number;
    readonly agreeingRuns: number;
    readonly agreement: number;
    readonly coolDownMs: number;
  };
  readonly sessions: readonly { readonly startedAt: string | null; readonly timerResolutionMs: number | null }[];
  readonly rows: readonly {
    readonly prunedRatios: PrunedRatios;
    readonly ms: number;
    readonly visitMs: readonly number[];
    readonly visits: readonly (TimedSamples & {
      readonly round: number;
      readonly session: number;
      readonly driftRatio: number;
    })[];
  }[];
  readonly excluded: readonly {
    readonly prunedRatios: PrunedRatios;
    readonly reason: 'failed' | 'timer' | 'unsteady';
    readonly message: string;
  }[];
  readonly sentinel: {
    readonly prunedRatios: PrunedRatios;
    readonly ms: number | null;
    readonly readings: readonly (TimedSamples & { readonly session: number })[];
  };
  readonly unsteady: readonly {
    readonly round: number;
    readonly stretch: number;
    readonly attempt: number;
    readonly moved: number;
    readonly outcome: 'repeated' | 'dropped';
  }[];
  readonly noise: { readonly visit: number; readonly row: number } | null;
}

/** Far above every table there is; a document must not be able to ask for gigabytes. */
const mostRows = 100_000;
const mostVisits = 10_000;
const mostSamples = 10_000;

const text = z.string().max(1000);
const count = z.int().min(0);
const positiveCount = z.int().min(1);
const duration = z.number().positive();
const share = z.number().min(0);
const prunedRatios = z
  .array(z.array(z.number()).max(1024))
  .max(16)
  .meta({ description: 'Shares of pruned windows, stage -> pair.' });
const timedSamples = {
  startMs: z.number().meta({ description: 'When the first sample began, on the clock of the session.' }),
  endMs: z.number().meta({ description: 'When the last sample ended.' }),
  samplesMs: z.array(duration).min(1).max(mostSamples).meta({ description: 'Milliseconds of a run.' }),
};
const session = count.meta({ description: 'Index of the session whose clock the times are on.' });

const deviceSchema = z.strictObject({
  name: text.meta({ description: 'Model of the processor, or name of the graphics adapter.' }),
  driver: text.nullable().meta({ description: 'Version of the graphics driver.' }),
  platform: text.meta({ description: 'Such as linux x64.' }),
  runtime: text.meta({ description: 'Such as Node 24.2.0.' }),
  backend: text.meta({ description: 'engine, webgpu, wasm or cpu.' }),
  backendVersion: text.meta({ description: 'Such as TensorFlow.js 4.22.0.' }),
  kernels: text.nullable().meta({ description: 'Which build of the kernels ran.' }),
  threads: positiveCount.nullable().meta({ description: 'Threads that computed.' }),
} satisfies Record<keyof LatencyTable['device'], z.ZodType>);

/** Rules of scoring and counting, complete. */
export const sparsityRulesSchema: z.ZodType<SparsityRules> = z.strictObject({
  score: z.enum(['l1-mean', 'l2']).meta({ description: 'Importance of a token.' }),
  padsInScore: z.enum(['counted', 'left-out']).meta({ description: 'Whether pads lower the score of a window.' }),
  rounding: z.enum(['truncate', 'nearest']).meta({ description: 'How many windows a ratio keeps.' }),
  minKept: count.meta({ description: 'The least number of windows kept per image.' }),
  padding: z.enum(['before-norm', 'family']).meta({ description: 'Where pads enter the attention.' }),
} satisfies Record<keyof SparsityRules, z.ZodType>);

const modelSchema = z.strictObject({
  name: text.nullable().meta({ description: 'What people call it.' }),
  hash: text.meta({ description: 'Of all that decides what is computed.' }),
  architecture: swinArchitectureSchema.meta({ description: 'The Swin.' }),
  rules: sparsityRulesSchema.meta({ description: 'Rules of scoring and counting.' }),
} satisfies Record<keyof LatencyTable['model'], z.ZodType>);

const inputSchema = z.strictObject({
  batch: positiveCount.meta({ description: 'Images at once.' }),
  height: positiveCount.meta({ description: 'Pixels.' }),
  width: positiveCount.meta({ description: 'Pixels.' }),
} satisfies Record<keyof LatencyTable['input'], z.ZodType>);

const protocolSchema = z.strictObject({
  seed: z.int().meta({ description: 'Of the order of visits.' }),
  rounds: positiveCount.meta({ description: 'Visits of each configuration.' }),
  samplesPerVisit: positiveCount.meta({ description: 'Timed samples of a visit.' }),
  settlingRuns: count.meta({ description: 'Runs of a visit that do not count.' }),
  visitsPerStretch: positiveCount.meta({ description: 'Visits between two looks at the sentinel.' }),
  samplesPerSentinel: positiveCount.meta({ description: 'Timed samples of a look at the sentinel.' }),
  largestMove: share.meta({ description: 'How far the sentinel may move over a stretch; 0.05 is 5 %.' }),
  attemptsPerStretch: positiveCount.meta({ description: 'Attempts at a stretch.' }),
  attemptsPerVisit: positiveCount.meta({ description: 'Attempts at a visit that fails.' }),
  leastWarmUpRuns: count.meta({ description: 'Runs of a warm-up, at least.' }),
  mostWarmUpRuns: positiveCount.meta({ description: 'Runs of a warm-up, at most.' }),
  agreeingRuns: positiveCount.meta({ description: 'Runs in a row that must agree for a warm-up to end.' }),
  agreement: share.meta({ description: 'To which share they must agree; 0.05 is 5 %.' }),
  coolDownMs: share.meta({ description: 'Milliseconds of rest before a stretch is repeated.' }),
} satisfies Record<keyof LatencyTable['protocol'], z.ZodType>);

const visitSchema = z
  .strictObject({
    round: count.meta({ description: 'Round of the visit, from 0.' }),
    session,
    ...timedSamples,
    driftRatio: z.number().positive().meta({ description: "The sentinel's time then over its time in the whole." }),
  })
  .meta({ description: 'A visit as it was measured.' });

const rowSchema = z.strictObject({
  prunedRatios,
  ms: duration.meta({ description: 'Median of the visits, drift cancelled.' }),
  visitMs: z.array(duration).min(1).max(mostVisits).meta({ description: 'The visits, drift cancelled.' }),
  visits: z.array(visitSchema).min(1).max(mostVisits).meta({ description: 'The visits with their raw samples.' }),
} satisfies Record<keyof LatencyTable['rows'][number], z.ZodType>);

const excludedSchema = z.strictObject({
  prunedRatios,
  reason: z.enum(['failed', 'timer', 'unsteady']).meta({ description: 'Why there is no time.' }),
  message: text.meta({ description: 'The reason in words.' }),
} satisfies Record<keyof LatencyTable['excluded'][number], z.ZodType>);

const sentinelSchema = z.strictObject({
  prunedRatios,
  ms: duration.nullable().meta({ description: 'The speed that rows are brought to; null when no stretch counts.' }),
  readings: z
    .array(z.strictObject({ session, ...timedSamples }))
    .max(mostRows)
    .meta({ description: 'Every look at it.' }),
} satisfies Record<keyof LatencyTable['sentinel'], z.ZodType>);

const unsteadySchema = z.strictObject({
  round: count.meta({ description: 'Round of the stretch, from 0.' }),
  stretch: count.meta({ description: 'Index of the stretch in the plan.' }),
  attempt: count.meta({ description: 'Which attempt, from 0.' }),
  moved: share.meta({ description: 'How far the sentinel moved; 0.05 is 5 %.' }),
  outcome: z.enum(['repeated', 'dropped']).meta({ description: 'Whether there was another attempt.' }),
} satisfies Record<keyof LatencyTable['unsteady'][number], z.ZodType>);

/**
 * A `LatencyTable`: every configuration is one of the architecture, and is there once.
 *
 * @example
 * latencyTableSchema.parse(document).rows[0]?.ms; // 41.2
 */
export const latencyTableSchema: z.ZodType<LatencyTable> = z
  .strictObject({
    format: z.literal('sparsevit-latency-table').meta({ description: 'What the document is.' }),
    version: z.literal(1).meta({ description: 'The version of this format.' }),
    device: deviceSchema.meta({ description: 'What computed.' }),
    model: modelSchema.meta({ description: 'What was computed.' }),
    input: inputSchema.meta({ description: 'The images.' }),
    protocol: protocolSchema.meta({ description: 'How it was measured.' }),
    sessions: z
      .array(
        z.strictObject({
          startedAt: text.nullable().meta({ description: 'Date and time.' }),
          timerResolutionMs: duration.nullable().meta({ description: 'The least step of the clock.' }),
        }),
      )
      .max(mostRows)
      .meta({ description: 'The processes that measured, one after the other.' }),
    rows: z.array(rowSchema).max(mostRows).meta({ description: 'What was measured.' }),
    excluded: z.array(excludedSchema).max(mostRows).meta({ description: 'What could not be measured.' }),
    sentinel: sentinelSchema.meta({ description: "What was timed again and again to see the machine's own changes." }),
    unsteady: z.array(unsteadySchema).max(mostRows).meta({ description: 'Stretches over which the sentinel moved.' }),
    noise: z
      .strictObject({
        visit: share.meta({ description: 'Relative standard deviation of a visit.' }),
        row: share.meta({ description: 'Of a row.' }),
      })
      .nullable()
      .meta({ description: 'What two measurements of the same differ by; null for a single round.' }),
  } satisfies Record<keyof LatencyTable, z.ZodType>)
  .superRefine((table, context) => {
    const { architecture, rules } = table.model;
    const seen = new Set<string>();
    const check = (path: readonly (string | number)[], ratios: PrunedRatios): void =>
      void checkInside(context, path, () => checkSparsity(architecture, { ...rules, prunedRatios: ratios }));
    check(['sentinel', 'prunedRatios'], table.sentinel.prunedRatios);
    for (const name of ['rows', 'excluded'] as const) {
      for (const [i, { prunedRatios: ratios }] of table[name].entries()) {
        check([name, i, 'prunedRatios'], ratios);
        const key = JSON.stringify(ratios);
        if (seen.has(key)) {
          const message = `Invalid input: expected each configuration once, got ${key} again`;
          context.addIssue({ code: 'custom', message, path: [name, i, 'prunedRatios'] });
        }
        seen.add(key);
      }
    }
    table.rows.forEach(({ visitMs, visits }, i) => {
      if (visitMs.length === visits.length) return;
      const message = `Invalid input: expected as many visits as visitMs, got ${visits.length} and ${visitMs.length}`;
      context.addIssue({ code: 'custom', message, path: ['rows', i, 'visits'] });
    });
  })
  .meta({ title: 'SparseViT latency table', description: 'Latencies of a model on a device, by sparsity.' });

/**
 * Reads a table of latencies.
 *
 * @param document a parsed JSON document
 * @throws ConfigError with a line or two for each thing that is wrong; its `cause` is zod's error
 * @example
 * const table = parseLatencyTable(JSON.parse(await readFile('table.json', 'utf8')));
 */
export function parseLatencyTable(document: unknown): LatencyTable {
  const result = latencyTableSchema.safeParse(document, { reportInput: true });
  if (result.success) return result.data;
  throw new ConfigError(`parseLatencyTable: expected a table of latencies, got\n${describeZodError(result.error)}`, {
    cause: result.error,
  });
}

/** The JSON Schema (draft 2020-12) of a table; the file `@sparsevit/config/latency-table/schema.json` is a copy of it. */
export function latencyTableJsonSchema(): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(latencyTableSchema, { io: 'input' });
}
