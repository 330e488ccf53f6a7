/** A disk that is full while a checkpoint is written, a real one of a few hundred kilobytes: what was saved before survives, and the run goes on. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { buildProgram } from './program/build';

const steps = '8';
const folder = mkdtempSync(join(tmpdir(), 'sparsevit-full-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a shell script that may mount, and sees its own mounts alone. */
const inOwnMounts = (script: string, given: readonly string[]) =>
  spawnSync('unshare', ['-rm', 'sh', '-euc', script, 'sh', ...given], { encoding: 'utf8', timeout: 120_000 });

const mayMount = inOwnMounts('mount -t tmpfs -o size=64k tmpfs "$1"', [folder]).status === 0;
const reason = mayMount ? '' : ' (skipped: needs `unshare -rm` and tmpfs)';

/** $1 program, $2 steps, $3 the disk, $4 its size, $5 where what is seen is noted. */
const story = `
mount -t tmpfs -o "size=$4" tmpfs "$3"
! "$0" "$1" "$3" "$2" 2> "$5/error"
ls "$3" > "$5/saved"
mount -o remount,size=64m "$3"
"$0" "$1" "$3" "$2" 2> "$5/events" > "$5/hash"
ls "$3" > "$5/end"
`;

test.skipIf(!mayMount)(`a full disk loses no checkpoint${reason}`, { timeout: 180_000 }, async () => {
  const script = await buildProgram('full-disk.mjs');
  const [whole, disk, notes] = ['whole', 'disk', 'notes'].map((name) => join(folder, name)) as [string, string, string];
  for (const path of [disk, notes]) mkdirSync(path);
  const expected = spawnSync(process.execPath, [script, whole, steps], { encoding: 'utf8' });
  expect(expected.stdout).toMatch(/^[0-9a-f]{64}$/);
  const names = readdirSync(whole);
  expect(names).toEqual(['step-00000006.safetensors', 'step-00000008.safetensors']);
  const bytes = statSync(join(whole, names[0] ?? '')).size;
  // room for two, and for half of the next
  const { status, stderr } = spawnSync(
    'unshare',
    ['-rm', 'sh', '-euc', story, process.execPath, script, steps, disk, String(Math.round(2.5 * bytes)), notes],
    { encoding: 'utf8', timeout: 120_000 },
  );
  expect([status, stderr]).toEqual([0, '']);
  const note = (name: string): string => readFileSync(join(notes, name), 'utf8');
  expect(note('error')).toMatch(
    /CheckpointError: folderStore: expected to write step-00000006\.safetensors in ".*", got ENOSPC: [^\n]+\. Checkpoints that were saved before are whole\./,
  );
  expect(note('saved').trim().split('\n')).toEqual(['step-00000002.safetensors', 'step-00000004.safetensors']);
  expect(note('events').split('\n')[0]).toBe('training-resumed');
  expect(note('end').trim().split('\n')).toEqual(names);
  expect(note('hash')).toBe(expected.stdout);
});
