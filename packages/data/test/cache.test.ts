import { ConfigError } from '@sparsevit/windows';
import { expect, test, vi } from 'vitest';
import { cacheDataset, createScenes } from '../src/index';

const scenes = createScenes({ count: 4, seed: 1, height: 32, width: 32 });
const bytesEach = 32 * 32 * 4; // pixels and mask

test('a sample is read once, as long as there is room', async () => {
  const read = vi.fn(scenes.read);
  const cached = cacheDataset({ ...scenes, read }, { maxBytes: 2 * bytesEach });
  expect(cached).toMatchObject({ length: 4, classes: scenes.classes });
  const first = await Promise.all([0, 1, 2, 3].map((index) => cached.read(index)));
  const again = await Promise.all([0, 1, 2, 3].map((index) => cached.read(index)));
  expect(again).toEqual(first);
  expect(again[0]).toBe(first[0]);
  expect(read.mock.calls.map(([index]) => index)).toEqual([0, 1, 2, 3, 2, 3]);
});

test('what cannot be read is asked for again, and a stop is heeded', async () => {
  let fails = true;
  const cached = cacheDataset({
    ...scenes,
    read: async (index) => {
      if (fails) throw new Error('cut off');
      return scenes.read(index);
    },
  });
  await expect(cached.read(0)).rejects.toThrow('cut off');
  fails = false;
  expect((await cached.read(0)).id).toBe('scene-1-0');
  await expect(cached.read(0, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
  expect(() => cacheDataset(scenes, { maxBytes: -1 })).toThrow(ConfigError);
});
