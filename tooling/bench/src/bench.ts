/** A whole run: groups of cases one size after the other, profiles, first runs; the same in Node and in a page. */

import { createRandom } from '@sparsevit/windows';
import type { CaseSpec } from './cases';
import { caseId, forwardCases, forwardGmacs, trainingCases } from './cases';
import type { ColdResult } from './cold';
import { coldCases, mergeCold } from './cold';
import type { PlanEngines } from './engines/plan-engine';
import { createPlanEngines, isPlanEngine } from './engines/plan-engine';
import type { TensorEngine } from './engines/tensorflow';
import { growthOf } from './growth';
import type { Measurement, Surroundings } from './measure';
import { measure } from './measure';
import type { OnnxSource } from './peers/onnx';
import { isOnnxEngine, prepareOnnxCase } from './peers/onnx';
import type { Plan } from './plan';
import { protocolOf } from './plan';
import type { ProductTimes } from './products';
import { compareProducts, timeProducts } from './products';
import type { RunProfile } from './profile';
import { profileRun, summarizeProfiles } from './profile';
import type { BenchResult, GroupResult, Machine, ProfileResult } from './result';
import type { Runnable } from './runnable';
import { BenchError } from './runnable';
import { largestDrift, summarize } from './summary';

/** What Node or a page brings. */
export interface Environment {
  readonly now: () => number;
  readonly startEngine: (options: { wantsKernels: boolean }) => Promise<TensorEngine>;
  readonly onnx: OnnxSource;
  /** Runs a case in a fresh process or page. */
  readonly runCold: (spec: CaseSpec) => Promise<ColdResult>;
  readonly describeMachine: (engine: TensorEngine) => Promise<Machine>;
  /** What was typed. */
  readonly command: string;
  /** Progress, a line at a time. */
  readonly log: (line: string) => void;
}

/** A case that ran once. */
export interface DryRunResult {
  readonly id: string;
  readonly shape: readonly number[];
  readonly meanMagnitude: number;
}

/**
 * Runs a plan.
 *
 * @throws BenchError when something the plan needs is missing
 */
export async function runBench(plan: Plan, environment: Environment): Promise<BenchResult> {
  const { now, log } = environment;
  const warnings: string[] = [];
  const warn = (text: string): void => {
    warnings.push(text);
    log(`warning: ${text}`);
  };
  const engine = await startEngineOf(plan, environment);
  if (/software/i.test(engine.report.detail)) {
    throw new BenchError(
      `${engine.report.backend}: expected a graphics card, got ${engine.report.detail}. A software adapter shows no speed: use --dry-run to check values on it.`,
    );
  }
  const machine = await environment.describeMachine(engine);
  const planEngines = createPlanEngines();
  const cold = await runAllCold(plan, environment);
  log(`${machine.runtime}, ${machine.backend}, ${machine.kernels}; ${machine.cpu}, ${machine.cores} cores`);
  if (machine.loadBefore !== null && machine.loadBefore > 0.5) {
    warn(`the machine was busy before the run (load ${machine.loadBefore.toFixed(2)})`);
  }
  const surroundings: Surroundings = {
    now,
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    random: createRandom(plan.seed),
    onEvent(event) {
      if (event.type === 'round-started') log(`round ${event.round + 1} of ${event.rounds}`);
      else if (event.type === 'visit-ended') {
        const { id, medianMs, isSteady, warmupMs } = event.visit;
        log(
          `  ${id}: ${medianMs.toFixed(1)} ms after ${warmupMs.length} runs of warm-up${isSteady ? '' : ', not steady'}`,
        );
      } else {
        const { round, moved } = event.sentinel;
        warn(`round ${round + 1}: the sentinel moved by ${((moved - 1) * 100).toFixed(1)} %`);
      }
    },
  };
  const profiles: ProfileResult[] = [];
  const measureGroup = async (sizePixels: number, specs: readonly CaseSpec[]): Promise<GroupResult> => {
    const cases = await prepareAll(specs, { engine, planEngines }, environment);
    try {
      for (const one of cases) await one.check();
      const sentinel = specs.find(({ configuration }) => configuration === 'dense') ?? specs[0];
      if (sentinel === undefined)
        throw new BenchError('bench: expected cases, got none. Look at --cases and --engines.');
      const raw = await measure(cases, protocolOf(plan, caseId(sentinel)), surroundings);
      if (plan.wantsProfile) profiles.push(...cases.flatMap((one) => profileCase(one, plan, environment)));
      return groupResult(sizePixels, specs, raw);
    } finally {
      for (const one of cases) await one.dispose();
    }
  };
  const groups: GroupResult[] = [];
  for (const sizePixels of plan.sizes) {
    log(`${sizePixels} pixels`);
    groups.push(await measureGroup(sizePixels, forwardCases(sizePixels, plan)));
  }
  let training: GroupResult | null = null;
  if (plan.wantsTraining) {
    const specs = trainingCases();
    log('training step');
    training = await measureGroup(specs[0]?.sizePixels ?? 0, specs);
  }
  engine.dispose();
  await planEngines.dispose();
  return {
    version: 1,
    kind: 'sparsevit-bench',
    date: new Date().toISOString(),
    command: environment.command,
    machine,
    protocol: protocolOf(plan, 'dense of each size'),
    seed: plan.seed,
    groups,
    training,
    profiles,
    cold,
    growth: growthOf(groups),
    warnings,
  };
}

