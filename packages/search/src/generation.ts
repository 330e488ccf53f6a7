/** The generation that is being evaluated: who waits, who is out, who is done. */

import type { Candidate, EvaluationResult, SubsetStep } from './candidate';
import type { Levels } from './genome';
import type { Values } from './problem';

/** A new member of a generation. */
export interface NewMember {
  readonly id: number;
  readonly levels: Levels;
  readonly prunedRatios: Candidate['prunedRatios'];
  /** What is computed. */
  readonly computed: Values;
  readonly seed: number;
  readonly subsets: readonly SubsetStep[];
}

/** A member and how it ended. */
export interface Settled extends NewMember {
  readonly result: EvaluationResult;
  readonly attempts: number;
}

/** A generation under way. */
export interface RunningGeneration {
  readonly generation: number;
  /** Ids of all members, as often as they were drawn. */
  readonly memberIds: readonly number[];
  /** Up to `count` candidates that nobody has, in order of ids. */
  take(count: number): Candidate[];
  /**
   * What became of a candidate.
   *
   * @returns the attempt that it was, and the member if it has ended with it; null when candidate or attempt had ended before, which changes
   *   nothing; undefined for an id of none
   */
  settle(result: EvaluationResult): { readonly attempt: number; readonly ended: Settled | null } | null | undefined;
  /** All members in order of ids when each has ended, else null. */
  settled(): readonly Settled[] | null;
}

interface Place {
  readonly member: NewMember;
  attempt: number;
  isOut: boolean;
  result: EvaluationResult | null;
}

/** A generation of which nothing is evaluated. */
export function createGeneration(
  generation: number,
  memberIds: readonly number[],
  members: readonly NewMember[],
  attempts: number,
): RunningGeneration {
  const places = new Map(
    members.map((member): [number, Place] => [member.id, { member, attempt: 1, isOut: false, result: null }]),
  );
  let left = members.length;
  return {
    generation,
    memberIds,
    take(count) {
      const taken: Candidate[] = [];
      for (const place of places.values()) {
        if (taken.length >= count) break;
        if (place.isOut || place.result !== null) continue;
        place.isOut = true;
        const { id, prunedRatios, seed, subsets } = place.member;
        taken.push({ id, generation, prunedRatios, attempt: place.attempt, seed, subsets });
      }
      return taken;
    },
    settle(result) {
      const place = places.get(result.id);
      if (place === undefined) return undefined;
      const { member, attempt } = place;
      if (place.result !== null || (result.attempt ?? attempt) !== attempt) return null;
      if (result.state === 'failed' && attempt < attempts) {
        place.attempt++;
        place.isOut = false;
        return { attempt, ended: null };
      }
      place.result = result;
      left--;
      return { attempt, ended: { ...member, result, attempts: attempt } };
    },
    settled() {
      if (left > 0) return null;
      return [...places.values()].flatMap(({ member, attempt, result }) =>
        result === null ? [] : [{ ...member, result, attempts: attempt }],
      );
    },
  };
}
