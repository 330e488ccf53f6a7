import { readFileSync, writeFileSync } from 'node:fs';
import { createSamplingPlan } from '@sparsevit/latency';
import { createSparsitySpace } from '@sparsevit/windows';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RedisServer } from '../../distributed/test/redis-server';
import { describeRedis, startRedis } from '../../distributed/test/redis-server';
import { run, temporaryFolder } from './fake-io';
import { simulatedMs, tableOf } from './latency-table';
import { architecture, writeRun } from './train-run';

describeRedis('a search over Redis', () => {
  const at = temporaryFolder();
  const evaluations = 24;
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
    expect((await run(['train', '--config', writeRun(at('run.json'))])).code).toBe(0);
    const { fit } = createSamplingPlan(createSparsitySpace(architecture), { seed: 1, fit: 60, holdOut: 10 });
    writeFileSync(at('table.json'), JSON.stringify(tableOf(fit)));
  });
  afterAll(() => redis.dispose());

  const search = (out: string, ...more: string[]): string[] => [
    'search',
    ...['--weights', at('runs/dense/model.safetensors'), '--latency', at('table.json'), '--config', at('run.json')],
    ...['--budget-ms', String(0.8 * simulatedMs([[0], [0], [0]])), '--evaluations', String(evaluations)],
    ...['--out', at(out), ...more],
  ];

  it('is the search of one process, whoever evaluates', async () => {
    const worker = ['worker', '--redis', redis.url, '--root', at('.'), '--processes', '1'];
    const [found, first, second] = await Promise.all([
      run(search('far.json', '--redis', redis.url, '--root', at('.'))),
      run([...worker, '--evaluations', '10']),
      run([...worker, '--evaluations', String(evaluations - 10)]),
    ]);
    expect([found.err, first.err, second.err]).toEqual(['', '', '']);
    expect([found.code, first.code, second.code]).toEqual([0, 0, 0]);
    expect(found.out).toMatch(/^evaluates +24 sparsities, 32 at a time, by workers of redis:\/\//m);
    expect(first.out).toMatch(/^evaluates +[0-9a-f]{12} \(runs\/dense\/model\.safetensors\)$/m);
    expect(first.out).toMatch(/^evaluated +10$/m);
    expect((await run(search('near.json', '--processes', '1'))).code).toBe(0);
    const [far, near] = ['far.json', 'near.json'].map((name) => JSON.parse(readFileSync(at(name), 'utf8')));
    expect(far).toEqual(near);
  });

  it('keeps passwords to itself', async () => {
    const { code, err } = await run(search('x.json', '--redis', 'redis://user:secret@127.0.0.1:1', '--root', at('.')));
    expect(code).toBe(2);
    expect(err).not.toMatch(/secret/);
  });

  it('is not evaluated with other files', async () => {
    writeFileSync(at('runs/dense/model.safetensors'), 'other');
    const { code, err } = await run(['worker', '--redis', redis.url, '--root', at('.'), '--processes', '1']);
    expect(code).toBe(2);
    expect(err).toMatch(/--root .*expected weights "runs\/dense\/model\.safetensors" with the SHA-256/);
  });
});
