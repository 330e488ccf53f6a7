import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { SwinFamily } from '@sparsevit/backbone';
import { randomWeights, saveCheckpoint } from '@sparsevit/backbone';
import type { TrainingFamily, TrainingPlan, TrainingRun, TrainingTask } from '@sparsevit/config';
import { drawScene } from '@sparsevit/data';
import { encodePng } from '@sparsevit/data/node';
import type { TaskConfig } from '@sparsevit/tasks';
import { loadTask } from '@sparsevit/tasks';
import type { TrainingConfig } from '@sparsevit/trainer';
import type { Sparsity } from '@sparsevit/windows';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { Outcome } from './fake-io';
import { run, temporaryFolder } from './fake-io';
import { readJournal, architecture as shape, tinyRun, writeRun } from './train-run';

const at = temporaryFolder();

async function succeed(argv: readonly string[]): Promise<Outcome> {
  const outcome = await run(argv);
  expect(outcome.err).toBe('');
  expect(outcome.code).toBe(0);
  return outcome;
}

it('a document has the shapes of what it is for', () => {
  type WithClasses<Task> = Task extends unknown ? Task & { readonly classes: readonly string[] } : never;
  expectTypeOf<WithClasses<TrainingTask>>().toExtend<TaskConfig>();
  expectTypeOf<Omit<TrainingPlan, 'sparsity'> & { readonly sparsity?: Sparsity }>().toExtend<TrainingConfig>();
  expectTypeOf<keyof TrainingConfig>().toEqualTypeOf<keyof TrainingPlan>();
  expectTypeOf<TrainingFamily>().toEqualTypeOf<SwinFamily>();
  expectTypeOf<TrainingRun['version']>().toEqualTypeOf<1>();
});

