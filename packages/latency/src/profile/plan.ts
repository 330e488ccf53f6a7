/** What is going to be measured, in which order: decided by configurations, protocol and seed alone, so that a resumed run has the same plan. */

import type { PrunedRatios } from '@sparsevit/windows';
import { ConfigError, checkSparsity, createRandom, mixSeeds, randomOrder, stagePairs } from '@sparsevit/windows';
import type { DeviceFingerprint } from './fingerprint';
import type { MeasureProtocol } from './protocol';

/** Visits between two looks at the sentinel. */
export interface Stretch {
  readonly round: number;
  /** Indices of configurations, in the order of their visits. */
  readonly configs: readonly number[];
}

/** A whole measurement before it begins. */
export interface MeasurePlan {
  readonly fingerprint: DeviceFingerprint;
  readonly protocol: MeasureProtocol;
  /** What is timed again and again to see the machine's own changes. */
  readonly sentinel: PrunedRatios;
  readonly configs: readonly PrunedRatios[];
  readonly stretches: readonly Stretch[];
}

/** The most configurations of a table. */
const mostConfigs = 10_000;

/**
 * Checks the configurations and orders their visits: in each round all of them, in an order of its own, in stretches of about equal length.
 *
 * @throws ConfigError for no configuration, one that the model cannot run, one that is there twice, or an input that is none
 */
export function createPlan(
  configs: readonly PrunedRatios[],
  options: { fingerprint: DeviceFingerprint; protocol: MeasureProtocol; sentinel?: PrunedRatios | undefined },
): MeasurePlan {
  const { fingerprint, protocol } = options;
  const { architecture, rules } = fingerprint.model;
  for (const [name, value] of Object.entries(fingerprint.input)) {
    if (!Number.isInteger(value) || value < 1) {
      throw new ConfigError(`measure: expected ${name} of the input to be a whole number of at least 1, got ${value}.`);
    }
  }
  const sentinel =
    options.sentinel ??
    architecture.depths.map((_, stage) => Array.from({ length: stagePairs(architecture, stage) }, () => 0));
  if (!Array.isArray(configs) || configs.length === 0 || configs.length > mostConfigs) {
    const got = Array.isArray(configs) ? configs.length : typeof configs;
    throw new ConfigError(`measure: expected a list of 1 to ${mostConfigs} configurations, got ${got}.`);
  }
  const seen = new Map<string, number>();
  for (const [i, prunedRatios] of configs.entries()) {
    checkSparsity(architecture, { ...rules, prunedRatios });
    const key = JSON.stringify(prunedRatios);
    const first = seen.get(key);
    if (first !== undefined) {
      throw new ConfigError(
        `measure: expected each configuration once, got ${key} at places ${first} and ${i}. Rounds repeat them.`,
      );
    }
    seen.set(key, i);
  }
  checkSparsity(architecture, { ...rules, prunedRatios: sentinel });
  const stretches = Array.from({ length: protocol.rounds }, (_, round) => {
    const order = [...randomOrder(configs.length, createRandom(mixSeeds([protocol.seed, round])))];
    const count = Math.ceil(configs.length / protocol.visitsPerStretch);
    const from = (part: number): number => Math.round((part * configs.length) / count);
    return Array.from({ length: count }, (_, i): Stretch => ({ round, configs: order.slice(from(i), from(i + 1)) }));
  }).flat();
  return { fingerprint, protocol, sentinel, configs, stretches };
}
