/** Batches of a data set in an order that a seed decides, read ahead of the loop that uses them. */

import { ConfigError, createRandom, ImageError, mixSeeds, randomOrder } from '@sparsevit/windows';
import type { Dataset, Sample } from './sample';
import { checkSample } from './sample';
import type { Transform } from './transforms/transform';

/** Some samples to use together, and where they lie in the order of the epoch. */
export interface Batch {
  readonly samples: readonly Sample[];
  /** Indices of the samples in the data set. */
  readonly indices: readonly number[];
  readonly epoch: number;
  /** How many items of the epoch's order are used up with this batch; `{ epoch, startAt: position }` goes on after it. */
  readonly position: number;
}

/** An item could not be read or transformed. */
export interface BrokenItem {
  readonly type: 'item-broken';
  readonly index: number;
  readonly epoch: number;
  /** Its place in the order of the epoch. */
  readonly position: number;
  /** What the data set calls it: file and id. */
  readonly item: string;
  readonly reason: string;
  readonly cause: unknown;
}

/** How `createBatches` makes batches. */
export interface BatchOptions {
  /** Samples in a batch. */
  readonly batch: number;
  /** Any integer: decides order and augmentation. */
  readonly seed: number;
  /** The first epoch; default 0. */
  readonly epoch?: number;
  /** How many epochs; default 1, `Infinity` for a loop that ends by itself. */
  readonly epochs?: number;
  /** How many items of the first epoch's order are used up already; default 0. */
  readonly startAt?: number;
  /** A new order in every epoch; default true. */
  readonly shuffle?: boolean;
  readonly transform?: Transform;
  /** Leaves out the last batch of an epoch when it is not full; default false. */
  readonly dropLast?: boolean;
  /** How many items are read at the same time, or kept ready, ahead of the loop; default: as many as a batch has. */
  readonly prefetch?: number;
  /** What a broken item does: 'fail' (default) throws, 'skip' goes on without it. The event comes either way. */
  readonly onBroken?: 'skip' | 'fail';
  readonly onEvent?: (event: BrokenItem) => void;
  /** Ends the loop with the signal's reason, and is handed on to `Dataset.read`. */
  readonly signal?: AbortSignal;
}

/** A place in the order of an epoch. */
interface Slot {
  readonly epoch: number;
  readonly position: number;
  readonly index: number;
}

type Outcome = { readonly slot: Slot; readonly sample: Sample } | { readonly slot: Slot; readonly failure: unknown };

/**
 * Batches of a data set. The order is a permutation from seed and epoch, the random numbers of a sample's transform come from seed, epoch
 * and index: neither depends on `prefetch` or on where a loop was resumed. Items that are skipped leave no gap, the next ones move up; a
 * batch never spans two epochs.
 *
 * @returns what `for await` takes; each loop over it begins anew. Leaving a loop stops the reads that are under way
 * @throws ConfigError for options that are none, an empty data set, or with `dropLast` fewer items than a batch. The loop throws ImageError
 * for a broken item with `onBroken: 'fail'`, and for an epoch that gives no batch because its items are broken; the signal's reason
 * @example
 * for await (const { samples, epoch, position } of createBatches(scenes, { batch: 8, seed: 1, transform: flipHorizontal() })) {
 *   train(samples);
 * }
 */
export function createBatches(dataset: Dataset, options: BatchOptions): AsyncIterable<Batch> {
  checkOptions(dataset, options);
  return { [Symbol.asyncIterator]: () => iterateBatches(dataset, options) };
}

async function* iterateBatches(dataset: Dataset, options: BatchOptions): AsyncGenerator<Batch, void, undefined> {
  const { batch, epoch: firstEpoch = 0, dropLast = false, prefetch = batch, signal } = options;
  signal?.throwIfAborted();
  const stop = new AbortController();
  const forwardAbort = (): void => stop.abort(signal?.reason);
  signal?.addEventListener('abort', forwardAbort, { once: true });
  const slots = slotsOf(dataset, options);
  const ahead: Promise<Outcome>[] = [];
  const fill = (): void => {
    while (ahead.length < Math.max(1, prefetch)) {
      const next = slots.next();
      if (next.done) return;
      ahead.push(readSlot(dataset, next.value, { ...options, signal: stop.signal }));
    }
  };

  let samples: Sample[] = [];
  let indices: number[] = [];
  let hasBatch = false;
  let lastFailure: unknown;
  try {
    for (;;) {
      fill();
      const first = ahead[0];
      if (first === undefined) return;
      const outcome = await waitFor(first, signal);
      ahead.shift();
      if (prefetch > 0) fill();
      const { epoch, position } = outcome.slot;
      if ('failure' in outcome) {
        lastFailure = outcome.failure;
        reportBroken(dataset, outcome, options);
      } else {
        samples.push(outcome.sample);
        indices.push(outcome.slot.index);
      }
      const isEnd = position === dataset.length - 1;
      if (samples.length === batch || (isEnd && samples.length > 0 && !dropLast)) {
        const full: Batch = { samples, indices, epoch, position: position + 1 };
        [samples, indices, hasBatch] = [[], [], true];
        yield full;
        signal?.throwIfAborted();
      }
      if (!isEnd) continue;
      // Without this, a loop over endless epochs of broken items would never come back.
      if (!hasBatch && (epoch !== firstEpoch || (options.startAt ?? 0) === 0))
        throw noBatch(dataset, epoch, lastFailure);
      [samples, indices, hasBatch] = [[], [], false];
    }
  } finally {
    signal?.removeEventListener('abort', forwardAbort);
    stop.abort();
  }
}