/**
 * Runs every case of a plan once and says what it gave: that it works, and the same on every engine.
 *
 * @throws BenchError when something the plan needs is missing, or a result is not finite
 */
export async function dryRun(plan: Plan, environment: Environment): Promise<DryRunResult[]> {
  const engine = await startEngineOf(plan, environment);
  environment.log(`${engine.report.backend}, ${engine.report.detail}`);
  const planEngines = createPlanEngines();
  const results: DryRunResult[] = [];
  const groups = plan.sizes.map((sizePixels) => forwardCases(sizePixels, plan));
  if (plan.wantsTraining) groups.push(trainingCases());
  for (const specs of groups) {
    for (const spec of specs) {
      const [one] = await prepareAll([spec], { engine, planEngines }, environment);
      if (one === undefined) continue;
      const checked = await one.check();
      results.push({ id: one.id, ...checked });
      environment.log(`  ${one.id}: [${checked.shape.join(', ')}], mean magnitude ${checked.meanMagnitude.toFixed(4)}`);
      await one.dispose();
    }
  }
  engine.dispose();
  await planEngines.dispose();
  return results;
}

async function startEngineOf(plan: Plan, environment: Environment): Promise<TensorEngine> {
  return environment.startEngine({ wantsKernels: plan.engines.includes('sparsevit') });
}

async function runAllCold(plan: Plan, { runCold, log }: Environment): Promise<ColdResult[]> {
  if (plan.coldRuns === 0) return [];
  const results: ColdResult[] = [];
  for (const spec of coldCases(plan)) {
    log(`first run of ${caseId(spec)}`);
    const runs: ColdResult[] = [];
    for (let run = 0; run < plan.coldRuns; run++) runs.push(await runCold(spec));
    results.push(mergeCold(runs));
  }
  return results;
}

async function prepareAll(
  specs: readonly CaseSpec[],
  { engine, planEngines }: { engine: TensorEngine; planEngines: PlanEngines },
  { onnx }: Environment,
): Promise<Runnable[]> {
  const cases: Runnable[] = [];
  try {
    for (const spec of specs) {
      if (isOnnxEngine(spec.engine)) cases.push(await prepareOnnxCase(spec, onnx));
      else cases.push(isPlanEngine(spec.engine) ? await planEngines.prepare(spec) : engine.prepare(spec));
    }
  } catch (error) {
    for (const one of cases) await one.dispose();
    throw error;
  }
  return cases;
}

function groupResult(sizePixels: number, specs: readonly CaseSpec[], raw: Measurement): GroupResult {
  const times = new Map(summarize(raw).map((time) => [time.id, time]));
  const cases = specs.map((spec) => {
    const time = times.get(caseId(spec));
    if (time === undefined) throw new BenchError(`${caseId(spec)}: expected a time, got none.`);
    const gmacs = forwardGmacs(spec);
    return { ...spec, ...time, gmacs, msPerGmac: time.median / gmacs };
  });
  return { sizePixels, cases, raw, largestDrift: largestDrift(raw) };
}

/** Profiles our dense and 60 % forwards, and the training step. */
function profileCase(one: Runnable, plan: Plan, { now, log }: Environment): ProfileResult[] {
  const { engine, configuration, sizePixels, kind } = one.spec;
  const isProfiled = configuration === 'dense' || configuration === '0.6';
  if (engine !== 'sparsevit' || !isProfiled || kind === 'training-step-with-update' || plan.backend !== 'wasm')
    return [];
  log(`  profile of ${one.id}`);
  const runs: RunProfile[] = [];
  const alone: ProductTimes[] = [];
  for (let run = 0; run < plan.profileRuns; run++) {
    // kernels of wasm compute at once: a run is done when it returns, though it is written as a promise
    const profile = profileRun(plan.backend, () => void one.run(), now);
    runs.push(profile);
    if (kind === 'forward') alone.push(timeProducts(profile, now));
  }
  const products = kind === 'forward' ? compareProducts(runs, alone) : null;
  return [{ ...summarizeProfiles(runs), configuration, sizePixels, kind, products }];
}
