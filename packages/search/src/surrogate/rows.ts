/**
 * What is allowed of an enumerated space, in rows: sparsities that are alike but for one stage, the one with the most lists, stand side by side, so
 * that what a model says of the other stages is computed once for each row.
 */

import type { Enumeration } from '../enumeration';
import type { Genome } from '../genome';

/** The allowed sparsities in rows. */
export interface Rows {
  /** Places in the space, row by row. */
  readonly places: Int32Array;
  /** Where in `places` each row ends. */
  readonly ends: Int32Array;
  /** [rows, genes]: the genes of the row; 0 in the stage along which it goes. */
  readonly levels: Int32Array;
  /** The first gene of the stage along which rows go. */
  readonly alongStart: number;
  /** The number of its genes. */
  readonly alongGenes: number;
  /** [lists, alongGenes]: its lists. */
  readonly alongLevels: Int32Array;
  /** Which of the lists each of `places` has. */
  readonly alongList: Int32Array;
}

/** Puts what is allowed in rows. */
export function rowsOf({ places, stageLists }: Enumeration, { genes, stageStarts }: Genome): Rows {
  const counts = stageLists.map((lists) => lists.length);
  // a place counts the last stage fastest
  const steps = counts.map((_, stage) => counts.slice(stage + 1).reduce((product, count) => product * count, 1));
  const along = counts.indexOf(Math.max(...counts));
  const step = steps[along] ?? 1;
  const count = counts[along] ?? 1;
  const listOf = (place: number): number => Math.floor(place / step) % count;
  const rows = new Map<number, number[]>();
  for (const place of places) {
    const first = place - listOf(place) * step;
    const row = rows.get(first);
    if (row === undefined) rows.set(first, [place]);
    else row.push(place);
  }
  const ordered = new Int32Array(places.length);
  const ends = new Int32Array(rows.size);
  const levels = new Int32Array(rows.size * genes);
  let at = 0;
  for (const [row, [first, members]] of [...rows].entries()) {
    ordered.set(members, at);
    at += members.length;
    ends[row] = at;
    for (const [stage, lists] of stageLists.entries()) {
      if (stage === along) continue;
      const list = lists[Math.floor(first / (steps[stage] ?? 1)) % lists.length] ?? [];
      levels.set(list, row * genes + (stageStarts[stage] ?? 0));
    }
  }
  const alongStart = stageStarts[along] ?? 0;
  return {
    places: ordered,
    ends,
    levels,
    alongStart,
    alongGenes: (stageStarts[along + 1] ?? alongStart) - alongStart,
    alongLevels: Int32Array.from((stageLists[along] ?? []).flat()),
    alongList: ordered.map(listOf),
  };
}
