/** A store whose disk refuses at each of the steps of writing: what was there before is there still, whole, and nothing else is. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointError, SparseViTError } from '@sparsevit/windows';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { folderStore } from '../src/node';

/** What the disk refuses next; null for nothing. */
let refused: { step: 'mkdir' | 'open' | 'write' | 'flush' | 'rename'; code: string } | null = null;

function refuse(step: NonNullable<typeof refused>['step']): void {
  if (refused?.step !== step) return;
  const { code } = refused;
  throw Object.assign(new Error(`${code}: the disk refuses, ${step}`), { code, syscall: step });
}

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs/promises')>();
  return {
    ...real,
    mkdir: (...given: Parameters<typeof real.mkdir>) => {
      refuse('mkdir');
      return real.mkdir(...given);
    },
    rename: async (...given: Parameters<typeof real.rename>) => {
      refuse('rename');
      return real.rename(...given);
    },
    open: async (...given: Parameters<typeof real.open>): Promise<FileHandle> => {
      refuse('open');
      const handle = await real.open(...given);
      const { writeFile, sync } = handle;
      handle.writeFile = async (data, options) => {
        if (refused?.step === 'write') await writeFile.call(handle, (data as Uint8Array).subarray(0, 3), options);
        refuse('write');
        return writeFile.call(handle, data, options);
      };
      handle.sync = async () => {
        refuse('flush');
        return sync.call(handle);
      };
      return handle;
    },
  };
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sparsevit-full-'));
  refused = null;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 256);
const other = bytes.map((value) => 255 - value);
const read = (name: string): Uint8Array => new Uint8Array(readFileSync(join(folder, name)));

describe('a disk that refuses', () => {
  test.each([
    ['mkdir', 'EROFS'],
    ['open', 'ENOSPC'],
    ['open', 'EACCES'],
    ['write', 'ENOSPC'],
    ['write', 'EDQUOT'],
    ['flush', 'EIO'],
    ['rename', 'EXDEV'],
  ] as const)('to %s, %s', async (step, code) => {
    const store = folderStore(folder);
    await store.write('best.safetensors', bytes);
    refused = { step, code };
    for (const name of ['best.safetensors', 'step-00000009.safetensors']) {
      const failure = await store.write(name, other).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(CheckpointError);
      const { message, cause } = failure as Error;
      expect(message).toMatch(
        /^folderStore: expected to write \S+\.safetensors in ".+", got [A-Z]+: the disk refuses, \w+\. Checkpoints that were saved before are whole\.$/,
      );
      expect(message).toContain(name);
      expect(cause).toMatchObject({ code });
    }
    expect(readdirSync(folder)).toEqual(['best.safetensors']);
    expect(read('best.safetensors')).toEqual(bytes);
    // there is room again
    refused = null;
    await store.write('best.safetensors', other);
    expect(read('best.safetensors')).toEqual(other);
  });

  test('what a killed process left is cleared away, and is no checkpoint until then', async () => {
    writeFileSync(join(folder, 'step-00000003.safetensors.unfinished'), bytes.subarray(0, 10));
    const store = folderStore(folder);
    expect(await store.list()).toEqual([]);
    refused = { step: 'write', code: 'ENOSPC' };
    await expect(store.write('step-00000004.safetensors', bytes)).rejects.toThrow(SparseViTError);
    expect(readdirSync(folder)).toEqual([]);
  });
});
