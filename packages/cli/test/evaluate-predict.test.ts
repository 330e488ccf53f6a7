import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { randomWeights } from '@sparsevit/backbone';
import { imagenetNormalization } from '@sparsevit/config';
import { drawScene } from '@sparsevit/data';
import { decodeImage, encodePng } from '@sparsevit/data/node';
import type { TaskConfig } from '@sparsevit/tasks';
import { loadTask, newTask, saveTask, taskInputOf } from '@sparsevit/tasks';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from './fake-io';
import { run, temporaryFolder } from './fake-io';
import { architecture, writeRun } from './train-run';

const at = temporaryFolder();
const model = at('runs/dense/model.safetensors');
const scenes = JSON.stringify({ kind: 'scenes', count: 2, seed: 2, height: 64, width: 64 });
let trained: { scores: { name: string; score: number }[] };

async function succeed(argv: readonly string[]): Promise<Outcome> {
  const outcome = await run(argv);
  expect(outcome.err).toBe('');
  expect(outcome.code).toBe(0);
  return outcome;
}

async function refuse(argv: readonly string[], pattern: RegExp): Promise<void> {
  const { code, out, err } = await run(argv);
  expect(err).toMatch(pattern);
  expect(err).toMatch(/^sparsevit: .+\n$/);
  expect(out).toBe('');
  expect(code).toBe(2);
}

/** A task that was not trained. */
function saveRandom(name: string, config: TaskConfig): string {
  const weights = randomWeights(architecture, 1);
  const checkpoint = newTask(config, { architecture, family: 'mmdet', weights }, { seed: 1 });
  const input = { size: { height: 64, width: 64 }, keepRatio: true, normalization: imagenetNormalization };
  writeFileSync(at(name), saveTask({ ...checkpoint, input }));
  return at(name);
}

beforeAll(async () => {
  const { out } = await succeed(['train', '--config', writeRun(at('run.json')), '--json']);
  trained = JSON.parse(out);
  const photo = await encodePng(drawScene({ seed: 3, height: 50, width: 90 }).image);
  mkdirSync(at('more'));
  for (const name of ['photo.png', 'more/photo.png']) writeFileSync(at(name), photo);
});

