/** What is evaluated, by the contents of its files. */

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EvaluationSubject } from '@sparsevit/config';
import { ConfigError } from '@sparsevit/windows';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkFiles, identifyFiles, subjectKey } from '../src/node';

const subject: EvaluationSubject = {
  format: 'sparsevit-evaluation-subject',
  version: 1,
  files: { weights: { path: 'a.safetensors', sha256: 'a'.repeat(64) }, data: { path: 'val', sha256: 'b'.repeat(64) } },
  settings: { task: { kind: 'semantic', classes: ['road', 'sky'] }, height: 224 },
};

describe('subjectKey', () => {
  it('does not depend on paths, or the order of fields', () => {
    const { files, settings } = subject;
    const other: EvaluationSubject = {
      settings: { height: 224, task: { classes: ['road', 'sky'], kind: 'semantic' } },
      files: {
        data: { sha256: 'b'.repeat(64), path: 'elsewhere/val' },
        weights: { ...files.weights, path: 'b' } as never,
      },
      version: 1,
      format: 'sparsevit-evaluation-subject',
    };
    expect(subjectKey(other)).toBe(subjectKey(subject));
    expect(subjectKey({ ...subject, settings: { ...settings, height: 225 } })).not.toBe(subjectKey(subject));
    expect(
      subjectKey({ ...subject, settings: { ...settings, task: { kind: 'semantic', classes: ['sky', 'road'] } } }),
    ).not.toBe(subjectKey(subject));
    expect(subjectKey({ ...subject, files: { weights: files.weights as never } })).not.toBe(subjectKey(subject));
    expect(subjectKey(subject)).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([['../a'], ['/etc/passwd'], ['a/../../b'], ['..'], ['C:/a'], ['a\\b'], ['a\0b'], ['']])(
    'refuses the path %j',
    (path) => {
      const files = { weights: { path, sha256: 'a'.repeat(64) } };
      expect(() => subjectKey({ ...subject, files })).toThrow(ConfigError);
    },
  );
});

describe('files', () => {
  let root = '';
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'sparsevit-files-'));
    mkdirSync(join(root, 'val/sky'), { recursive: true });
    writeFileSync(join(root, 'model'), 'abc');
    writeFileSync(join(root, 'val/sky/1.png'), 'one');
    writeFileSync(join(root, 'val/2.png'), 'two');
    symlinkSync('/etc', join(root, 'out'));
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it('have the SHA-256 of their bytes', async () => {
    // FIPS 180-2, appendix B.1
    const sha256 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(await identifyFiles(root, { weights: 'model' })).toEqual({ weights: { path: 'model', sha256 } });
  });

  it('of a folder count by name and contents, but for hidden ones', async () => {
    const hashOf = async (): Promise<string> => (await identifyFiles(root, { data: 'val' })).data?.sha256 ?? '';
    const hash = await hashOf();
    writeFileSync(join(root, 'val/.DS_Store'), 'x');
    expect(await hashOf()).toBe(hash);
    writeFileSync(join(root, 'val/2.png'), 'too');
    const changed = await hashOf();
    writeFileSync(join(root, 'val/3.png'), '');
    const added = await hashOf();
    rmSync(join(root, 'val/3.png'));
    expect(new Set([hash, changed, added]).size).toBe(3);
    writeFileSync(join(root, 'val/2.png'), 'two');
    expect(await hashOf()).toBe(hash);
  });

  it('are found again by a worker, or refused', async () => {
    const files = await identifyFiles(root, { weights: 'model', data: 'val' });
    const found = await checkFiles(root, files);
    expect(found).toEqual({ weights: expect.stringMatching(/model$/), data: expect.stringMatching(/val$/) });
    const other = { weights: { path: 'model', sha256: 'a'.repeat(64) } };
    await expect(checkFiles(root, other)).rejects.toThrow(
      'expected weights "model" with the SHA-256 aaaaaaaaaaaa..., got ba7816bf8f01',
    );
    for (const path of ['none', 'out', 'out/hostname', '..', '../other', '/etc/hostname', 'a\0b']) {
      await expect(checkFiles(root, { weights: { path, sha256: 'a'.repeat(64) } })).rejects.toThrow(ConfigError);
    }
    await expect(checkFiles(join(root, 'nowhere'), files)).rejects.toThrow('has no such folder');
  });
});
