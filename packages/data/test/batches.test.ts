import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError, ImageError } from '@sparsevit/windows';
import { describe, expect, it } from 'vitest';
import {
  type Batch,
  type BatchOptions,
  type BrokenItem,
  createBatches,
  type Dataset,
  jitterColour,
  type Sample,
} from '../src/index';

/** A data set of single grey pixels, which counts its reads. */
function pixelsOf(
  length: number,
  options: { broken?: readonly number[]; delay?: (index: number) => Promise<unknown> } = {},
): Dataset & { reads: number[]; mostAtOnce: () => number } {
  const { broken = [], delay } = options;
  const reads: number[] = [];
  let atOnce = 0;
  let most = 0;
  return {
    length,
    classes: ['pixel'],
    reads,
    mostAtOnce: () => most,
    describe: (index) => `"pixels/${index}.png" (image ${1000 + index})`,
    read: async (index, signal): Promise<Sample> => {
      reads.push(index);
      atOnce++;
      most = Math.max(most, atOnce);
      try {
        await delay?.(index);
        signal?.throwIfAborted();
        if (broken.includes(index)) throw new ImageError(`test: expected a pixel, got dust in ${index}.`);
        return {
          id: String(index),
          label: 0,
          image: { pixels: new Uint8Array(12).fill(index + 100), height: 2, width: 2 },
        };
      } finally {
        atOnce--;
      }
    },
  };
}

async function collect(batches: AsyncIterable<Batch>, most: number = Number.POSITIVE_INFINITY): Promise<Batch[]> {
  const collected: Batch[] = [];
  for await (const batch of batches) {
    collected.push(batch);
    if (collected.length >= most) break;
  }
  return collected;
}

const augmented = { batch: 4, seed: 7, transform: jitterColour({ brightness: 0.5 }) };

describe('createBatches', () => {
  it('gives every item once per epoch, in another order', async () => {
    const batches = await collect(createBatches(pixelsOf(10), { batch: 4, seed: 1, epochs: 2 }));
    expect(batches.map(({ indices }) => indices.length)).toEqual([4, 4, 2, 4, 4, 2]);
    expect(batches.map(({ epoch, position }) => [epoch, position])).toEqual([
      [0, 4],
      [0, 8],
      [0, 10],
      [1, 4],
      [1, 8],
      [1, 10],
    ]);
    const orders = [0, 1].map((epoch) =>
      batches.filter((batch) => batch.epoch === epoch).flatMap(({ indices }) => indices),
    );
    for (const order of orders) expect([...order].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(orders[0]).not.toEqual(orders[1]);
    for (const { samples, indices } of batches) expect(samples.map(({ id }) => Number(id))).toEqual(indices);
  });

  it('keeps the order of the data set without shuffle, and leaves out a rest', async () => {
    const batches = await collect(
      createBatches(pixelsOf(10), { batch: 4, seed: 1, shuffle: false, dropLast: true, epochs: 2 }),
    );
    expect(batches.map(({ indices }) => indices)).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ]);
  });

  it.each([0, 1, 2, 3, 7, 100])('is the same with prefetch %i, whatever comes first', async (prefetch) => {
    const expected = await collect(createBatches(pixelsOf(11), { ...augmented, epochs: 3 }));
    const dataset = pixelsOf(11, { delay: (index) => sleep((index * 7) % 5) });
    expect(await collect(createBatches(dataset, { ...augmented, epochs: 3, prefetch }))).toEqual(expected);
    expect(dataset.mostAtOnce()).toBeLessThanOrEqual(Math.max(1, prefetch));
  });

  it('goes on from any batch as if it had not been left', async () => {
    const broken = [2, 3, 9];
    const options = { ...augmented, epochs: 3, onBroken: 'skip' } as const;
    const all = await collect(createBatches(pixelsOf(13, { broken }), options));
    expect(all).toHaveLength(9);
    for (const [i, { epoch, position }] of all.entries()) {
      const rest = createBatches(pixelsOf(13, { broken }), { ...options, epoch, epochs: 3 - epoch, startAt: position });
      expect(await collect(rest)).toEqual(all.slice(i + 1));
    }
  });

  it('augments an item differently in each epoch, and the same in each loop', async () => {
    const batches = createBatches(pixelsOf(4), { ...augmented, epochs: 2, shuffle: false });
    const [first, second] = await collect(batches);
    const bytesOf = (batch: Batch | undefined) => batch?.samples.map(({ image }) => image.pixels[0]);
    expect(bytesOf(first)).not.toEqual(bytesOf(second));
    expect(await collect(batches)).toEqual([first, second]);
    expect(await collect(createBatches(pixelsOf(4), { ...augmented, seed: 8, shuffle: false }))).not.toEqual([first]);
  });

  it('reads nothing before the loop, and not further ahead than it is told', async () => {
    const dataset = pixelsOf(20);
    const batches = createBatches(dataset, { batch: 2, seed: 1, prefetch: 3 });
    expect(dataset.reads).toEqual([]);
    await collect(batches, 1);
    expect(dataset.reads.length).toBeLessThanOrEqual(5);
    const lazy = pixelsOf(20);
    await collect(createBatches(lazy, { batch: 2, seed: 1, prefetch: 0 }), 1);
    expect(lazy.reads).toHaveLength(2);
  });

  it('reads ahead while the loop is busy', async () => {
    const dataset = pixelsOf(20, { delay: () => sleep(1) });
    for await (const { position } of createBatches(dataset, { batch: 2, seed: 1, prefetch: 4 })) {
      await sleep(5);
      expect(dataset.reads.length).toBe(Math.min(20, position + 4));
    }
  });

  it('may be left at any time without a rejection that nobody handles', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    const dataset = pixelsOf(20, { broken: [3, 4, 5, 6], delay: (index) => sleep(index) });
    await collect(createBatches(dataset, { batch: 2, seed: 1, shuffle: false, prefetch: 6 }), 1);
    await sleep(30);
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  it('ends endless epochs only when it is left', async () => {
    const batches = await collect(
      createBatches(pixelsOf(3), { batch: 2, seed: 1, epochs: Number.POSITIVE_INFINITY }),
      40,
    );
    expect(batches.at(-1)?.epoch).toBe(19);
  });

  it('gives nothing when resumed at the end of its only epoch', async () => {
    expect(await collect(createBatches(pixelsOf(3), { batch: 2, seed: 1, startAt: 3 }))).toEqual([]);
  });
});

