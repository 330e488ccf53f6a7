/** Other ways to choose windows, as many as the ranking keeps: does the norm know what matters, or is any choice as good? */

import type { Sample } from '@sparsevit/data';
import type { Engine, HostValues } from '@sparsevit/engine';
import type { TaskRequest } from '@sparsevit/pipeline';
import type { TaskCheckpoint } from '@sparsevit/tasks';
import { collate, createTask, objectTokens } from '@sparsevit/tasks';
import type { Sparsity, WindowGrid } from '@sparsevit/windows';
import { createRandom, windowTokens } from '@sparsevit/windows';
import { normalization } from './studies';

/** What a block ranked: its grid, how many it keeps, the ids by falling score, and all scores. */
interface RankedBlock {
  readonly stage: number;
  readonly grid: WindowGrid;
  readonly kept: Int32Array;
  readonly scores: Float32Array | null;
}

/** Picks the windows of one grid. */
type Pick = (
  block: RankedBlock,
  scores: Float32Array,
  sample: Sample,
  random: ReturnType<typeof createRandom>,
) => Int32Array;

/** The controls by name. */
export const controls: Readonly<Record<string, Pick>> = {
  random: ({ grid, kept }, _scores, _sample, random) => {
    const left = Array.from({ length: grid.windowsPerImage }, (_, id) => id);
    return Int32Array.from(kept, () => left.splice(random.integer(0, left.length), 1)[0] ?? 0);
  },
  // scores of later stages are those of a run that ranked as usual
  'lowest norm': ({ grid, kept }, scores) => {
    const ids = Array.from({ length: grid.windowsPerImage }, (_, id) => id);
    return Int32Array.from(ids.sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0)).slice(0, kept.length));
  },
  // those with most of the boxes in them, then those with the best scores
  annotations: ({ stage, grid, kept }, scores, sample) => {
    const covered = coveredBy(sample, grid, 4 * 2 ** stage);
    const ids = Array.from({ length: grid.windowsPerImage }, (_, id) => id);
    ids.sort((a, b) => (covered[b] ?? 0) - (covered[a] ?? 0) || (scores[b] ?? 0) - (scores[a] ?? 0));
    return Int32Array.from(ids.slice(0, kept.length));
  },
};

/** Tokens of each window that a box overlaps. */
function coveredBy({ boxes = [] }: Sample, grid: WindowGrid, pixelsPerToken: number): number[] {
  const { height, width } = grid;
  const isObject = objectTokens(boxes, { height, width, pixelsPerToken });
  return Array.from({ length: grid.windowsPerImage }, (_, id) =>
    windowTokens(grid, [id]).reduce((count, token) => count + (isObject[token] ?? 0), 0),
  );
}

/** Windows for a sample by a control, as many per block as the sparsity keeps. */
export function keptBy(
  engine: Engine,
  checkpoint: TaskCheckpoint,
  { pick, sparsity, seed }: { pick: Pick; sparsity: Sparsity; seed: number },
): (sample: Sample) => Promise<TaskRequest['kept']> {
  const task = createTask(engine.ops, checkpoint);
  const random = createRandom(seed);
  return async (sample) => {
    const { pixels, shape } = collate(checkpoint.config, [sample], normalization);
    const plan = engine.compile((image) => task.forward(image, { sparsity, wantsWindows: true }).windows, { shape });
    const blocks: RankedBlock[] = (await plan.run(pixels)).map(({ stage, grid, selection, scores }) => ({
      stage,
      grid,
      kept: (selection.kind === 'all'
        ? new Int32Array(0)
        : ((selection.ids as HostValues | null)?.values ?? new Int32Array(0))) as Int32Array,
      scores: (scores as HostValues | null)?.values as Float32Array | null,
    }));
    plan.dispose();
    // one choice per stage and grid, as the ranking has it
    const chosen = new Map<string, Int32Array>();
    const scoresOf = new Map<string, Float32Array>();
    const keyOf = ({ stage, grid }: RankedBlock): string => `${stage} ${grid.shiftY} ${grid.shiftX}`;
    for (const block of blocks) if (block.scores !== null) scoresOf.set(keyOf(block), block.scores);
    const perStage: Int32Array[][] = [];
    for (const block of blocks) {
      const key = keyOf(block);
      const ids = chosen.get(key) ?? pick(block, scoresOf.get(key) ?? new Float32Array(0), sample, random);
      chosen.set(key, ids);
      perStage[block.stage] = [...(perStage[block.stage] ?? []), ids];
    }
    return perStage;
  };
}
