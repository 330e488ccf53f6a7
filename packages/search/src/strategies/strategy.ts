/** What decides which sparsities are evaluated next. Its state follows from the generations that it was given, in their order. */

import type { Random } from '@sparsevit/windows';
import type { Levels } from '../genome';
import { keyOf } from '../genome';
import type { Ranked } from '../pareto';
import type { Region } from '../region';

/** A sparsity that was evaluated, or tried to be. One that failed or was dropped is infinitely far from the bounds. */
export interface Member extends Ranked {
  readonly id: number;
  readonly levels: Levels;
  /** All quantities by name, those computed and those told; of one that failed or was dropped only those computed. */
  readonly values: Readonly<Record<string, number>>;
  readonly isComplete: boolean;
}

/** What a strategy draws from. */
export interface Proposing {
  readonly random: Random;
  readonly region: Region;
  /** True for the key of a sparsity that has been proposed before: proposing it again evaluates nothing. */
  isKnown(key: string): boolean;
}

/** Proposes generations and learns from them. */
export interface Strategy {
  /** The next generation, all of it allowed; empty when there is nothing more to propose. */
  propose(proposing: Proposing): readonly Levels[];
  /** A generation with its values, in order of ids; known members stand in it as often as they were proposed. */
  learn(members: readonly Member[]): void;
}

/** The best first: inside the bounds by the only objective, then by the distance from the bounds; equal ones by id. */
export function compareMembers(first: Member, second: Member): number {
  if (first.violation !== second.violation) return first.violation < second.violation ? -1 : 1;
  return (first.minimized[0] ?? 0) - (second.minimized[0] ?? 0) || first.id - second.id;
}

/** Draws that are tried for something new before the rest of the region is counted out. */
const newDraws = 100;

/** Gathers sparsities that are new: to the search, and among themselves. */
export interface NewLevels {
  readonly levels: readonly Levels[];
  isNew(levels: Levels): boolean;
  /** Adds one if it is new. */
  add(levels: Levels): boolean;
  /** Adds a uniform draw that is new; false when none was found, in a small space: when there is none. */
  addDrawn(): boolean;
}

/** Nothing gathered yet. */
export function gatherNew({ random, region, isKnown }: Proposing): NewLevels {
  const gathered: Levels[] = [];
  const keys = new Set<string>();
  const isNewKey = (key: string): boolean => !isKnown(key) && !keys.has(key);
  const isNew = (levels: Levels): boolean => isNewKey(keyOf(levels));
  const add = (levels: Levels): boolean => {
    const key = keyOf(levels);
    if (!isNewKey(key)) return false;
    keys.add(key);
    gathered.push(levels);
    return true;
  };
  return {
    levels: gathered,
    isNew,
    add,
    addDrawn() {
      for (let tries = 0; tries < newDraws; tries++) if (add(region.drawUniformly(random))) return true;
      const all = region.enumeration();
      if (all === null) return false;
      const left: Levels[] = [];
      for (const place of all.places) {
        const levels = all.levelsAt(place);
        if (isNew(levels)) left.push(levels);
      }
      return left.length > 0 && add(left[random.integer(0, left.length)] ?? []);
    },
  };
}