describe('evaluate', () => {
  it('scores what was trained as training did, on any number of threads', async () => {
    const argv = ['evaluate', '--weights', model, '--config', at('run.json'), '--sparsity', '.5', '--sparsity', '.25'];
    const table = await succeed([...argv, '--threads', '1']);
    expect(table.out).toMatch(/^task +detection, 5 classes$/m);
    expect(table.out).toMatch(/^backend +engine, .*, 1 thread$/m);
    expect(table.out).toMatch(/^2 images +AP +AP50 +AP75\ndense .*\n\.5\|\.5\|\.5 .*\n\.25\|\.25\|\.25 .*\n$/m);
    const report = JSON.parse((await succeed([...argv, '--threads', '2', '--json'])).out);
    expect(report).toMatchObject({ version: 1, leftOut: 0, backend: { name: 'engine', threads: 2 } });
    expect(report.scores.map(({ name }: { name: string }) => name)).toEqual(['dense', '.5|.5|.5', '.25|.25|.25']);
    expect(report.scores[0].score).toBeCloseTo(trained.scores[0]?.score ?? Number.NaN, 3);
    expect(report.scores[1].score).toBeCloseTo(trained.scores[1]?.score ?? Number.NaN, 3);
  });

  it('takes data as JSON, and the input that was saved with the weights', async () => {
    const argv = ['evaluate', '--weights', model, '--data', scenes, '--limit', '1', '--json'];
    const { out } = await succeed(argv);
    const report = JSON.parse(out);
    expect(report.input).toEqual({
      size: { height: 64, width: 64 },
      keepRatio: false,
      normalization: imagenetNormalization,
    });
    expect(report.scores).toMatchObject([
      { name: 'dense', images: 1, sparsity: null },
      { name: '.5|.5|.5', images: 1, sparsity: { notation: '.5|.5|.5', mode: 'clean' } },
    ]);
  });

  it('says in one line what cannot be', async () => {
    const begin = ['evaluate', '--weights', model];
    const bare = at('bare.safetensors');
    writeFileSync(bare, 'no tensors');
    await refuse(['evaluate', '--data', scenes], /expected --weights FILE, got none/);
    await refuse(begin, /expected --config or --data, got neither/);
    await refuse([...begin, '--data', scenes, '--config', at('run.json')], /got both/);
    await refuse([...begin, '--data', '{'], /--data: expected a data set as JSON/);
    await refuse([...begin, '--data', '{"kind":"scenes"}'], /--data: expected a data set such as .* at count/);
    await refuse([...begin, '--data', '{"kind":"image-folder","path":"x"}'], /data of scenes or coco for detection/);
    await refuse([...begin, '--data', scenes, '--sparsity', '.5|.5'], /expected 3 stages/);
    await refuse([...begin, '--data', scenes, '--mode', 'dirty'], /--mode: expected one of/);
    await refuse([...begin, '--data', scenes, '--limit', '0'], /--limit/);
    await refuse([...begin, '--data', scenes, '--threads', '0'], /--threads/);
    await refuse([...begin, '--config', at('missing.json')], /--config: .*does not exist/);
    await refuse(['evaluate', '--weights', bare, '--data', scenes], /bare\.safetensors"/);
    const other = saveRandom('other.safetensors', { kind: 'detection', classes: ['cat'], channels: 8 });
    await refuse(['evaluate', '--weights', other, '--data', scenes], /expected classes of the model \("cat"\), got/);
  });
});

describe('predict', () => {
  it('draws boxes over photos, a picture for each, and leaves the photos alone', async () => {
    const photos = [at('photo.png'), at('more/photo.png')];
    const before = readFileSync(at('photo.png'));
    const argv = ['predict', ...photos, '--weights', model, '--min-score', '0', '--sparsity', '.5'];
    const { out } = await succeed([...argv, '--output', at('found'), '--json']);
    const report = JSON.parse(out);
    expect(report.sparsity).toMatchObject({ notation: '.5|.5|.5' });
    expect(report.images.map(({ picture }: { picture: string }) => picture)).toEqual([
      at('found/photo.png'),
      at('found/photo-2.png'),
    ]);
    const [{ detections }] = report.images;
    expect(detections.length).toBeGreaterThan(0);
    expect(detections[0]).toEqual({
      class: expect.any(String),
      label: expect.any(Number),
      score: expect.any(Number),
      box: { x: expect.any(Number), y: expect.any(Number), width: expect.any(Number), height: expect.any(Number) },
    });
    expect(readdirSync(at('found')).sort()).toEqual(['photo-2.png', 'photo.png']);
    const drawn = await decodeImage(at('found/photo.png'));
    const photo = await decodeImage(at('photo.png'));
    expect([drawn.height, drawn.width]).toEqual([50, 90]);
    expect(Buffer.from(drawn.pixels).equals(Buffer.from(photo.pixels))).toBe(false);
    expect(readFileSync(at('photo.png')).equals(before)).toBe(true);
    expect((await succeed(argv)).out).toMatch(/photo\.png: \d+ box(es)?\n {2}\S+ 0\.\d\d at -?\d+,-?\d+ \d+x\d+\n/);
  });

  it('finds boxes inside of the photo only, whatever pads the model saw', async () => {
    const weights = saveRandom('wide.safetensors', { kind: 'detection', classes: ['cat'], channels: 8 });
    const checkpoint = loadTask(readFileSync(weights));
    checkpoint.head.get('box.bias')?.values.set([6, 3, 0, 0]); // 24 x 12 pixels, in any place
    for (const keepRatio of [true, false]) {
      writeFileSync(weights, saveTask({ ...checkpoint, input: { ...taskInputOf(checkpoint), keepRatio } }));
      const argv = ['predict', at('photo.png'), '--weights', weights, '--min-score', '0', '--json'];
      const [{ detections }] = JSON.parse((await succeed(argv)).out).images;
      expect(detections.length).toBeGreaterThan(5);
      for (const { box } of detections) {
        expect(Math.min(box.x, box.y)).toBeGreaterThanOrEqual(0);
        expect(Math.min(box.width, box.height)).toBeGreaterThan(0);
        expect(box.x + box.width).toBeLessThanOrEqual(90 + 1e-9);
        expect(box.y + box.height).toBeLessThanOrEqual(50 + 1e-9);
      }
    }
  });

  it('mixes in a mask of the size of the photo', async () => {
    const weights = saveRandom('semantic.safetensors', { kind: 'semantic', classes: ['ground', 'car'], channels: 8 });
    const argv = ['predict', at('photo.png'), '--weights', weights, '--output', at('masks')];
    const { out } = await succeed([...argv, '--json']);
    const [{ classes }] = JSON.parse(out).images;
    expect(classes.reduce((sum: number, { share }: { share: number }) => sum + share, 0)).toBeCloseTo(1, 9);
    const drawn = await decodeImage(at('masks/photo.png'));
    expect([drawn.height, drawn.width]).toEqual([50, 90]);
    expect((await succeed(argv)).out).toMatch(/photo\.png: [12] class(es)?\n {2}(ground|car) [\d.]+ %\n/);
  });

  it('names the class', async () => {
    const weights = saveRandom('classes.safetensors', { kind: 'classification', classes: ['day', 'night'] });
    const { out } = await succeed(['predict', at('photo.png'), '--weights', weights, '--output', at('classes')]);
    expect(out).toMatch(/photo\.png: (day|night)\n {2}(day|night) [\d.]+ %\n {2}(day|night) [\d.]+ %\n$/);
    expect(readdirSync(at('classes'))).toEqual(['photo.png']);
  });

  it('says in one line what cannot be', async () => {
    const begin = ['predict', at('photo.png')];
    await refuse(['predict', '--weights', model], /expected at least one image/);
    await refuse(begin, /expected --weights FILE, got none/);
    await refuse(['predict', at('none.png'), '--weights', model], /none\.png.*does not exist/);
    await refuse(['predict', at('run.json'), '--weights', model], /run\.json/);
    await refuse([...begin, '--weights', at('none.safetensors')], /none\.safetensors.*does not exist/);
    await refuse([...begin, '--weights', at('photo.png')], /photo\.png"/);
    await refuse([...begin, '--weights', model, '--min-score', '2'], /--min-score: expected a number from 0 to 1/);
    await refuse([...begin, '--weights', model, '--output', at('.')], /--output: .*uses it for something else/);
    await refuse([...begin, '--weights', model, '--output', at('run.json')], /--output: expected a folder/);
  });
});