describe('train, adapt, finetune', () => {
  it('each begins with the weights of the one before', async () => {
    const config = writeRun(at('chain.json'));
    const dense = await succeed(['train', '--config', config]);
    expect(dense.out).toMatch(/^task +detection, 5 classes$/m);
    expect(dense.out).toMatch(/^data +6 images$/m);
    expect(dense.out).toMatch(/^2 images +AP +AP50 +AP75$/m);
    for (const name of ['dense', 'uniform 50 %', "sampler's mean"]) expect(dense.out).toContain(`\n${name} `);
    const model = at('runs/dense/model.safetensors');
    expect(loadTask(readFileSync(model)).config).toMatchObject({ kind: 'detection', channels: 8 });
    const events = readJournal(at('runs/dense/journal.jsonl'));
    expect(events.filter(({ type }) => type === 'step-end').map(({ step }) => step)).toEqual([1, 2, 3]);
    expect(events.at(-1)).toMatchObject({ type: 'training-end', step: 3 });
    expect(readdirSync(at('runs/dense/checkpoints')).sort()).toEqual([
      'best.safetensors',
      'step-00000002.safetensors',
      'step-00000003.safetensors',
    ]);

    const begin = ['--config', config, '--json', '--steps', '2'];
    const adapted = await succeed(['adapt', ...begin, '--weights', model, '--output', at('adapted')]);
    expect(JSON.parse(adapted.out)).toMatchObject({ version: 1, command: 'adapt', steps: 2, step: 2, sparsity: null });
    const adaptedModel = at('adapted/model.safetensors');
    const ratios = ['--sparsity', '.5|.5|.25'];
    const argv = ['finetune', ...begin, ...ratios, '--weights', adaptedModel, '--output', at('tuned')];
    const report = JSON.parse((await succeed(argv)).out);
    expect(report.sparsity).toMatchObject({ notation: '.5|.5|.25', mode: 'clean' });
    expect(report.scores.map(({ name }: { name: string }) => name)).toEqual([
      'dense',
      'uniform 50 %',
      "sampler's mean",
      '.5|.5|.25',
    ]);
    const tuned = loadTask(readFileSync(at('tuned/model.safetensors')));
    expect(tuned.backbone.sparsity).toMatchObject({ prunedRatios: [[0.5], [0.5], [0.25]] });
    expect(loadTask(readFileSync(adaptedModel)).backbone.sparsity).toBeNull();
  });

  it('stops when asked to, saves, and goes on to the same weights', async () => {
    const training = { ...tinyRun.training, steps: 6, saveEvery: 0 };
    const whole = writeRun(at('whole.json'), { training, output: 'whole' });
    const parts = writeRun(at('parts.json'), { training, output: 'parts' });
    await succeed(['train', '--config', whole]);
    const onInterrupt = (handler: () => void): (() => void) => {
      const timer = setInterval(() => {
        const journal = at('parts/journal.jsonl');
        if (existsSync(journal) && readFileSync(journal, 'utf8').includes('step-end')) handler();
      }, 1);
      return () => clearInterval(timer);
    };
    const stopped = await run(['train', '--config', parts], { onInterrupt });
    expect(stopped.err).toMatch(
      /^sparsevit: train: stopped after step [1-5] of 6 and saved to ".*checkpoints"\. The same command goes on from there\.\n$/,
    );
    expect(stopped.code).toBe(130);
    expect(existsSync(at('parts/model.safetensors'))).toBe(false);
    expect((await succeed(['train', '--config', parts])).out).toMatch(/^resumed +after step \d$/m);
    expect(readJournal(at('parts/journal.jsonl')).map(({ type }) => type)).toContain('training-resumed');
    expect(readFileSync(at('parts/model.safetensors')).equals(readFileSync(at('whole/model.safetensors')))).toBe(true);
  });

  it('takes a module, a backbone, masks, crops and a teacher', async () => {
    const weights = randomWeights(shape, 3);
    writeFileSync(
      at('backbone.safetensors'),
      saveCheckpoint({ architecture: shape, family: 'mmdet', weights, sparsity: null }),
    );
    const document = {
      ...tinyRun,
      task: { kind: 'semantic', channels: 8 },
      model: { weights: 'backbone.safetensors' },
      input: {
        height: 64,
        width: 64,
        keepRatio: true,
        augment: { crop: { height: 32, width: 32, aroundBox: 0.5 }, scale: { low: 0.5, high: 2 }, quarterTurns: true },
      },
      training: { ...tinyRun.training, steps: 1 },
      distillation: { weight: 0.5 },
      evaluation: { limit: 1 },
      output: 'semantic',
    };
    writeFileSync(at('run.mjs'), `export default ${JSON.stringify(document)};\n`);
    const { out } = await succeed(['train', '--config', at('run.mjs'), '--json']);
    const report = JSON.parse(out);
    expect(report.task.classes[0]).toBe('background');
    expect(report.scores[0]).toMatchObject({ name: 'dense', images: 1, sparsity: null });
    const [step] = readJournal(at('semantic/journal.jsonl'));
    expect(step).toMatchObject({ type: 'step-end', parts: { distillation: expect.any(Number) } });
  });

  it('teaches the norms of windows where boxes are', async () => {
    const document = {
      ...tinyRun,
      training: { ...tinyRun.training, steps: 1 },
      guidance: { weight: 0.5 },
      output: 'guided',
    };
    writeFileSync(at('guided.json'), JSON.stringify(document));
    await succeed(['train', '--config', at('guided.json')]);
    const [step] = readJournal(at('guided/journal.jsonl'));
    expect(step).toMatchObject({ type: 'step-end', parts: { guidance: expect.any(Number) } });
  });

  it('learns from a folder of images for each class, in the order that the document says', async () => {
    for (const [i, name] of ['a/1.png', 'a/2.png', 'b/1.png', 'b/2.png'].entries()) {
      mkdirSync(at(`folders/${name[0]}`), { recursive: true });
      writeFileSync(at(`folders/${name}`), await encodePng(drawScene({ seed: i, height: 40, width: 48 }).image));
    }
    const config = writeRun(at('folders.json'), {
      task: { kind: 'classification' },
      data: { train: { kind: 'image-folder', path: 'folders' }, classes: ['b', 'a'] },
      training: { ...tinyRun.training, steps: 1 },
      output: 'classes',
    });
    const { out } = await succeed(['train', '--config', config]);
    expect(out).toMatch(/^4 images +top1 +top5$/m);
    expect(loadTask(readFileSync(at('classes/model.safetensors'))).config.classes).toEqual(['b', 'a']);
  });
});

