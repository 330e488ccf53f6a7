/** The figures of the concepts: each is drawn by the packages themselves, and comes out the same on every machine. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { adaptationFigure } from './adaptation';
import { costFigure } from './cost';
import { latencyFigure } from './latency';
import { searchFigure } from './search';
import { windowSparsityFigure } from './window-sparsity';

/** By file name in `docs/images`. */
export const figures: Readonly<Record<string, () => string | Promise<string>>> = {
  'adaptation.svg': adaptationFigure,
  'cost.svg': costFigure,
  'latency.svg': latencyFigure,
  'search.svg': searchFigure,
  'window-sparsity.svg': windowSparsityFigure,
};

/** Draws all of them anew. */
export async function writeFigures(folder: string): Promise<void> {
  for (const [name, draw] of Object.entries(figures)) writeFileSync(join(folder, name), await draw());
}
