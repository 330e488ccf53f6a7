/** The body of `mapWindows` that is being recorded: which values belong to it, and what it calls. */

import type { WindowBatch } from '@sparsevit/windows';
import { BackendError } from '@sparsevit/windows';
import type { BodyCall, BodyOperand, BodyWindows, Domain } from '../body';
import type { EngineValue, Local } from '../value';

/** A body, open while its function runs. */
export interface Body {
  readonly windows: BodyWindows;
  readonly map: EngineValue;
  readonly calls: BodyCall[];
  heads: number;
  isOpen: boolean;
}

/** Windows of a body that is being recorded. */
export interface EngineWindows extends WindowBatch<EngineValue> {
  readonly body: Body;
}

/** The bodies of a recording, one after the other. */
export interface Bodies {
  /** The body that is open; null between two. */
  readonly current: Body | null;
  /** The name of the next body: `windows 0`, `windows 1`, ... */
  nextName(): string;
  /** Runs with a body open. */
  within<Result>(body: Body, run: () => Result): Result;
  /** Rows that live while a thread works on a chunk. */
  local(owner: Body, name: string, shape: readonly number[], hasPadRow?: boolean): EngineValue;
  /** The body that rows belong to; null for a map or rows of a whole image. */
  of(value: EngineValue): Body | null;
  /** The windows of the body that is open. */
  windowsOf(batch: WindowBatch<EngineValue>): EngineWindows;
  /** Forgets everything: another recording begins. */
  reset(): void;
}

/** Bodies of no recording yet. */
export function createBodies(): Bodies {
  let current: Body | null = null;
  let named = 0;
  /** Which body a local value belongs to. */
  const owners = new WeakMap<Local, Body>();
  return {
    get current() {
      return current;
    },
    nextName: () => `windows ${named++}`,
    within(body, run) {
      current = body;
      try {
        return run();
      } finally {
        current = null;
        body.isOpen = false;
      }
    },
    local(owner, name, shape, hasPadRow = false) {
      const place: Local = { kind: 'local', name, unit: 'row', bytesPerUnit: (shape[1] ?? 1) * 4 };
      owners.set(place, owner);
      return { place, shape, type: 'float32', hasPadRow };
    },
    of({ place }) {
      if (place.kind !== 'local') return null;
      if (current === null || owners.get(place) !== current) {
        throw new BackendError(
          'engine: expected rows of windows to stay inside of their mapWindows, got a use outside. Return them from the body.',
        );
      }
      return current;
    },
    windowsOf(batch) {
      const windows = batch as EngineWindows;
      if (windows.body !== current || !windows.body.isOpen) {
        throw new BackendError(
          'engine: expected the windows of the body that runs, got those of another. Use them inside mapWindows only.',
        );
      }
      return windows;
    },
    reset() {
      current = null;
      named = 0;
    },
  };
}

/** Adds a call to a body. */
export function addCall(
  to: Body,
  kernel: BodyCall['kernel'],
  domain: Domain,
  operands: readonly BodyOperand[],
  more: Partial<Pick<BodyCall, 'scratchBytes' | 'columns' | 'macsPerUnit'>> = {},
): void {
  to.calls.push({ kernel, domain, operands, columns: 0, macsPerUnit: 0, ...more });
}
