import { readFileSync } from 'node:fs';
import { ConfigError } from '@sparsevit/windows';
import { describe, expect, expectTypeOf, test } from 'vitest';
import type { PipelineRun, PipelineRunInput } from '../src/index';
import { defineConfig, isGivenFile, parsePipelineRun, pipelineRunJsonSchema } from '../src/index';

const scenes = { kind: 'scenes', count: 4, height: 64, width: 64 } as const;
const training = { steps: 10, optimizer: { learningRate: 1e-3 } };
const least: PipelineRunInput = defineConfig({
  version: 1,
  task: { kind: 'detection' },
  model: { preset: 'swin-nano' },
  data: { train: scenes },
  input: { height: 64, width: 64 },
  batch: 2,
  train: training,
  adapt: training,
  search: { budgetRatio: 0.5 },
  output: 'run',
});

describe('a pipeline', () => {
  test('has defaults for what need not be said, and is a document again', () => {
    const run = parsePipelineRun({ $schema: './schema.json', ...least });
    expect(run).toMatchObject({
      latency: { configs: 100, rounds: 5, seed: 0, tolerance: 0.05 },
      search: { budgetRatio: 0.5, evaluations: 200, preset: 'assisted', seed: 0, measured: 10 },
      report: { samples: 4, random: 5, choices: 16 },
    });
    expect(run).not.toHaveProperty('$schema');
    expect(run.finetune).toBeUndefined();
    expect(parsePipelineRun(run)).toEqual(run);
    expectTypeOf(run).toEqualTypeOf<PipelineRun>();
  });

  test('takes a file in place of a stage', () => {
    const file = { file: 'somewhere.json' };
    const run = parsePipelineRun({ ...least, train: file, adapt: file, latency: file, search: file, finetune: file });
    for (const stage of [run.train, run.adapt, run.latency, run.search, run.finetune]) {
      expect(stage).toEqual(file);
      expect(isGivenFile(stage ?? {})).toBe(true);
    }
    expect(isGivenFile(parsePipelineRun(least).adapt)).toBe(false);
  });

  test.each<[string, Record<string, unknown>, RegExp]>([
    ['a field that is not there', { budget: 3 }, /"budget"/],
    ['no adaptation', { adapt: undefined }, /adapt/],
    ['a stage without steps', { adapt: { optimizer: { learningRate: 1 } } }, /expected number[\s\S]*adapt\.steps/],
    ['a stage that says which sparsities', { adapt: { ...training, mode: 'adapt' } }, /"mode"[\s\S]*adapt/],
    ['a stage and a file', { adapt: { ...training, file: 'a' } }, /"steps"[\s\S]*adapt/],
    ['an empty name of a file', { adapt: { file: '' } }, /adapt\.file/],
    [
      'a learning rate that is none',
      { finetune: { ...training, optimizer: { learningRate: -1 } } },
      /finetune\.optimizer\.learningRate/,
    ],
    ['no budget', { search: {} }, /expected budgetMs or budgetRatio, got neither[\s\S]*search\.budgetMs/],
    ['two budgets', { search: { budgetMs: 3, budgetRatio: 0.5 } }, /got both/],
    ['a budget of nothing', { search: { budgetMs: 0 } }, /search\.budgetMs/],
    ['a budget above dense', { search: { budgetRatio: 2 } }, /search\.budgetRatio/],
    ['too few sparsities to measure', { latency: { configs: 1 } }, /latency\.configs/],
    ['ratios that are none', { search: { budgetMs: 3, choices: [0, 1] } }, /search\.choices\[1\]/],
    ['an unknown search', { search: { budgetMs: 3, preset: 'best' } }, /search\.preset/],
    [
      'data that the task cannot learn from',
      { data: { train: { kind: 'image-folder', path: 'a' } } },
      /expected scenes or coco for detection, got image-folder[\s\S]*data\.train\.kind/,
    ],
    [
      'test data that it cannot be judged by',
      { data: { train: scenes, test: { kind: 'image-folder', path: 'a' } } },
      /data\.test\.kind/,
    ],
    ['guidance without a weight', { guidance: {} }, /guidance\.weight/],
    [
      'guidance of a task without boxes',
      { task: { kind: 'semantic' }, guidance: { weight: 1 } },
      /expected guidance only for detection, which has boxes, got it for semantic[\s\S]*guidance/,
    ],
    ['resolutions above one', { report: { resolutions: [1.5] } }, /report\.resolutions\[0\]/],
    ['another version', { version: 2 }, /version/],
    ['no output', { output: '' }, /output/],
  ])('with %s is refused with its path', (_, changes, pattern) => {
    expect(() => parsePipelineRun({ ...least, ...changes })).toThrow(ConfigError);
    expect(() => parsePipelineRun({ ...least, ...changes })).toThrow(pattern);
  });

  test('without anything to begin with is refused', () => {
    const { train: _, ...rest } = least;
    expect(() => parsePipelineRun(rest)).toThrow(/expected train, or a trained task as model\.weights, got neither/);
    expect(parsePipelineRun({ ...rest, model: { weights: 'task.safetensors' } }).train).toBeUndefined();
  });

  test.each([null, undefined, 3, 'run', []])('that is %s is refused', (document) => {
    expect(() => parsePipelineRun(document)).toThrow(ConfigError);
  });
});

describe('the JSON Schema', () => {
  const schema = pipelineRunJsonSchema();

  test('pipeline/schema.json is current; if not: pnpm --filter @sparsevit/config schema', () => {
    const committed = readFileSync(new URL('../pipeline/schema.json', import.meta.url), 'utf8');
    expect(committed).toBe(`${JSON.stringify(schema, null, 2)}\n`);
  });

  test('asks for what has no default', () => {
    expect(schema.required).toEqual([
      'version',
      'task',
      'model',
      'data',
      'input',
      'batch',
      'adapt',
      'search',
      'output',
    ]);
  });
});
