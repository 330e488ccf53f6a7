import { readFileSync, writeFileSync } from 'node:fs';
import type { TrainingRunInput } from '@sparsevit/config';
import type { SwinArchitecture } from '@sparsevit/windows';

/** A Swin so small that a step takes milliseconds. */
export const architecture: SwinArchitecture = {
  patchSize: 4,
  embedDim: 8,
  depths: [2, 2, 2],
  heads: [1, 2, 4],
  window: 4,
  mlpRatio: 2,
};

/** A detector of scenes of 64 pixels. */
export const tinyRun: TrainingRunInput = {
  version: 1,
  task: { kind: 'detection', channels: 8 },
  model: { architecture, seed: 1 },
  data: {
    train: { kind: 'scenes', count: 6, seed: 1, height: 64, width: 64 },
    validation: { kind: 'scenes', count: 2, seed: 2, height: 64, width: 64 },
  },
  input: { height: 64, width: 64, augment: { flip: true, colour: { brightness: 0.1 } } },
  batch: 2,
  training: { steps: 3, optimizer: { learningRate: 1e-3 }, saveEvery: 1, averageDecay: 0.9 },
  output: 'runs/dense',
};

/** Writes a run, with changes, and gives its path. */
export function writeRun(path: string, changes: Partial<Record<keyof TrainingRunInput, unknown>> = {}): string {
  writeFileSync(path, JSON.stringify({ ...tinyRun, ...changes }));
  return path;
}

/** The events in a journal. */
export function readJournal(path: string): { type: string; step?: number }[] {
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; step?: number });
}
