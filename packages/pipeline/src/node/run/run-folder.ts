/** The folder of a run: a folder for each stage, with a note when it is done and of what. */

import { createHash } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '@sparsevit/windows';
import { inputError, quote } from '../errors';
import { reasonOf, writeOutputFile } from '../files';
import type { PipelineStage, StageIdentity } from './stages';
import { pipelineStages } from './stages';

/** What is noted of a stage that is done. */
export interface StageNote {
  readonly format: 'sparsevit-pipeline-stage';
  readonly version: 1;
  readonly stage: PipelineStage;
  readonly key: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Milliseconds of the process that ended it. */
  readonly durationMs: number;
  /** Results by their path in the run's folder, with the SHA-256 of their bytes. */
  readonly files: Readonly<Record<string, string>>;
}

/** A run's folder. */
export interface RunFolder {
  readonly path: string;
  /** A path in it. */
  at(...names: readonly string[]): string;
  /**
   * The note of a stage; null for one that is not done.
   *
   * @throws SparseViTError for one that was done with another document, or whose results have changed since
   */
  readNote(stage: PipelineStage, identity: StageIdentity): Promise<StageNote | null>;
  /** Notes that a stage is done. */
  writeNote(
    stage: PipelineStage,
    identity: StageIdentity,
    done: { readonly durationMs: number; readonly files: readonly string[] },
  ): Promise<StageNote>;
  /** Forgets a stage and those after it, with their results. */
  forgetFrom(stage: PipelineStage): Promise<void>;
  writeJson(path: string, document: unknown): Promise<void>;
  /** Makes the folder of a stage. */
  make(stage: PipelineStage): Promise<void>;
}

/**
 * Opens a run's folder; makes it where there is none.
 *
 * @throws SparseViTError when it cannot be made
 */
export async function openRunFolder(path: string): Promise<RunFolder> {
  await makeFolder(path);
  const at = (...names: readonly string[]): string => join(path, ...names);
  const noteOf = (stage: PipelineStage): string => at(stage, 'done.json');
  const hash = async (file: string): Promise<string | null> => {
    const bytes = await readFile(at(file)).catch(() => null);
    return bytes === null ? null : createHash('sha256').update(bytes).digest('hex');
  };
  const writeJson = async (file: string, document: unknown): Promise<void> => {
    await writeOutputFile(at(file), new TextEncoder().encode(`${JSON.stringify(document, null, 1)}\n`), 'output');
  };
  return {
    path,
    at,
    writeJson,
    make: (stage) => makeFolder(at(stage)),
    async readNote(stage, { key, config }) {
      let note: StageNote;
      try {
        note = JSON.parse(await readFile(noteOf(stage), 'utf8')) as StageNote;
      } catch {
        return null; // never written, or cut off: the stage goes on from its own journal
      }
      if (note.key !== key) {
        throw inputError(
          `pipeline: expected the document that ${stage} was done with in ${quote(path)}, got one with ${changesOf(note.config, config)}. Do it again with --from ${stage}, or name another output.`,
        );
      }
      for (const [file, sha256] of Object.entries(note.files)) {
        const found = await hash(file);
        if (found === sha256) continue;
        throw inputError(
          `pipeline: expected ${quote(at(file))} as ${stage} wrote it, got ${found === null ? 'none' : 'another'}. Do it again with --from ${stage}.`,
        );
      }
      return note;
    },
    async writeNote(stage, { key, config }, { durationMs, files }) {
      const hashes: Record<string, string> = {};
      for (const file of files) hashes[file] = (await hash(file)) ?? '';
      const note: StageNote = {
        format: 'sparsevit-pipeline-stage',
        version: 1,
        stage,
        key,
        config,
        durationMs,
        files: hashes,
      };
      await writeJson(join(stage, 'done.json'), note);
      return note;
    },
    async forgetFrom(stage) {
      for (const name of pipelineStages.slice(pipelineStages.indexOf(stage))) {
        // the note first: what is left of a stage without one is not taken for done
        await rm(noteOf(name), { force: true });
        await rm(at(name), { recursive: true, force: true });
      }
    },
  };
}

/** The names of fields that differ. */
function changesOf(before: Readonly<Record<string, unknown>>, now: Readonly<Record<string, unknown>>): string {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(now)])];
  const changed = names.flatMap((name) => differing(before?.[name], now[name], name));
  if (changed.length === 0) return 'other results before it';
  return `another ${changed.slice(0, 5).join(', ')}`;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function differing(before: unknown, now: unknown, path: string): string[] {
  if (canonicalJson(before ?? null) === canonicalJson(now ?? null)) return [];
  if (!isObject(before) || !isObject(now)) return [path];
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  return names.flatMap((name) => differing(before[name], now[name], `${path}.${name}`));
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((cause: unknown) => {
    throw inputError(`output: expected a folder that can be written, got ${quote(path)}: it ${reasonOf(cause)}.`, {
      cause,
    });
  });
}
