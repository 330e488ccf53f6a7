/** A disk that gets full while a command writes: one line says so, and what was written before is still whole. */

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Outcome } from './fake-io';
import { run, temporaryFolder } from './fake-io';
import { readJournal, tinyRun, writeRun } from './train-run';

const at = temporaryFolder();

/** Which files find no room any more; null for none. */
let full: RegExp | null = null;

function takeRoom(path: unknown): void {
  if (full === null || !full.test(String(path))) return;
  throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
}

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs/promises')>();
  return {
    ...real,
    writeFile: async (...given: Parameters<typeof real.writeFile>) => {
      const [path, data, options] = given;
      if (full?.test(String(path))) await real.writeFile(path, (data as Uint8Array).subarray(0, 5), options);
      takeRoom(path);
      return real.writeFile(...given);
    },
    open: async (...given: Parameters<typeof real.open>): Promise<FileHandle> => {
      const handle = await real.open(...given);
      const { writeFile } = handle;
      handle.writeFile = async (data, options) => {
        if (full?.test(String(given[0]))) await writeFile.call(handle, (data as Uint8Array).subarray(0, 5), options);
        takeRoom(given[0]);
        return writeFile.call(handle, data, options);
      };
      return handle;
    },
  };
});

vi.mock('node:fs', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs')>();
  const appendFileSync = (...given: Parameters<typeof real.appendFileSync>): void => {
    takeRoom(given[0]);
    real.appendFileSync(...given);
  };
  return { ...real, default: { ...real, appendFileSync }, appendFileSync };
});

beforeEach(() => {
  full = null;
  for (const name of readdirSync(at(''))) rmSync(at(name), { recursive: true });
});

const succeed = async (argv: readonly string[]): Promise<Outcome> => {
  const outcome = await run(argv);
  expect([outcome.err, outcome.code]).toEqual(['', 0]);
  return outcome;
};

/** Runs until the disk is full; gives the line. */
const fail = async (
  argv: readonly string[],
  where: RegExp,
  options: Parameters<typeof run>[1] = {},
): Promise<string> => {
  full = where;
  const { err, code } = await run(argv, options);
  full = null;
  expect(err).toMatch(/^sparsevit: [^\n]+\n$/);
  expect(code).toBe(2);
  return err;
};

const unfinished = (folder: string): string[] =>
  readdirSync(at(folder)).filter((name) => name.startsWith('.') || name.endsWith('.unfinished'));

describe('training', () => {
  it('a checkpoint: those before are whole, and the same command goes on from them to the same model', async () => {
    const whole = writeRun(at('whole.json'), { output: 'whole' });
    const config = writeRun(at('run.json'), { output: 'out' });
    await succeed(['train', '--config', whole]);
    expect(await fail(['train', '--config', config], /step-00000002/)).toMatch(
      /folderStore: expected to write step-00000002\.safetensors in ".*checkpoints", got ENOSPC: .*\. Checkpoints that were saved before are whole\.$/m,
    );
    expect(readdirSync(at('out/checkpoints'))).toEqual(['step-00000001.safetensors']);
    expect(existsSync(at('out/model.safetensors'))).toBe(false);
    expect((await succeed(['train', '--config', config])).out).toMatch(/^resumed +after step 1$/m);
    expect(readFileSync(at('out/model.safetensors')).equals(readFileSync(at('whole/model.safetensors')))).toBe(true);
  });

  it('the best checkpoint: the one before survives', async () => {
    const training = { ...tinyRun.training, steps: 2, evaluateEvery: 1 };
    const config = writeRun(at('run.json'), { output: 'out', training });
    await fail(['train', '--config', config], /best\.safetensors\.unfinished/);
    expect(readdirSync(at('out/checkpoints'))).toEqual([]);
    await succeed(['train', '--config', config]);
    expect(readdirSync(at('out/checkpoints'))).toContain('best.safetensors');
  });

  it('the journal', async () => {
    const config = writeRun(at('run.json'), { output: 'out' });
    await succeed(['train', '--config', config]);
    const events = readJournal(at('out/journal.jsonl')).length;
    rmSync(at('out/checkpoints/step-00000003.safetensors'));
    expect(await fail(['train', '--config', config], /journal\.jsonl/)).toMatch(
      /--output: expected a file that can be written, got ".*journal\.jsonl": it does not fit on the disk\. The same command goes on from the last checkpoint\./,
    );
    expect(readJournal(at('out/journal.jsonl'))).toHaveLength(events);
    expect((await succeed(['train', '--config', config])).out).toMatch(/^resumed +after step 2$/m);
  });

  it('the model: the one before survives, and nothing half-written is left', async () => {
    const config = writeRun(at('run.json'), { output: 'out' });
    await succeed(['train', '--config', config]);
    const before = readFileSync(at('out/model.safetensors'));
    expect(await fail(['train', '--config', config], /\.model\.safetensors\./)).toMatch(
      /--output: expected a file that can be written, got ".*model\.safetensors": it does not fit on the disk\./,
    );
    expect(readFileSync(at('out/model.safetensors')).equals(before)).toBe(true);
    expect(unfinished('out')).toEqual([]);
  });

  it('asked to stop: it says that nothing could be saved', async () => {
    const config = writeRun(at('run.json'), {
      output: 'out',
      training: { ...tinyRun.training, steps: 500, saveEvery: 0 },
    });
    const onInterrupt = (handler: () => void): (() => void) => {
      const timer = setInterval(() => {
        const journal = at('out/journal.jsonl');
        if (existsSync(journal) && readFileSync(journal, 'utf8').includes('step-end')) handler();
      }, 1);
      return () => clearInterval(timer);
    };
    expect(await fail(['train', '--config', config], /step-/, { onInterrupt })).toMatch(/expected to write step-/);
    expect(readdirSync(at('out/checkpoints'))).toEqual([]);
  });
});

describe('other commands', () => {
  it('features of run: the file before survives', async () => {
    const argv = [
      'run',
      '--scene',
      '1',
      '--size',
      '32x32',
      '--model',
      'swin-nano',
      '--backend',
      'cpu',
      '--repeats',
      '1',
    ];
    writeFileSync(at('features.safetensors'), 'before');
    const line = await fail([...argv, '--features', at('features.safetensors')], /\.features\./);
    expect(line).toMatch(/--features: expected a file that can be written.*it does not fit on the disk\./);
    expect(readFileSync(at('features.safetensors'), 'utf8')).toBe('before');
    expect(unfinished('')).toEqual([]);
  });
});
