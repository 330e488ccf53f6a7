import type { DeviceCalibration as CalibrationDocument, Deployment as DeploymentDocument } from '@sparsevit/config';
import { deploymentSchema } from '@sparsevit/config';
import { CheckpointError, createRandom } from '@sparsevit/windows';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { readDeployment } from '../src/deployment';
import type { Deployment, DeviceCalibration } from '../src/index';
import { loadModel } from '../src/index';
import { configs, deployedFile, deploymentOf, randomTask, tinySwin } from './cases/deployed';

const base = deploymentOf();
const read = (document: unknown): Deployment | null =>
  readDeployment({ 'sparsevit-deployment': JSON.stringify(document) }, tinySwin);

test('the types are those of the schemas', () => {
  expectTypeOf<Deployment>().toEqualTypeOf<DeploymentDocument>();
  expectTypeOf<DeviceCalibration>().toEqualTypeOf<CalibrationDocument>();
});

test('reads what is written', () => {
  expect(read(base)).toEqual(base);
  expect(deploymentSchema.parse(JSON.parse(JSON.stringify(base)))).toEqual(base);
  expect(readDeployment({}, tinySwin)).toBeNull();
});

/** Every place of a document but those inside the predictor, which is not looked into here. */
function placesOf(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null || path[0] === 'predictor') return [path];
  return [path, ...Object.entries(value).flatMap(([name, part]) => placesOf(part, [...path, name]))];
}

function changed(
  document: unknown,
  path: readonly (string | number)[],
  change: (parent: never, name: never) => void,
): unknown {
  const root = { document: structuredClone(document) };
  let parent: Record<string | number, unknown> = root;
  const whole = ['document', ...path];
  for (const name of whole.slice(0, -1)) parent = parent[name] as typeof parent;
  change(parent as never, whole.at(-1) as never);
  return root.document;
}

describe('hostile metadata', () => {
  const values: unknown[] = [null, -1, 0, 0.5, 2, 1e6, '', 'AP', 'x'.repeat(2000), [], {}, [[0.5]], true, '__proto__'];

  test('what the schema refuses is refused, naming the field; what is taken is what the schema takes', () => {
    let [taken, refused] = [0, 0];
    const judge = (document: unknown, path: readonly (string | number)[]): void => {
      const { success, data } = deploymentSchema.safeParse(document);
      let result: Deployment | null = null;
      try {
        result = read(document);
      } catch (error) {
        expect(error).toBeInstanceOf(CheckpointError);
        expect((error as Error).message).toMatch(/^deployment/);
        refused++;
        // ratios of another architecture pass the schema, which knows of none
        if (success) expect(path.join('.')).toMatch(/^sparsities/);
        return;
      }
      expect(result).toEqual(data);
      taken++;
    };
    for (const path of placesOf(base)) {
      for (const value of values) {
        judge(
          changed(base, path, (parent: Record<string, unknown>, name: string) => {
            parent[name] = value;
          }),
          path,
        );
      }
      if (path.length === 0) continue;
      judge(
        changed(base, path, (parent: Record<string, unknown>, name: string) => {
          delete parent[name];
        }),
        path,
      );
      judge(
        changed(base, path, (parent: Record<string, unknown>) => {
          parent.other = 1;
        }),
        path,
      );
    }
    expect(taken).toBeGreaterThan(20);
    expect(refused).toBeGreaterThan(500);
  });

  test.each([
    ['{', /^deployment: expected JSON, got text that is none/],
    ['null', /^deployment: expected an object, got null/],
    [{ ...base, format: 'other' }, /^deployment.format: expected sparsevit-deployment/],
    [{ ...base, version: 2 }, /^deployment.version: expected 1, got 2. It was written by a newer release/],
    [{ ...base, chosen: 5 }, /^deployment.chosen: .* at most 4, got 5/],
    [{ ...base, sparsities: [] }, /^deployment.sparsities: expected at least one/],
    [
      { ...base, sparsities: base.sparsities.toReversed() },
      /^deployment.sparsities\[1\].latencyMs: expected latencies that grow/,
    ],
    [
      { ...base, sparsities: [{ prunedRatios: [[0.5]], score: 1, latencyMs: 1 }] },
      /^deployment.sparsities\[0\].prunedRatios: expected ratios that the architecture of the weights can run/,
    ],
    [{ ...base, rules: { ...base.rules, rounding: 'up' } }, /^deployment.rules.rounding: expected truncate or nearest/],
    [{ ...base, input: { batch: 1, height: 64 } }, /^deployment.input: expected a field width/],
    [{ ...base, predictor: null }, /^deployment.predictor: expected an object, got null/],
    [{ ...base, more: 1 }, /^deployment: expected no other fields/],
  ])('a file with %# is refused when it is loaded', async (document, message) => {
    const loading = loadModel(deployedFile(randomTask(configs.detection), document), { backend: 'engine' });
    await expect(loading).rejects.toThrow(CheckpointError);
    await expect(loading).rejects.toThrow(message);
  });

  test('bytes of the text that are changed at random are an error or a document, never something else', () => {
    const random = createRandom(9);
    const text = JSON.stringify({ ...base, predictor: {} });
    for (let i = 0; i < 500; i++) {
      const at = random.integer(0, text.length);
      const damaged = text.slice(0, at) + String.fromCharCode(random.integer(32, 127)) + text.slice(at + 1);
      try {
        const result = readDeployment({ 'sparsevit-deployment': damaged }, tinySwin);
        expect(deploymentSchema.safeParse(result).success).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(CheckpointError);
      }
    }
  });
});
