/**
 * On what latencies were measured: they hold for one device, one way to compute, one model and one input, and for nothing else.
 */

import type { SparsityRules, SwinArchitecture } from '@sparsevit/windows';
import { ConfigError } from '@sparsevit/windows';
import { stableHash } from './stable-hash';

/** What computed. A field that cannot be known is null. */
export interface LatencyDevice {
  /** Model of the processor, or name of the graphics adapter. */
  readonly name: string;
  /** Version of the graphics driver. */
  readonly driver: string | null;
  /** `linux x64` */
  readonly platform: string;
  /** `Node 24.2.0`, `Chromium 138` */
  readonly runtime: string;
  /** `engine`, or a backend of TensorFlow.js: `webgpu`, `wasm`, `cpu`. */
  readonly backend: string;
  /** `@sparsevit/engine 1.0.0`, `TensorFlow.js 4.22.0` */
  readonly backendVersion: string;
  /** Which build of the kernels ran: `relaxed SIMD`, `plain ops`. */
  readonly kernels: string | null;
  readonly threads: number | null;
}

/** What was computed. */
export interface LatencyModel {
  /** What people call it; two names of one model are no difference. */
  readonly name: string | null;
  /** Of all that decides what is computed: architecture, rules, parts, head. Not of the values of weights, which cost the same whatever they are. */
  readonly hash: string;
  readonly architecture: SwinArchitecture;
  /** Rules of scoring and counting: they decide how many windows a ratio keeps. */
  readonly rules: SparsityRules;
}

/** The images. */
export interface LatencyInput {
  readonly batch: number;
  /** Pixels. */
  readonly height: number;
  /** Pixels. */
  readonly width: number;
}

/** On what latencies hold. */
export interface DeviceFingerprint {
  readonly device: LatencyDevice;
  readonly model: LatencyModel;
  readonly input: LatencyInput;
}

/** A field in which two fingerprints differ. */
export interface FingerprintDifference {
  /** `backend version` */
  readonly field: string;
  readonly expected: string;
  readonly got: string;
}

/** What is compared, by the name that messages use. */
function comparedFields({ device, model, input }: DeviceFingerprint): Readonly<Record<string, string>> {
  const { score, padsInScore, rounding, minKept, padding } = model.rules;
  const fields: Record<string, string | number | null> = {
    device: device.name,
    driver: device.driver,
    platform: device.platform,
    runtime: device.runtime,
    backend: device.backend,
    'backend version': device.backendVersion,
    kernels: device.kernels,
    threads: device.threads,
    model: model.hash,
    'sparsity rules': [score, padsInScore, rounding, minKept, padding].join(', '),
    input: `${input.height}x${input.width}`,
    batch: input.batch,
  };
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value ?? 'unknown')]));
}

/**
 * The key of a fingerprint: equal for measurements that may be used for each other, on every machine.
 *
 * @example
 * fingerprintKey(table) === fingerprintKey(here); // a table is a fingerprint too
 */
export function fingerprintKey(fingerprint: DeviceFingerprint): string {
  return stableHash(comparedFields(fingerprint));
}

/**
 * The fields in which two fingerprints differ; none when their keys are equal.
 *
 * @example
 * differencesOf(table, here).map(({ field }) => field); // ['threads']
 */
export function differencesOf(expected: DeviceFingerprint, got: DeviceFingerprint): FingerprintDifference[] {
  const wanted = comparedFields(expected);
  return Object.entries(comparedFields(got)).flatMap(([field, value]) =>
    value === wanted[field] ? [] : [{ field, expected: wanted[field] ?? '', got: value }],
  );
}

/**
 * Differences as text, in the order in which they were found; long values are cut.
 *
 * @example
 * describeDifferences(differencesOf(table, here)); // 'threads 2, not 1; input 512x512, not 224x224'
 */
export function describeDifferences(differences: readonly FingerprintDifference[]): string {
  const shown = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}...` : text);
  return differences.map(({ field, expected, got }) => `${field} ${shown(got)}, not ${shown(expected)}`).join('; ');
}

/**
 * Refuses latencies that were measured on something else: another device, backend, version, model or input size gives other times.
 *
 * @param table what the latencies were measured on
 * @param fingerprint what they are to be used on
 * @param options `takesOther`: true uses them all the same; default false
 * @returns the differences, none when the keys are equal
 * @throws ConfigError naming the fields that differ
 * @example
 * checkSameDevice(table, here);
 */
export function checkSameDevice(
  table: DeviceFingerprint,
  fingerprint: DeviceFingerprint,
  { takesOther = false }: { takesOther?: boolean } = {},
): FingerprintDifference[] {
  const differences = differencesOf(table, fingerprint);
  if (differences.length === 0 || takesOther) return differences;
  throw new ConfigError(
    `latency table: expected one that was measured on this device, got another: ${describeDifferences(differences)}. Measure here, calibrate it, or say that it shall be taken all the same.`,
  );
}
