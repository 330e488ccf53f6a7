/** A procedural high-resolution scene: mostly background, with small objects whose boxes and classes are known. */

import type { Random } from '@sparsevit/windows';
import { ConfigError, createRandom } from '@sparsevit/windows';
import type { RgbImage } from '../image';
import type { Ground } from './ground';
import { groundKinds, paintGround } from './ground';
import { roadAt } from './roads';
import type { Box, Colour, SceneClass, Shape } from './shapes';
import { paintShadow, paintShape, sceneClasses, shapeReach } from './shapes';

export type { Box, SceneClass } from './shapes';
export { sceneClasses } from './shapes';

/** An object in a scene. */
export interface SceneObject {
  readonly className: SceneClass;
  /** The pixels that the object covers by half or more; its shadow is not part of it. */
  readonly box: Box;
}

/** A drawn scene and what is in it. */
export interface Scene {
  readonly image: RgbImage;
  /** In the order in which they were drawn; boxes do not overlap. */
  readonly objects: readonly SceneObject[];
  /** `[height, width]`: 0 for the background, else 1 plus the index in `sceneClasses` of the object that covers half of the pixel or more. */
  readonly mask: Uint8Array;
}

const maxPixels = 100_000_000;
const maxObjects = 10_000;
/** Tries per object until a free place is found; then the scene has one object less. */
const maxTries = 60;

const colours: Readonly<Record<SceneClass, readonly Colour[]>> = {
  disc: [
    [236, 236, 230],
    [196, 204, 212],
    [176, 92, 62],
    [92, 132, 168],
  ],
  rectangle: [
    [196, 92, 70],
    [176, 78, 62],
    [152, 152, 158],
    [98, 112, 140],
    [222, 212, 192],
  ],
  triangle: [
    [238, 148, 44],
    [240, 238, 228],
    [66, 130, 196],
    [222, 74, 74],
  ],
  cross: [
    [246, 244, 240],
    [238, 210, 66],
    [222, 66, 62],
  ],
  car: [
    [208, 46, 42],
    [240, 240, 242],
    [38, 40, 46],
    [48, 94, 178],
    [176, 180, 186],
    [238, 196, 52],
  ],
};

/**
 * Draws a scene seen from above: fields, woods, a lake and roads, and on them small objects of five classes (`sceneClasses`), most of
 * them in a few clusters. The same options give the same pixels on every machine.
 *
 * @param options `seed`: any integer; `height`, `width`: pixels; `objectCount`: how many objects are tried (default: by area); one that
 * finds no free place is left out, so that `objects` may be shorter
 * @returns the image, the objects with boxes in whole pixels, and the class of each pixel
 * @throws ConfigError when a side is not a whole number of at least 1, the picture has more than 100 million pixels, the seed is not
 * an integer, or the count is not a whole number from 0 to 10000
 * @example
 * const { image, objects } = drawScene({ seed: 1, height: 672, width: 672 });
 */
export function drawScene(options: { seed: number; height: number; width: number; objectCount?: number }): Scene {
  const { seed, height, width, objectCount } = options;
  checkSceneOptions(options);
  // Larger scenes show more ground rather than larger things: sizes grow with the square root of the side.
  const unit = Math.max(0.75, Math.sqrt(Math.min(height, width) / 672));
  const ground = paintGround({ seed, height, width, unit });
  const random = createRandom(seed ^ 0x5ce9e);
  const count =
    objectCount ?? Math.min(maxObjects, Math.max(1, Math.round((26 * height * width) / (672 * 672 * unit * unit))));
  const clusters = Array.from({ length: Math.max(1, Math.round(count / 12)) }, () => ({
    x: (0.12 + 0.76 * random.uniform()) * width,
    y: (0.12 + 0.76 * random.uniform()) * height,
  }));
  const shapes: Shape[] = [];
  for (let i = 0; i < count; i++) {
    const kind = sceneClasses[i % 2 === 0 ? 4 : random.integer(0, 4)] ?? 'car';
    const cluster = clusters[random.integer(0, clusters.length)] ?? { x: 0, y: 0 };
    for (let tries = 0; tries < maxTries; tries++) {
      const shape = proposeShape(kind, random, ground, { cluster, unit });
      if (!isFree(shape, shapes, ground)) continue;
      shapes.push(shape);
      break;
    }
  }
  for (const shape of shapes) paintShadow(ground.image, shape, (shape.kind === 'car' ? 1.2 : 2.2) * unit);
  const mask = new Uint8Array(height * width);
  const objects = shapes.flatMap((shape): SceneObject[] => {
    const box = paintShape(ground.image, shape, mask);
    return box === null ? [] : [{ className: shape.kind, box }];
  });
  return { image: ground.image, objects, mask };
}

