import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { PipelineRunInput } from '@sparsevit/config';
import { parsePipelineReport } from '@sparsevit/config';
import { loadTask } from '@sparsevit/tasks';
import { describe, expect, it } from 'vitest';
import { tinyPipeline } from '../../pipeline/test/pipeline-document';
import { run, steadyClock, temporaryFolder } from './fake-io';

const at = temporaryFolder();

/** Writes a document, with changes, and gives its path. */
function write(name: string, changes: Partial<Record<keyof PipelineRunInput, unknown>> = {}): string {
  // on the clock of these tests every run takes as long, whatever is pruned
  const search = { budgetMs: 50, evaluations: 12, processes: 1, measured: 3 };
  const report = { ...tinyPipeline.report, samples: 1 };
  writeFileSync(at(name), JSON.stringify({ ...tinyPipeline, search, report, ...changes }));
  return at(name);
}

async function refuse(argv: readonly string[], pattern: RegExp): Promise<void> {
  const { code, err } = await run(argv);
  expect(err).toMatch(pattern);
  expect(err).toMatch(/^sparsevit: .+\n$/);
  expect(code).toBe(2);
}

describe('pipeline', () => {
  it('goes from nothing to a file and a report, and does nothing twice', { timeout: 120_000 }, async () => {
    const config = write('run.json');
    const now = steadyClock();
    const begun = await run(['pipeline', '--config', config, '--until', 'adapt'], { now });
    expect([begun.err, begun.code]).toEqual(['', 0]);
    expect(begun.out).toMatch(/^adaptation to sparsity +\d+:\d\d$/m);
    expect(begun.out).toMatch(/^stopped +after adapt; the run is in /m);

    const { code, out, err } = await run(['pipeline', '--config', config], { now });
    expect(err).toBe('');
    expect(code).toBe(0);
    expect(out).toMatch(/^dense training +done before$/m);
    expect(out).toMatch(/^3 test images +meanIou +ms +GMACs$/m);
    expect(out).toMatch(/^budget +[\d.]+ ms: met, as measured$/m);
    const report = parsePipelineReport(JSON.parse(readFileSync(at('run/report.json'), 'utf8')));
    expect(report.meetsBudget).toBe(true);
    expect(report.samples).toHaveLength(1);
    expect(readFileSync(at('run/report.html'), 'utf8')).toContain('</html>');
    expect(loadTask(readFileSync(at('run/model.safetensors'))).input?.size).toEqual({ height: 64, width: 64 });

    const again = await run(['pipeline', '--config', config, '--json'], { now });
    expect(again.code).toBe(0);
    expect(JSON.parse(again.out)).toMatchObject({
      version: 1,
      command: 'pipeline',
      stage: 'report',
      html: at('run/report.html'),
    });

    const changed = write('run.json', { finetune: { steps: 2, optimizer: { learningRate: 1e-3 } } });
    await refuse(
      ['pipeline', '--config', changed],
      /finetune was done with .* another finetune\.steps.*--from finetune/,
    );
    const model = readFileSync(at('run/model.safetensors'));
    const other = await run(['pipeline', '--config', changed, '--from', 'finetune', '--until', 'evaluate'], { now });
    expect([other.err, other.code]).toEqual(['', 0]);
    expect(readFileSync(at('run/model.safetensors')).equals(model)).toBe(false);
    expect(existsSync(at('run/report/done.json'))).toBe(false);
  });

  it('takes results that are there, and has an exit code for a budget that is missed', {
    timeout: 60_000,
  }, async () => {
    // a table of a device a hundred times as fast
    const table = JSON.parse(readFileSync(at('run/profile/table.json'), 'utf8'));
    const rows = table.rows.map((row: { ms: number; visitMs: number[] }) => ({
      ...row,
      ms: row.ms / 100,
      visitMs: row.visitMs.map((ms) => ms / 100),
    }));
    writeFileSync(at('fast.json'), JSON.stringify({ ...table, rows }));
    const { finetune: _, ...rest } = tinyPipeline;
    const document = {
      ...rest,
      train: { file: 'run/train/model.safetensors' },
      adapt: { file: 'run/adapt/model.safetensors' },
      latency: { file: 'fast.json' },
      search: { budgetMs: 1, evaluations: 6, processes: 1, measured: 3 },
      output: 'given',
    };
    writeFileSync(at('given.json'), JSON.stringify(document));
    const { code, out, err } = await run(['pipeline', '--config', at('given.json')], { now: steadyClock() });
    expect(err).toBe('');
    expect(code).toBe(3);
    expect(out).toMatch(/^adaptation to sparsity +left out, or given$/m);
    expect(out).toMatch(/^budget +1\.00 ms: missed, as measured$/m);
    const { notes } = parsePipelineReport(JSON.parse(readFileSync(at('given/report.json'), 'utf8')));
    expect(notes.join()).toMatch(/None of the sparsities that were measured met the budget/);
  });

  it('says in one line what is wrong', async () => {
    await refuse(['pipeline'], /expected --config FILE, got none\. `sparsevit init`/);
    await refuse(['pipeline', '--config', at('none.json')], /none\.json.*does not exist/);
    await refuse(
      ['pipeline', '--config', write('bad.json', { search: {} })],
      /bad\.json.*budgetMs or budgetRatio.*search\.budgetMs/,
    );
    const config = write('good.json', { output: 'good' });
    await refuse(['pipeline', '--config', config, '--until', 'end'], /--until: expected one of train, dense/);
    await refuse(
      ['pipeline', '--config', config, '--from', 'search', '--until', 'train'],
      /--from: expected a stage up to --until train/,
    );
    const given = write('gone.json', { adapt: { file: 'none.safetensors' }, output: 'gone' });
    await refuse(
      ['pipeline', '--config', given, '--from', 'train', '--until', 'profile'],
      /adapt\.file.*none\.safetensors.*does not exist/,
    );
    writeFileSync(at('file'), '');
    await refuse(['pipeline', '--config', config, '--output', at('file')], /output: expected a folder/);
  });
});
