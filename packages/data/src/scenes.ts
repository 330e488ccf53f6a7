/** Procedural scenes as a data set: as many as wanted, each drawn when it is read, with exact boxes and masks. */

import { ConfigError, mixSeeds } from '@sparsevit/windows';
import type { Dataset, Sample } from './sample';
import { checkSceneOptions, drawScene, sceneClasses } from './scene/scene';

/**
 * A data set of `count` scenes (`drawScene`), the same on every machine. A sample has boxes whose labels are indices into `sceneClasses`,
 * and a mask with 0 for the background and the index plus 1 for the objects.
 *
 * @param options `count`: how many; `seed`: any integer, other seeds give other scenes; `height`, `width`: pixels; `objectCount`: as in
 * `drawScene`
 * @throws ConfigError when the count is not a whole number of at least 1, or the rest is not what `drawScene` takes
 * @example
 * const scenes = createScenes({ count: 1000, seed: 1, height: 224, width: 224 });
 * const { image, boxes, mask } = await scenes.read(0);
 */
export function createScenes(options: {
  readonly count: number;
  readonly seed: number;
  readonly height: number;
  readonly width: number;
  readonly objectCount?: number;
}): Dataset {
  const { count, seed, ...rest } = options;
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new ConfigError(`createScenes: expected count to be a whole number of at least 1, got ${count}.`);
  }
  if (!Number.isSafeInteger(seed)) throw new ConfigError(`createScenes: expected seed to be an integer, got ${seed}.`);
  checkSceneOptions({ ...rest, seed });
  return {
    length: count,
    classes: sceneClasses,
    describe: (index) => `scene ${index} of seed ${seed}`,
    read: async (index, signal): Promise<Sample> => {
      signal?.throwIfAborted();
      if (!(Number.isInteger(index) && index >= 0 && index < count)) {
        throw new ConfigError(`createScenes: expected an index from 0 to ${count - 1}, got ${index}.`);
      }
      const { image, objects, mask } = drawScene({ ...rest, seed: mixSeeds([seed, index]) });
      const boxes = objects.map(({ className, box }) => ({ ...box, label: sceneClasses.indexOf(className) }));
      return { id: `scene-${seed}-${index}`, image, boxes, mask };
    },
  };
}