function proposeShape(
  kind: SceneClass,
  random: Random,
  ground: Ground,
  options: { cluster: { x: number; y: number }; unit: number },
): Shape {
  const { cluster, unit } = options;
  const { height, width } = ground.image;
  const palette = colours[kind];
  const colour = palette[random.integer(0, palette.length)] ?? [0, 0, 0];
  const between = (low: number, high: number): number => (low + (high - low) * random.uniform()) * unit;
  const roads = ground.roads.filter((road) => road.kind === 'road');
  const road = roads[random.integer(0, roads.length)];
  if (kind === 'car' && road) {
    const at = roadAt(road, random.uniform() * road.centre.length);
    const side = random.uniform() < 0.5 ? 1 : -1;
    const lane = side * 0.46 * road.halfWidth;
    return {
      kind,
      colour,
      centreX: at.x - lane * at.directionY,
      centreY: at.y + lane * at.directionX,
      directionX: side * at.directionX,
      directionY: side * at.directionY,
      halfLength: between(6.2, 7.6),
      halfWidth: between(2.9, 3.3),
    };
  }
  const isStray = random.uniform() < 0.25;
  const spread = 150 * unit;
  const around = (centre: number, side: number): number =>
    isStray ? random.uniform() * side : centre + (random.uniform() + random.uniform() - 1) * spread;
  // A random vector of whole numbers has a direction without a sine.
  const vectorX = random.integer(-8, 9);
  const vectorY = random.integer(1, 9);
  const norm = 1 / Math.sqrt(vectorX * vectorX + vectorY * vectorY);
  const halfLength = kind === 'rectangle' ? between(9, 17) : kind === 'disc' ? between(6, 11) : between(8, 12);
  return {
    kind,
    colour,
    centreX: around(cluster.x, width),
    centreY: around(cluster.y, height),
    directionX: vectorX * norm,
    directionY: vectorY * norm,
    halfLength,
    halfWidth: kind === 'rectangle' ? 0.62 * halfLength : kind === 'triangle' ? 0.85 * halfLength : halfLength,
  };
}

/** True when a shape lies inside the picture, on ground that suits it, and clear of the shapes before it. */
function isFree(shape: Shape, others: readonly Shape[], ground: Ground): boolean {
  const { height, width } = ground.image;
  const reach = shapeReach(shape) + 1;
  const { centreX, centreY } = shape;
  if (centreX < reach || centreY < reach || centreX > width - 1 - reach || centreY > height - 1 - reach) return false;
  for (const other of others) {
    const clear = reach + shapeReach(other) + 2;
    // By axis, so that the boxes are clear of each other too.
    if (Math.max(Math.abs(centreX - other.centreX), Math.abs(centreY - other.centreY)) < clear) return false;
  }
  if (shape.kind === 'car') return true;
  for (const stepY of [-1, 0, 1]) {
    for (const stepX of [-1, 0, 1]) {
      const x = Math.floor(centreX + stepX * reach);
      const y = Math.floor(centreY + stepY * reach);
      const kind = ground.kinds[y * width + x];
      if (kind !== groundKinds.field) return false;
    }
  }
  return true;
}

/** Throws a ConfigError for options that `drawScene` does not take. */
export function checkSceneOptions(options: {
  seed: number;
  height: number;
  width: number;
  objectCount?: number;
}): void {
  const { seed, height, width, objectCount = 0 } = options;
  if (!Number.isInteger(seed)) throw new ConfigError(`drawScene: expected seed to be an integer, got ${seed}.`);
  for (const [name, side] of Object.entries({ height, width })) {
    if (!Number.isInteger(side) || side < 1) {
      throw new ConfigError(`drawScene: expected ${name} to be a whole number of at least 1, got ${side}.`);
    }
  }
  if (height * width > maxPixels) {
    throw new ConfigError(`drawScene: expected at most ${maxPixels} pixels, got ${height}x${width}.`);
  }
  if (!Number.isInteger(objectCount) || objectCount < 0 || objectCount > maxObjects) {
    throw new ConfigError(
      `drawScene: expected objectCount to be a whole number from 0 to ${maxObjects}, got ${objectCount}.`,
    );
  }
}
