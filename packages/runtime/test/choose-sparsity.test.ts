import { deviceCalibrationSchema } from '@sparsevit/config';
import type { MeasureEvent } from '@sparsevit/latency';
import { calibratePredictor, predictorFromJSON } from '@sparsevit/latency';
import { saveTask } from '@sparsevit/tasks';
import type { PrunedRatios } from '@sparsevit/windows';
import { BackendError, CheckpointError, ConfigError, createRandom, hasRatios } from '@sparsevit/windows';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ChooseSparsityOptions, LoadedModel } from '../src/index';
import { chooseSparsity, loadModel } from '../src/index';
import { fileOf } from './cases/checkpoint';
import { configs, deployedFile, deploymentOf, randomTask, searchDeviceMs } from './cases/deployed';

const file = deployedFile(randomTask(configs.detection));
let model: LoadedModel;
beforeAll(async () => {
  model = await loadModel(file, { backend: 'engine', threads: 1 });
});
afterAll(() => model.dispose());

/** The model on a device that takes no time but that of its own clock. */
function simulate(
  costMs: (prunedRatios: PrunedRatios) => number,
  { noise = 0, seed = 1, of = model }: { noise?: number; seed?: number; of?: LoadedModel } = {},
): { model: LoadedModel; now: () => number; runs: () => number } {
  const random = createRandom(seed);
  let timeMs = 0;
  let runs = 0;
  return {
    model: {
      ...of,
      async predict(_, { sparsity, signal } = {}) {
        signal?.throwIfAborted();
        if (typeof sparsity !== 'object' || sparsity === null || !hasRatios(sparsity)) throw new Error('no ratios');
        timeMs += costMs(sparsity.prunedRatios) * Math.exp(noise * random.normal());
        runs++;
        return { output: null, features: [], logits: null, windows: [] };
      },
    },
    now: () => timeMs,
    runs: () => runs,
  };
}

const choose = (
  device: ReturnType<typeof simulate>,
  options: Omit<ChooseSparsityOptions, 'now'>,
): ReturnType<typeof chooseSparsity> => chooseSparsity(device.model, { now: device.now, ...options });

describe('the choice', () => {
  test('against brute force, on devices that are faster, slower, and slower in single stages', async () => {
    const random = createRandom(4);
    let [met, late] = [0, 0];
    for (let i = 0; i < 16; i++) {
      const [offset, scale, share] = [3 * random.uniform(), 0.3 + 4 * random.uniform(), 0.3 * random.uniform()];
      const costMs = (ratios: PrunedRatios): number =>
        offset + scale * searchDeviceMs(ratios) * (1 - share * (ratios[0]?.[0] ?? 0));
      const scores = deploymentOf().sparsities.map((one) => ({ ...one, score: random.uniform() }));
      const deployment = { ...deploymentOf(), sparsities: scores };
      const device = simulate(costMs, { noise: 0.02, seed: i, of: { ...model, deployment } });
      const times = scores.map(({ prunedRatios }) => costMs(prunedRatios));
      const [least, most] = [Math.min(...times), Math.max(...times)];
      const budgetMs = least * 0.8 + (most * 1.3 - least * 0.8) * random.uniform();
      const { offered, calibration, ...chosen } = await choose(device, { budgetMs });

      // what is said of each is what the calibrated predictor says
      const predictor = calibratePredictor(predictorFromJSON(deployment.predictor), calibration.rows);
      const predicted = scores.map(({ prunedRatios }) => predictor.predict(prunedRatios));
      expect(offered.map((one) => one.predicted)).toEqual(predicted);
      expect(offered.map(({ score }) => score)).toEqual(scores.map(({ score }) => score));
      for (const [place, { sparsity }] of offered.entries()) {
        expect(sparsity).toEqual({ ...deployment.rules, prunedRatios: scores[place]?.prunedRatios });
      }
      // and near the truth
      for (const [place, { ms }] of predicted.entries()) expect(ms / (times[place] ?? 0)).toBeCloseTo(1, 0.7);

      const inTime = offered.filter(({ predicted: { hi } }) => hi <= budgetMs);
      expect(offered.map(({ meetsBudget }) => meetsBudget)).toEqual(offered.map((one) => inTime.includes(one)));
      expect(offered).toContainEqual(chosen);
      if (inTime.length > 0) {
        met++;
        expect(chosen.meetsBudget).toBe(true);
        expect(chosen.score).toBe(Math.max(...inTime.map(({ score }) => score)));
      } else {
        late++;
        expect(chosen.meetsBudget).toBe(false);
        expect(chosen.predicted.ms).toBe(Math.min(...predicted.map(({ ms }) => ms)));
      }
    }
    expect(Math.min(met, late)).toBeGreaterThan(1);
  });

  test('all the time in the world: the best; none: the fastest; of equal scores the faster', async () => {
    const device = simulate(searchDeviceMs);
    const { calibration, score, sparsity } = await choose(device, { budgetMs: 1e6 });
    expect([score, sparsity.prunedRatios]).toEqual([0.5, [[0], [0], [0]]]);
    const late = await choose(device, { budgetMs: 1e-3, calibration });
    expect(late).toMatchObject({ score: 0.3, meetsBudget: false, sparsity: { prunedRatios: [[0.8], [0.8], [0.8]] } });
    const deployment = deploymentOf();
    const equal = { ...deployment, sparsities: deployment.sparsities.map((one) => ({ ...one, score: 0.4 })) };
    const fastest = await choose(simulate(searchDeviceMs, { of: { ...model, deployment: equal } }), { budgetMs: 1e6 });
    expect(fastest.sparsity.prunedRatios).toEqual([[0.8], [0.8], [0.8]]);
  });

  test('the upper end of the interval has to be in time, not only the middle', async () => {
    const device = simulate(searchDeviceMs, { noise: 0.05 });
    const { offered, calibration } = await choose(device, { budgetMs: 100 });
    const [, second, third] = offered;
    if (second === undefined || third === undefined) throw new Error('expected sparsities');
    expect(third.predicted.hi).toBeGreaterThan(third.predicted.ms * 1.001);
    const middle = await choose(device, { calibration, budgetMs: (third.predicted.ms + third.predicted.hi) / 2 });
    expect(middle.score).toBeLessThan(third.score);
    const upper = await choose(device, { calibration, budgetMs: third.predicted.hi });
    expect(upper.score).toBeGreaterThanOrEqual(third.score);
  });
});

