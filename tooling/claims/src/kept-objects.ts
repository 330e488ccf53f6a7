/** How many of the windows with objects a model keeps, stage by stage: does the norm know where the objects are? */

import type { Dataset } from '@sparsevit/data';
import type { Engine } from '@sparsevit/engine';
import { hostWindowIds } from '@sparsevit/engine';
import type { TaskCheckpoint } from '@sparsevit/tasks';
import { collate, createTask, objectTokens } from '@sparsevit/tasks';
import type { Sparsity } from '@sparsevit/windows';
import { windowTokens } from '@sparsevit/windows';
import { normalization } from './studies';

/** Of a stage's regular windows, in all images. */
export interface KeptObjects {
  readonly stage: number;
  readonly windows: number;
  readonly withObjects: number;
  readonly keptWithObjects: number;
}

/** Counts the windows of the first block of each stage. */
export async function countKeptObjects(
  engine: Engine,
  checkpoint: TaskCheckpoint,
  images: Dataset,
  sparsity: Sparsity,
): Promise<KeptObjects[]> {
  const { patchSize, depths } = checkpoint.backbone.architecture;
  const counts = depths.map(() => ({ windows: 0, withObjects: 0, keptWithObjects: 0 }));
  const task = createTask(engine.ops, checkpoint);
  for (let index = 0; index < images.length; index++) {
    const sample = await images.read(index);
    const { pixels, shape } = collate(checkpoint.config, [sample], normalization);
    const plan = engine.compile((image) => task.forward(image, { sparsity, wantsWindows: true }).windows, { shape });
    for (const windows of await plan.run(pixels)) {
      const count = counts[windows.stage];
      if (windows.block !== 0 || count === undefined) continue;
      const { grid, perImage } = hostWindowIds(windows);
      const kept = new Set(perImage[0]);
      const { height, width } = grid;
      const pixelsPerToken = patchSize * 2 ** windows.stage;
      const isObject = objectTokens(sample.boxes ?? [], { height, width, pixelsPerToken });
      for (let id = 0; id < grid.windowsPerImage; id++) {
        count.windows++;
        if (!windowTokens(grid, [id]).some((token) => isObject[token] === 1)) continue;
        count.withObjects++;
        if (kept.has(id)) count.keptWithObjects++;
      }
    }
    plan.dispose();
  }
  task.dispose();
  return counts.map((count, stage) => ({ stage, ...count }));
}
