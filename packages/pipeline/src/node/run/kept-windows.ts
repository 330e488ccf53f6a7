/** What becomes of the windows that objects lie in: does the norm of the activations know where they are? */

import type { ReportKeptWindows } from '@sparsevit/config';
import type { Sample } from '@sparsevit/data';
import { normalizeImage } from '@sparsevit/data';
import { createEngine, hostWindowIds } from '@sparsevit/engine';
import { createTask, objectTokens, seenSample } from '@sparsevit/tasks';
import type { KeptWindowIds, Sparsity, WindowGrid } from '@sparsevit/windows';
import { windowTokens } from '@sparsevit/windows';
import { readSample } from '../../evaluate';
import type { StageContext } from './context';
import { readModel } from './inputs';
import { openTestData } from './judge-cases';

const mostImages = 50;

interface Count {
  windows: number;
  kept: number;
  objects: number;
  keptObjects: number;
}

/**
 * Runs the result on test images, and looks at the last block with a regular grid of each stage: those windows every earlier such block kept too.
 *
 * A window has an object in it when a box overlaps one of its tokens.
 */
export async function keptWindowsOf(context: StageContext, sparsity: Sparsity): Promise<readonly ReportKeptWindows[]> {
  const { run, folder, signal } = context;
  const checkpoint = await readModel(run, folder, 'final');
  const { architecture } = checkpoint.backbone;
  const dataset = await openTestData(context, checkpoint.config.classes);
  const { height, width, keepRatio, normalization } = run.input;
  const source = run.data.test ?? run.data.validation ?? run.data.train;
  const counts = new Map<number, Count>();
  let hasBoxes = false;
  const engine = await createEngine();
  const task = createTask(engine.ops, checkpoint);
  const plan = engine.compile((image) => task.forward(image, { sparsity, wantsWindows: true }).windows, {
    shape: [1, height, width, 3],
  });
  try {
    for (let index = 0; index < Math.min(mostImages, dataset.length); index++) {
      const sample = await readSample(dataset, index, { onBroken: source.onBroken }, signal);
      if (sample === null) continue;
      const { seen } = seenSample(sample, { size: { height, width }, keepRatio });
      hasBoxes ||= seen.boxes !== undefined;
      const blocks = await plan.run(normalizeImage(seen.image, normalization));
      const last = new Map<number, KeptWindowIds>();
      for (const block of blocks) if (block.block % 2 === 0) last.set(block.stage, hostWindowIds(block));
      for (const [stage, { grid, perImage }] of last) {
        const kept = new Set(perImage[0]);
        const count = counts.get(stage) ?? { windows: 0, kept: 0, objects: 0, keptObjects: 0 };
        counts.set(stage, count);
        count.windows += grid.windowsPerImage;
        count.kept += kept.size;
        for (const id of objectWindows(seen, grid, architecture.patchSize * 2 ** stage)) {
          count.objects++;
          if (kept.has(id)) count.keptObjects++;
        }
      }
    }
  } finally {
    plan.dispose();
    task.dispose();
    await engine.dispose();
  }
  return [...counts].map(([stage, { windows, kept, objects, keptObjects }]) => ({
    stage,
    windows,
    keptShare: kept / windows,
    objectShare: hasBoxes && objects > 0 ? keptObjects / objects : null,
  }));
}

/** Windows of which a box overlaps a token. */
function objectWindows({ boxes = [] }: Sample, grid: WindowGrid, pixelsPerToken: number): number[] {
  const { height, width } = grid;
  const isObject = objectTokens(boxes, { height, width, pixelsPerToken });
  return Array.from({ length: grid.windowsPerImage }, (_, id) => id).filter((id) =>
    windowTokens(grid, [id]).some((token) => isObject[token] === 1),
  );
}