describe('the measurement', () => {
  test('ten references, warm, in three rounds of random order, with a word about how far it is', async () => {
    const events: MeasureEvent[] = [];
    const device = simulate(searchDeviceMs);
    const { calibration } = await choose(device, { budgetMs: 10, onEvent: (event) => events.push(event) });
    expect(calibration.rows).toHaveLength(10);
    for (const { prunedRatios, ms } of calibration.rows) expect(ms).toBeCloseTo(searchDeviceMs(prunedRatios), 9);
    expect(events[0]).toMatchObject({ type: 'measurement-started', configs: 10, rounds: 3 });
    expect(events.at(-1)).toMatchObject({ type: 'measurement-ended', rows: 10 });
    const orders = [0, 1, 2].map((round) =>
      events.flatMap((event) =>
        event.type === 'visit-started' && event.purpose === 'visit' && event.round === round
          ? [JSON.stringify(event.prunedRatios)]
          : [],
      ),
    );
    for (const order of orders) expect(new Set(order).size).toBe(10);
    expect(new Set(orders.map((order) => order.join(' '))).size).toBe(3);
    expect(device.runs()).toBeLessThan(400);
  });

  test('the same seed of everything: the same calibration', async () => {
    const measured = [1, 1, 2].map((seed) => choose(simulate(searchDeviceMs, { noise: 0.05, seed }), { budgetMs: 10 }));
    const [first, same, other] = await Promise.all(measured);
    expect(same).toEqual(first);
    expect(other?.calibration.rows).not.toEqual(first?.calibration.rows);
  });

  test('a predictor that was calibrated already is moved from where it came from', async () => {
    const deployment = deploymentOf();
    const source = predictorFromJSON(deployment.predictor);
    const rows = deployment.sparsities.map(({ prunedRatios }) => ({
      prunedRatios,
      ms: 7 * searchDeviceMs(prunedRatios),
    }));
    const predictor = JSON.parse(JSON.stringify(calibratePredictor(source, rows)));
    const moved = { ...model, deployment: { ...deployment, predictor } };
    const { offered } = await choose(simulate(searchDeviceMs, { of: moved }), { budgetMs: 10 });
    const plain = await choose(simulate(searchDeviceMs), { budgetMs: 10 });
    expect(offered).toEqual(plain.offered);
  });

  test('a device whose times never hold still is an error, not a guess', async () => {
    let run = 0;
    const device = simulate(() => 5 * 1.05 ** run++); // it gets slower all the time
    const choosing = choose(device, { budgetMs: 10, protocol: { coolDownMs: 0, attemptsPerStretch: 1 } });
    await expect(choosing).rejects.toThrow(BackendError);
    await expect(choosing).rejects.toThrow(/expected a device whose times hold still, got \d of 10 references/);
  });

  test('can be stopped before it begins, and between two predictions', async () => {
    const reason = new Error('changed my mind');
    await expect(choose(simulate(searchDeviceMs), { budgetMs: 9, signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    const controller = new AbortController();
    const device = simulate(searchDeviceMs);
    let left = 30;
    const choosing = choose(device, {
      budgetMs: 9,
      signal: controller.signal,
      onEvent: () => {
        if (left-- === 0) controller.abort(reason);
      },
    });
    await expect(choosing).rejects.toBe(reason);
    const runs = device.runs();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(device.runs()).toBe(runs);
  });
});

describe('the calibration', () => {
  test('is plain JSON, with which nothing is measured and the same is chosen', async () => {
    const device = simulate((ratios) => 3 * searchDeviceMs(ratios), { noise: 0.03 });
    for (const budgetMs of [1, 20, 40, 1000]) {
      const first = await choose(device, { budgetMs });
      const runs = device.runs();
      const stored = JSON.parse(JSON.stringify(first.calibration));
      expect(deviceCalibrationSchema.parse(stored)).toEqual(first.calibration);
      expect(await choose(device, { budgetMs, calibration: stored })).toEqual(first);
      expect(device.runs()).toBe(runs);
    }
  });

  test('of another file, another device or another size is refused', async () => {
    const { calibration } = await choose(simulate(searchDeviceMs), { budgetMs: 10 });
    const deployment = deploymentOf();
    const [fastest, ...others] = deployment.sparsities;
    const files: Partial<LoadedModel>[] = [
      {
        deployment: {
          ...deployment,
          sparsities: [{ ...(fastest as NonNullable<typeof fastest>), score: 0.31 }, ...others],
        },
      },
      { task: { ...configs.detection, classes: ['car', 'tram'] } as never },
      { family: 'timm' },
    ];
    for (const other of files) {
      const device = simulate(searchDeviceMs, { of: { ...model, ...other } });
      const choosing = choose(device, { budgetMs: 10, calibration });
      await expect(choosing).rejects.toThrow(ConfigError);
      await expect(choosing).rejects.toThrow(/calibration.model: expected that of this file/);
      expect(device.runs()).toBe(0);
    }
    const report = { ...model.report, detail: 'SIMD, 7 threads' };
    const elsewhere = simulate(searchDeviceMs, { of: { ...model, report } });
    await expect(choose(elsewhere, { budgetMs: 10, calibration })).rejects.toThrow(
      /calibration.device: expected .* 7 threads/,
    );
    const size = { height: 65, width: 96 };
    await expect(choose(simulate(searchDeviceMs), { budgetMs: 10, calibration, size })).rejects.toThrow(
      /calibration.size: expected 65x96, got 64x96/,
    );
  });

  test('that is damaged is refused, naming the field', async () => {
    const { calibration } = await choose(simulate(searchDeviceMs), { budgetMs: 10 });
    const { rows } = calibration;
    const row = (change: object): unknown => ({ ...calibration, rows: [{ ...rows[0], ...change }, ...rows.slice(1)] });
    const damages: [unknown, RegExp][] = [
      [null, /^calibration: expected an object, got null/],
      ['{}', /^calibration: expected an object/],
      [{}, /^calibration: expected a field format/],
      [{ ...calibration, format: 'x' }, /^calibration.format: /],
      [{ ...calibration, version: 2 }, /^calibration.version: expected 1, got 2/],
      [{ ...calibration, more: 1 }, /^calibration: expected no other fields/],
      [{ ...calibration, size: { height: 1.5, width: 2 } }, /^calibration.size.height: expected a whole number/],
      [{ ...calibration, rows: rows.slice(0, 2) }, /^calibration.rows: expected at least 3/],
      [{ ...calibration, rows: Array(101).fill(rows[0]) }, /^calibration.rows: expected at most 100/],
      [row({ ms: 0 }), /^calibration.rows\[0\].ms: expected a number above 0/],
      [row({ ms: '3' }), /^calibration.rows\[0\].ms: expected a finite number/],
      [row({ prunedRatios: [[2]] }), /^calibration.rows\[0\].prunedRatios\[0\]\[0\]: /],
      [row({ prunedRatios: [[0.5]] }), /pruned ratios of 3 stages, got 1/],
      [row({ prunedRatios: [[0.5], [0, 0], [0]] }), /1 ratios in stage 1, got 2/],
    ];
    for (const [damaged, message] of damages) {
      const choosing = choose(simulate(searchDeviceMs), { budgetMs: 10, calibration: damaged as never });
      await expect(choosing).rejects.toThrow(ConfigError);
      await expect(choosing).rejects.toThrow(message);
    }
  });
});

describe('bad input', () => {
  test('a file that offers nothing is an error that says how to make one', async () => {
    for (const bytes of [fileOf(), saveTask(randomTask(configs.detection))]) {
      const bare = await loadModel(bytes, { backend: 'engine', threads: 1 });
      const choosing = chooseSparsity(bare, { budgetMs: 10 });
      await expect(choosing).rejects.toThrow(ConfigError);
      await expect(choosing).rejects.toThrow(/`sparsevit pipeline` writes such a file/);
      await bare.dispose();
    }
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, '50', null, undefined])(
    'the budget %s is refused',
    async (budgetMs) => {
      const choosing = choose(simulate(searchDeviceMs), { budgetMs: budgetMs as never });
      await expect(choosing).rejects.toThrow(/budgetMs to be milliseconds above 0/);
    },
  );

  test.each([{ height: 0, width: 4 }, { height: 4.5, width: 4 }, { height: 1e6, width: 1e6 }, {}])(
    'the size %o is refused',
    async (size) => {
      const choosing = choose(simulate(searchDeviceMs), { budgetMs: 10, size: size as never });
      await expect(choosing).rejects.toThrow(/expected a size of whole sides/);
    },
  );

  test('a predictor in the file that is damaged, or of another architecture', async () => {
    const deployment = deploymentOf();
    const predictor = deployment.predictor as { subject: { architecture: object } };
    const other = {
      ...predictor,
      subject: { ...predictor.subject, architecture: { ...predictor.subject.architecture, embedDim: 16 } },
    };
    for (const [damaged, message] of [
      [{}, /^deployment.predictor: expected a field format/],
      [{ ...predictor, regressor: null }, /^deployment.regressor: expected an object/],
      [{ ...predictor, kind: 'x' }, /^deployment.predictor.kind: /],
      [other, /^deployment.predictor.subject.architecture: expected that of the weights/],
    ] as const) {
      const device = simulate(searchDeviceMs, { of: { ...model, deployment: { ...deployment, predictor: damaged } } });
      const choosing = choose(device, { budgetMs: 10 });
      await expect(choosing).rejects.toThrow(CheckpointError);
      await expect(choosing).rejects.toThrow(message);
    }
  });
});

test('on a real device: what is chosen runs, and what was measured is kept', async () => {
  const protocol = { rounds: 1, samplesPerVisit: 1, leastWarmUpRuns: 1, mostWarmUpRuns: 3, largestMove: 1 };
  const chosen = await chooseSparsity(model, {
    budgetMs: 1e4,
    protocol: { ...protocol, attemptsPerStretch: 20, coolDownMs: 0 },
  });
  expect(chosen).toMatchObject({ meetsBudget: true, score: 0.5 });
  const photo = { pixels: new Uint8Array(70 * 50 * 3), height: 50, width: 70 };
  for (const { sparsity } of chosen.offered) {
    expect((await model.predict(photo, { sparsity })).output?.kind).toBe('boxes');
  }
  const { output } = await model.predict(photo, { sparsity: chosen.sparsity });
  expect(output).toEqual((await model.predict(photo, { sparsity: null })).output); // 0 everywhere is dense
  const { calibration } = chosen;
  expect(await chooseSparsity(model, { budgetMs: 1e4, calibration })).toEqual(chosen);
});