describe('broken items', () => {
  it('are reported with file, id and reason, and skipped', async () => {
    const events: BrokenItem[] = [];
    const options: BatchOptions = {
      batch: 2,
      seed: 1,
      shuffle: false,
      onBroken: 'skip',
      onEvent: (event) => events.push(event),
    };
    const batches = await collect(createBatches(pixelsOf(6, { broken: [1, 5] }), options));
    expect(batches.map(({ indices, position }) => [indices, position])).toEqual([
      [[0, 2], 3],
      [[3, 4], 5],
    ]);
    expect(events.map(({ cause, ...event }) => event)).toEqual(
      [1, 5].map((index) => ({
        type: 'item-broken',
        index,
        epoch: 0,
        position: index,
        item: `"pixels/${index}.png" (image ${1000 + index})`,
        reason: `test: expected a pixel, got dust in ${index}.`,
      })),
    );
    expect(events[0]?.cause).toBeInstanceOf(ImageError);
  });

  it.each([0, 5])('come in the same order with prefetch %i', async (prefetch) => {
    const events: number[] = [];
    const dataset = pixelsOf(12, { broken: [1, 4, 6, 7], delay: (index) => sleep(6 - (index % 6)) });
    const options = { batch: 3, seed: 1, shuffle: false, prefetch, onBroken: 'skip' } as const;
    await collect(createBatches(dataset, { ...options, onEvent: ({ index }) => events.push(index) }));
    expect(events).toEqual([1, 4, 6, 7]);
  });

  it('end the loop by default, after the event', async () => {
    const events: BrokenItem[] = [];
    const options: BatchOptions = { batch: 2, seed: 1, shuffle: false, onEvent: (event) => events.push(event) };
    const loop = collect(createBatches(pixelsOf(6, { broken: [3] }), options));
    await expect(loop).rejects.toThrow(ImageError);
    await expect(loop).rejects.toThrow(
      /item 3 to be whole, got "pixels\/3.png" \(image 1003\): test: expected a pixel, got dust in 3\./,
    );
    expect(events).toHaveLength(1);
  });

  it.each([1, Number.POSITIVE_INFINITY])('are an error when there are no others, in %d epochs', async (epochs) => {
    const options = { batch: 2, seed: 1, onBroken: 'skip', epochs } as const;
    const loop = collect(createBatches(pixelsOf(3, { broken: [0, 1, 2] }), options));
    await expect(loop).rejects.toThrow(/items for a batch in epoch 0, got too few of 3 .*dust/);
    const few = collect(createBatches(pixelsOf(3, { broken: [0, 1] }), { ...options, dropLast: true }));
    await expect(few).rejects.toThrow(/too few/);
  });

  it('are those that break in a transform, too, and samples that are none', async () => {
    const reasons: string[] = [];
    const transform = (sample: Sample): Sample => {
      if (sample.id === '1') throw new TypeError('no pixel for me');
      return sample.id === '2' ? { ...sample, mask: new Uint8Array(1) } : sample;
    };
    const options = { batch: 9, seed: 1, shuffle: false, transform, onBroken: 'skip' } as const;
    const [batch] = await collect(
      createBatches(pixelsOf(4), { ...options, onEvent: ({ reason }) => reasons.push(reason) }),
    );
    expect(batch?.indices).toEqual([0, 3]);
    expect(reasons[0]).toBe('no pixel for me.');
    expect(reasons[1]).toMatch(/expected a mask of 2x2/);
  });

  it('throw what the listener throws', async () => {
    const onEvent = (): void => {
      throw new RangeError('enough');
    };
    const loop = collect(createBatches(pixelsOf(3, { broken: [1] }), { batch: 2, seed: 1, onBroken: 'skip', onEvent }));
    await expect(loop).rejects.toThrow('enough');
  });
});