function* slotsOf(dataset: Dataset, options: BatchOptions): Generator<Slot, void, undefined> {
  const { seed, epoch: firstEpoch = 0, epochs = 1, startAt = 0, shuffle = true } = options;
  for (let epoch = firstEpoch; epoch < firstEpoch + epochs; epoch++) {
    const order = shuffle ? randomOrder(dataset.length, createRandom(mixSeeds([seed, epoch]))) : undefined;
    for (let position = epoch === firstEpoch ? startAt : 0; position < dataset.length; position++) {
      yield { epoch, position, index: order?.[position] ?? position };
    }
  }
}

/** Reads and transforms an item. Never rejects: what is read ahead may fail long before, or after, anyone waits for it. */
async function readSlot(
  dataset: Dataset,
  slot: Slot,
  options: { seed: number; transform?: Transform; signal: AbortSignal },
): Promise<Outcome> {
  const { seed, transform, signal } = options;
  try {
    const read = checkSample(await dataset.read(slot.index, signal), 'createBatches');
    if (transform === undefined || signal.aborted) return { slot, sample: read };
    const random = createRandom(mixSeeds([seed, slot.epoch, slot.index]));
    return { slot, sample: checkSample(transform(read, random), 'createBatches') };
  } catch (failure) {
    return { slot, failure };
  }
}

function reportBroken(dataset: Dataset, broken: { slot: Slot; failure: unknown }, options: BatchOptions): void {
  const { slot, failure } = broken;
  const reason = reasonOf(failure);
  const item = dataset.describe(slot.index);
  options.onEvent?.({ type: 'item-broken', ...slot, item, reason, cause: failure });
  if (options.onBroken === 'skip') return;
  throw new ImageError(
    `createBatches: expected item ${slot.index} to be whole, got ${item}: ${reason} Mend it, or set onBroken to 'skip'.`,
    { cause: failure },
  );
}

function noBatch(dataset: Dataset, epoch: number, cause: unknown): ImageError {
  return new ImageError(
    `createBatches: expected items for a batch in epoch ${epoch}, got too few of ${dataset.length} that are whole; the last broken one: ${reasonOf(cause)} See the events for all.`,
    { cause },
  );
}

function reasonOf(failure: unknown): string {
  const message = failure instanceof Error ? failure.message : String(failure);
  return message.endsWith('.') ? message : `${message}.`;
}

/** Waits for an outcome, but no longer than until the signal aborts, whether or not the read that is under way heeds it. */
async function waitFor(outcome: Promise<Outcome>, signal: AbortSignal | undefined): Promise<Outcome> {
  if (signal === undefined) return outcome;
  signal.throwIfAborted();
  let stopWaiting = (): void => undefined;
  // A promise and a listener of its own for every wait: one for the whole loop would gather a reaction per item.
  const aborted = new Promise<never>((_, reject) => {
    stopWaiting = () => reject(signal.reason);
    signal.addEventListener('abort', stopWaiting, { once: true });
  });
  try {
    const first = await Promise.race([outcome, aborted]);
    signal.throwIfAborted(); // the read may end because of the signal, before the wait does
    return first;
  } finally {
    signal.removeEventListener('abort', stopWaiting);
  }
}

function checkOptions(dataset: Dataset, options: BatchOptions): void {
  const { batch, seed, epoch = 0, epochs = 1, startAt = 0, dropLast = false, prefetch = batch } = options;
  const fail = (expected: string, got: unknown): never => {
    throw new ConfigError(`createBatches: expected ${expected}, got ${got}.`);
  };
  const isCount = (value: number, least: number): boolean => Number.isSafeInteger(value) && value >= least;
  if (!isCount(dataset.length, 1)) fail('a data set with at least one item', `a length of ${dataset.length}`);
  if (!isCount(batch, 1)) fail('batch to be a whole number of at least 1', batch);
  if (!Number.isSafeInteger(seed)) fail('seed to be an integer', seed);
  if (!isCount(epoch, 0)) fail('epoch to be a whole number of at least 0', epoch);
  if (!isCount(epochs, 1) && epochs !== Number.POSITIVE_INFINITY) fail('epochs to be at least 1', epochs);
  if (!isCount(startAt, 0) || startAt > dataset.length) fail(`startAt to be from 0 to ${dataset.length}`, startAt);
  if (!isCount(prefetch, 0)) fail('prefetch to be a whole number of at least 0', prefetch);
  if (dropLast && batch > dataset.length) {
    fail(`at least ${batch} items for a full batch, as dropLast is set`, dataset.length);
  }
}