describe('what cannot be is one line, and exit code 2', () => {
  const refuse = async (argv: readonly string[], pattern: RegExp): Promise<void> => {
    const { code, out, err } = await run(argv);
    expect(err).toMatch(pattern);
    expect(err).toMatch(/^sparsevit: .+\n$/);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
    expect(out).toBe('');
    expect(code).toBe(2);
  };

  it.each<[string, Parameters<typeof writeRun>[1], RegExp]>([
    ['a typo', { bach: 2 } as never, /typo\.json": parseTrainingRun: .*Unrecognized key: "bach"/],
    ['a path', { training: { ...tinyRun.training, steps: 'many' } }, /expected number.*→ at training\.steps/],
    ['no model', { model: {} }, /model: expected preset, architecture or weights/],
    ['no checkpoint', { model: { weights: 'none.safetensors' } }, /none\.safetensors.*does not exist/],
    ['a large batch', { batch: 7 }, /batch: expected at most the 6 images.*got 7/],
    [
      'no images',
      { task: { kind: 'classification' }, data: { train: { kind: 'image-folder', path: 'empty' } } },
      /readImageFolder: expected a folder for each class.*no images/,
    ],
    [
      'a class without images',
      { task: { kind: 'classification' }, data: { train: { kind: 'image-folder', path: 'half' } } },
      /class "none".*no images in its folder/,
    ],
    [
      'an unknown id',
      { data: { train: { kind: 'coco', annotations: 'unknown.json', images: 'photos' } } },
      /annotation "1".*image_id 9 names no usable image/,
    ],
    [
      'a class without boxes',
      { data: { train: { kind: 'coco', annotations: 'boxless.json', images: 'photos' } } },
      /expected boxes of every class.*got none of "bus"/,
    ],
    ['other classes', { data: { ...tinyRun.data, classes: ['car'] } }, /data\.train: expected classes of the model/],
    ['no sides', { input: { height: 64 } }, /→ at input\.width/],
  ])('%s', async (name, changes, pattern) => {
    mkdirSync(at('empty'), { recursive: true });
    mkdirSync(at('half/none'), { recursive: true });
    mkdirSync(at('half/some'), { recursive: true });
    mkdirSync(at('photos'), { recursive: true });
    const png = await encodePng(drawScene({ seed: 1, height: 32, width: 32 }).image);
    writeFileSync(at('half/some/1.png'), png);
    writeFileSync(at('photos/1.png'), png);
    const images = [{ id: 1, file_name: '1.png', height: 32, width: 32 }];
    const box = { id: 1, image_id: 1, category_id: 1, bbox: [1, 1, 8, 8], area: 64 };
    const categories = [
      { id: 1, name: 'car' },
      { id: 2, name: 'bus' },
    ];
    writeFileSync(at('boxless.json'), JSON.stringify({ images, categories, annotations: [box] }));
    writeFileSync(at('unknown.json'), JSON.stringify({ images, categories, annotations: [{ ...box, image_id: 9 }] }));
    const config = writeRun(at(`${name.replaceAll(' ', '-').replace('a-typo', 'typo')}.json`), {
      batch: 1,
      ...changes,
      output: 'never',
    });
    await refuse(['train', '--config', config], pattern);
    expect(existsSync(at('never/model.safetensors'))).toBe(false);
  });

  it('options and files', async () => {
    const config = writeRun(at('options.json'), { output: 'options' });
    writeFileSync(at('text.json'), '{ "version": 1,');
    writeFileSync(at('nothing.mjs'), 'export const run = 1;\n');
    writeFileSync(at('broken.mjs'), 'export default {;\n');
    await refuse(['train'], /train: expected --config FILE, got none/);
    await refuse(['adapt', '--config', at('missing.json')], /--config: expected a file.*does not exist/);
    await refuse(['train', '--config', at('text.json')], /expected JSON in ".*text\.json"/);
    await refuse(['train', '--config', at('nothing.mjs')], /expected a default export/);
    await refuse(['train', '--config', at('broken.mjs')], /expected a module in/);
    await refuse(['train', '--config', at('run.yaml')], /ends with \.json, \.js or \.mjs/);
    await refuse(['train', 'photo.png', '--config', config], /expected options only/);
    await refuse(['train', '--config', config, '--sparsity', '.5'], /got "--sparsity"/);
    await refuse(['train', '--config', config, '--steps', 'all'], /--steps: expected a whole number/);
    await refuse(['train', '--config', config, '--backend', 'engine'], /--backend: expected one of wasm, webgpu, cpu/);
    await refuse(['finetune', '--config', config], /expected --sparsity or training\.sparsity, got neither/);
    await refuse(['finetune', '--config', config, '--sparsity', '.5|.5'], /expected 3 stages/);
    await refuse(['train', '--config', config, '--output', `${config}/inside`], /--output: expected a folder/);
  });

  it('checkpoints of another model, and outputs that are inputs', async () => {
    const config = writeRun(at('first.json'), { output: 'first', training: { ...tinyRun.training, steps: 1 } });
    await succeed(['train', '--config', config]);
    const model = at('first/model.safetensors');
    await refuse(['adapt', '--config', config, '--weights', model], /--output.*uses it for something else/);
    await refuse(
      ['train', '--config', config, '--steps', '2', '--json'],
      /to be of this run, got one with another configuration/,
    );
    const other = writeRun(at('other.json'), {
      task: { kind: 'semantic', channels: 8 },
      model: { weights: 'first/model.safetensors' },
      output: 'other',
    });
    await refuse(['train', '--config', other], /expected semantic of "background".*got .* of detection of/);
    const wide = writeRun(at('wide.json'), {
      model: { preset: 'swin-nano', weights: 'first/model.safetensors' },
      output: 'wide',
    });
    await refuse(['train', '--config', wide], /model: expected the architecture of .*got swin-nano/);
    const inside = at('first/checkpoints/best.safetensors');
    await refuse(['adapt', '--config', config, '--weights', inside, '--output', at('first')], /best\.safetensors/);
  });
});
