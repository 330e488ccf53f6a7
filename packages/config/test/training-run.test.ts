import { readFileSync } from 'node:fs';
import { ConfigError } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import type { TrainingRunInput } from '../src/index';
import { defineTrainingRun, imagenetNormalization, parseTrainingRun, trainingRunJsonSchema } from '../src/index';
import { errorOf } from './error-of';

const least: TrainingRunInput = defineTrainingRun({
  version: 1,
  task: { kind: 'detection' },
  model: { preset: 'swin-nano' },
  data: { train: { kind: 'scenes', count: 8, height: 64, width: 64 } },
  input: { height: 64, width: 64 },
  batch: 2,
  training: { steps: 10, optimizer: { learningRate: 1e-3 } },
  output: 'runs/first',
});

describe('parseTrainingRun', () => {
  test('fills in defaults, and what comes out is a document again', () => {
    const run = parseTrainingRun({ $schema: './schema.json', ...least });
    expect(run).toEqual({
      version: 1,
      task: { kind: 'detection' },
      model: { preset: 'swin-nano', seed: 0 },
      data: { train: { kind: 'scenes', count: 8, seed: 0, height: 64, width: 64, onBroken: 'fail' } },
      input: {
        height: 64,
        width: 64,
        keepRatio: false,
        augment: { flip: false, verticalFlip: false, quarterTurns: false },
        normalization: imagenetNormalization,
      },
      batch: 2,
      training: {
        mode: 'dense',
        steps: 10,
        seed: 0,
        optimizer: {
          learningRate: 1e-3,
          beta1: 0.9,
          beta2: 0.999,
          epsilon: 1e-8,
          weightDecay: 0.05,
          decay: 'recipe',
          clipNorm: null,
          layerDecay: 1,
          rateScales: {},
        },
        schedule: { kind: 'cosine', end: 0, at: [2 / 3, 11 / 12], factor: 0.1, power: 1, warmUpSteps: 0 },
        sampler: { kind: 'paper', choices: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8] },
        sparsityMode: 'clean',
        accumulate: 1,
        dropPathRate: 0,
        averageDecay: null,
        largestLoss: 1e4,
        saveEvery: 0,
        keepLast: 2,
        evaluateEvery: 0,
      },
      output: 'runs/first',
    });
    expect(parseTrainingRun(JSON.parse(JSON.stringify(run)))).toEqual(run);
  });

  test('takes a notation and an object for the sparsity', () => {
    const sparsityOf = (sparsity: unknown): unknown =>
      parseTrainingRun({ ...least, training: { ...least.training, sparsity } }).training.sparsity;
    expect(sparsityOf('.6')).toBe('.6');
    expect(sparsityOf({ prunedRatios: [[0.3], [0]] })).toMatchObject({ prunedRatios: [[0.3], [0]], minKept: 1 });
  });

  const scenes = { kind: 'scenes', count: 8, height: 64, width: 64 };
  test.each<[string, Record<string, unknown>, string[]]>([
    ['a typo', { bach: 2 }, ['✖ Unrecognized key: "bach"']],
    [
      'a typo deep inside',
      { training: { ...least.training, optimizer: { learningRate: 1, weightdecay: 0 } } },
      ['✖ Unrecognized key: "weightdecay"', '  → at training.optimizer'],
    ],
    ['no steps', { training: { optimizer: { learningRate: 1 } } }, ['  → at training.steps']],
    ['another version', { version: 2 }, ['✖ Invalid input: expected 1, got 2', '  → at version']],
    ['an unknown task', { task: { kind: 'depth' } }, ['  → at task.kind']],
    ['classes in the task', { task: { kind: 'detection', classes: ['car'] } }, ['✖ Unrecognized key: "classes"']],
    ['an unknown source', { data: { train: { kind: 'zip' } } }, ['  → at data.train.kind']],
    ['a field of another source', { data: { train: { ...scenes, path: 'x' } } }, ['✖ Unrecognized key: "path"']],
    [
      'data without what the task learns from',
      { data: { train: scenes, validation: { kind: 'image-folder', path: 'x' } } },
      ['✖ Invalid input: expected scenes or coco for detection, got image-folder', '  → at data.validation.kind'],
    ],
    [
      'guidance of a task without boxes',
      { task: { kind: 'semantic' }, guidance: { weight: 1 } },
      [
        '✖ Invalid input: expected guidance only for detection, which has boxes, got it for semantic',
        '  → at guidance',
      ],
    ],
    ['guidance that is none', { guidance: { weight: -1 } }, ['  → at guidance.weight']],
    [
      'a class twice',
      { data: { train: scenes, classes: ['car', 'car'] } },
      ['✖ Invalid input: expected each class once', '  → at data.classes[1]'],
    ],
    [
      'two architectures',
      { model: { preset: 'swin-t', architecture: { embedDim: 8, depths: [1], heads: [1] } } },
      ['✖ Invalid input: expected preset or architecture, got both', '  → at model.architecture'],
    ],
    [
      'quarter turns of what is no square',
      { input: { height: 64, width: 96, augment: { quarterTurns: true } } },
      ['✖ Invalid input: expected a square for quarterTurns, got 64x96', '  → at input.augment.quarterTurns'],
    ],
    [
      'a scale that is none',
      { input: { height: 64, width: 64, augment: { scale: { low: 2, high: 1 } } } },
      ['✖ Invalid input: expected low to be at most high', '  → at input.augment.scale'],
    ],
  ])('refuses %s', (_, change, lines) => {
    const error = errorOf(() => parseTrainingRun({ ...least, ...change }));
    expect(error).toBeInstanceOf(ConfigError);
    const found = error.message.split('\n');
    expect(found[0]).toBe('parseTrainingRun: expected a valid training run, got');
    for (const line of lines) expect(found).toContain(line);
  });
});

describe('the JSON Schema', () => {
  const schema = trainingRunJsonSchema();

  test('training-run/schema.json is current; if not: pnpm --filter @sparsevit/config schema', () => {
    const committed = readFileSync(new URL('../training-run/schema.json', import.meta.url), 'utf8');
    expect(committed).toBe(`${JSON.stringify(schema, null, 2)}\n`);
  });

  test('asks for what has no default, and describes every field', () => {
    expect(schema.required).toEqual(['version', 'task', 'model', 'data', 'input', 'batch', 'training', 'output']);
    const missing: string[] = [];
    const visit = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null) return;
      for (const [name, child] of Object.entries(node)) {
        if (path.endsWith('.properties') && !('description' in child)) missing.push(`${path}.${name}`);
        visit(child, `${path}.${name}`);
      }
    };
    visit({ schema }, '');
    expect(missing).toEqual([]);
  });
});