describe('a signal', () => {
  it('ends the loop with its reason, even when a read never ends', async () => {
    const controller = new AbortController();
    const dataset = pixelsOf(6, { delay: (index) => (index === 3 ? new Promise(() => undefined) : sleep(0)) });
    const seen: number[] = [];
    const run = async (): Promise<void> => {
      const options = { batch: 1, seed: 1, shuffle: false, signal: controller.signal };
      for await (const { position } of createBatches(dataset, options)) seen.push(position);
    };
    setTimeout(() => controller.abort(new Error('time is up')), 20);
    await expect(run()).rejects.toThrow('time is up');
    expect(seen).toEqual([1, 2, 3]);
  });

  it('is heeded before the first read and between batches, and reports no items', async () => {
    const dataset = pixelsOf(6);
    const aborted = AbortSignal.abort(new Error('never mind'));
    await expect(collect(createBatches(dataset, { batch: 1, seed: 1, signal: aborted }))).rejects.toThrow('never mind');
    expect(dataset.reads).toEqual([]);
    const controller = new AbortController();
    const events: BrokenItem[] = [];
    const options = {
      batch: 1,
      seed: 1,
      signal: controller.signal,
      onEvent: (event: BrokenItem) => void events.push(event),
    };
    const run = async (): Promise<void> => {
      for await (const _ of createBatches(pixelsOf(6, { delay: () => sleep(1) }), options))
        controller.abort(new Error('stop'));
    };
    await expect(run()).rejects.toThrow('stop');
    expect(events).toEqual([]);
  });

  it('reaches the reads when the loop is left', async () => {
    let signal: AbortSignal | undefined;
    const dataset = pixelsOf(6);
    const read: Dataset['read'] = (index, given) => {
      signal = given;
      return dataset.read(index, given);
    };
    await collect(createBatches({ ...dataset, read }, { batch: 1, seed: 1 }), 1);
    expect(signal?.aborted).toBe(true);
  });
});

describe('options', () => {
  it.each<[Partial<BatchOptions>, RegExp]>([
    [{ batch: 0 }, /batch to be a whole number of at least 1, got 0/],
    [{ batch: 1.5 }, /batch/],
    [{ seed: 0.5 }, /seed/],
    [{ epoch: -1 }, /epoch/],
    [{ epochs: 0 }, /epochs/],
    [{ startAt: 4 }, /startAt to be from 0 to 3, got 4/],
    [{ prefetch: Number.NaN }, /prefetch/],
    [{ batch: 4, dropLast: true }, /at least 4 items for a full batch, as dropLast is set, got 3/],
  ])('refuses %j', (changes, message) => {
    expect(() => createBatches(pixelsOf(3), { batch: 2, seed: 1, ...changes })).toThrow(ConfigError);
    expect(() => createBatches(pixelsOf(3), { batch: 2, seed: 1, ...changes })).toThrow(message);
  });

  it('refuses an empty data set', () => {
    expect(() => createBatches(pixelsOf(0), { batch: 2, seed: 1 })).toThrow(/at least one item, got a length of 0/);
  });
});
