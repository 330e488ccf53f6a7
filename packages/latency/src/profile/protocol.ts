/** How latencies are measured: rounds in random order, a sentinel between, medians. Defaults are for a machine that does little else. */

import { ConfigError } from '@sparsevit/windows';

/** Numbers of the protocol. */
export interface MeasureProtocol {
  /** Of the order of visits. */
  readonly seed: number;
  /** Visits of each configuration, each in another order. */
  readonly rounds: number;
  /** Timed samples of a visit; their median counts. */
  readonly samplesPerVisit: number;
  /** Runs before the samples of a visit that do not count: the caches are another configuration's. */
  readonly settlingRuns: number;
  /** Visits between two looks at the sentinel: such a stretch is what is repeated, and what a killed process loses. */
  readonly visitsPerStretch: number;
  /** Timed samples of a look at the sentinel. */
  readonly samplesPerSentinel: number;
  /** A stretch is repeated when the sentinel after it is further than this from the one before; 0.05 is 5 %. */
  readonly largestMove: number;
  /** Attempts at a stretch, the first included; after the last its visits do not count. */
  readonly attemptsPerStretch: number;
  /** Attempts at a visit that fails; after the last the configuration is excluded. */
  readonly attemptsPerVisit: number;
  /** Runs of a configuration before anything counts, at least. */
  readonly leastWarmUpRuns: number;
  /** ... and at most. */
  readonly mostWarmUpRuns: number;
  /** The warm-up ends when so many runs in a row agree ... */
  readonly agreeingRuns: number;
  /** ... to this share: 0.05 is 5 %. */
  readonly agreement: number;
  /** Milliseconds of rest before a stretch is repeated. */
  readonly coolDownMs: number;
}

/**
 * Five rounds, five samples a visit, the sentinel every ten visits, repeated when it moves by more than 5 %; a warm-up ends after three runs
 * within 5 %, five at least and fifty at most.
 */
export const defaultProtocol: MeasureProtocol = {
  seed: 0,
  rounds: 5,
  samplesPerVisit: 5,
  settlingRuns: 1,
  visitsPerStretch: 10,
  samplesPerSentinel: 9,
  largestMove: 0.05,
  attemptsPerStretch: 3,
  attemptsPerVisit: 2,
  leastWarmUpRuns: 5,
  mostWarmUpRuns: 50,
  agreeingRuns: 3,
  agreement: 0.05,
  coolDownMs: 1000,
};

const most = 1_000_000;

/** The least value of each whole number. */
const leastCounts = {
  rounds: 1,
  samplesPerVisit: 1,
  settlingRuns: 0,
  visitsPerStretch: 1,
  samplesPerSentinel: 1,
  attemptsPerStretch: 1,
  attemptsPerVisit: 1,
  leastWarmUpRuns: 0,
  mostWarmUpRuns: 1,
  agreeingRuns: 1,
} as const;

/**
 * The protocol with the given numbers in the place of the defaults.
 *
 * @throws ConfigError for a number that cannot be
 * @example
 * createProtocol({ rounds: 3, seed: 7 }).samplesPerVisit; // 5
 */
export function createProtocol(changes: Partial<MeasureProtocol> = {}): MeasureProtocol {
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  const protocol: MeasureProtocol = { ...defaultProtocol, ...given };
  const refuse = (name: string, what: string, got: unknown): ConfigError =>
    new ConfigError(`measure: expected ${name} to be ${what}, got ${String(got)}.`);
  for (const name of Object.keys(changes)) {
    if (!Object.hasOwn(defaultProtocol, name)) {
      throw refuse('options', `one of ${Object.keys(defaultProtocol).join(', ')}`, name);
    }
  }
  for (const [name, least] of Object.entries(leastCounts)) {
    const value = protocol[name as keyof typeof leastCounts];
    if (!Number.isInteger(value) || value < least || value > most) {
      throw refuse(name, `a whole number from ${least} to ${most}`, value);
    }
  }
  for (const name of ['largestMove', 'agreement', 'coolDownMs'] as const) {
    const value = protocol[name];
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) throw refuse(name, 'a number of at least 0', value);
  }
  if (!Number.isSafeInteger(protocol.seed)) throw refuse('seed', 'a whole number', protocol.seed);
  if (protocol.mostWarmUpRuns < Math.max(protocol.leastWarmUpRuns, protocol.agreeingRuns)) {
    throw refuse('mostWarmUpRuns', 'at least leastWarmUpRuns and agreeingRuns', protocol.mostWarmUpRuns);
  }
  return protocol;
}
