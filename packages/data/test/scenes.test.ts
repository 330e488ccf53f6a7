import { ConfigError } from '@sparsevit/windows';
import { describe, expect, it } from 'vitest';
import { checkSample, createScenes, drawScene, sceneClasses } from '../src/index';
import { extentOf } from './samples';

const scenes = createScenes({ count: 5, seed: 3, height: 220, width: 260, objectCount: 14 });

describe('createScenes', () => {
  it('draws the same scene whenever it is read, and another at each index', async () => {
    const [first, again, second] = [await scenes.read(0), await scenes.read(0), await scenes.read(1)];
    expect(again).toEqual(first);
    expect(second.image).not.toEqual(first.image);
    expect(second.id).not.toBe(first.id);
    const other = await createScenes({ count: 5, seed: 4, height: 220, width: 260 }).read(0);
    expect(other.image).not.toEqual(first.image);
  });

  it('has boxes and masks of the same objects', async () => {
    for (let i = 0; i < scenes.length; i++) {
      const sample = checkSample(await scenes.read(i), 'test');
      expect(sample.boxes?.length).toBeGreaterThan(1);
      expect(scenes.classes).toEqual(sceneClasses);
      for (const { label, ...box } of sample.boxes ?? []) {
        // The mask of this object alone: objects of the same class lie elsewhere, since boxes do not overlap.
        const inBox = (sample.mask ?? new Uint8Array()).map((value, at) => {
          const [x, y] = [at % 260, Math.floor(at / 260)];
          const isInside = x >= box.x && y >= box.y && x < box.x + box.width && y < box.y + box.height;
          return isInside ? value : 0;
        });
        expect(extentOf({ ...sample, mask: inBox }, label + 1)).toEqual(box);
        expect(inBox.every((value) => value === 0 || value === label + 1)).toBe(true);
      }
      const outside = (sample.mask ?? new Uint8Array()).filter((value, at) => {
        const [x, y] = [at % 260, Math.floor(at / 260)];
        return (
          value !== 0 && !sample.boxes?.some((b) => x >= b.x && y >= b.y && x < b.x + b.width && y < b.y + b.height)
        );
      });
      expect(outside).toHaveLength(0);
    }
  });

  it('has an empty mask where nothing was drawn', () => {
    const { mask } = drawScene({ seed: 1, height: 50, width: 40, objectCount: 0 });
    expect(mask).toHaveLength(2000);
    expect(mask.every((value) => value === 0)).toBe(true);
  });

  it.each([
    { count: 0, seed: 1, height: 8, width: 8 },
    { count: 1.5, seed: 1, height: 8, width: 8 },
    { count: 1, seed: Number.NaN, height: 8, width: 8 },
    { count: 1, seed: 1, height: 0, width: 8 },
    { count: 1, seed: 1, height: 8, width: 8, objectCount: -1 },
  ])('refuses %j', (options) => {
    expect(() => createScenes(options)).toThrow(ConfigError);
  });

  it('refuses other indices, and heeds a signal', async () => {
    await expect(scenes.read(5)).rejects.toThrow(/index from 0 to 4, got 5/);
    await expect(scenes.read(-1)).rejects.toThrow(ConfigError);
    await expect(scenes.read(0, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
  });
});
