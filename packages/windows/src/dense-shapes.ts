/** Shape checks of `DenseOps`: each returns the shape of an op's result and holds all its validation. */

import { ShapeError } from './errors';

type Shape = readonly number[];
type MapShape = [number, number, number, number];

function fail(name: string, expected: string, got: string): never {
  throw new ShapeError(`${name}: expected ${expected}, got ${got}.`);
}

const print = (shape: Shape): string => `[${shape.join(', ')}]`;

function mapShape(name: string, x: Shape): MapShape {
  const [batch = 0, height = 0, width = 0, channels = 0] = x;
  if (x.length !== 4) fail(name, 'a map [B, H, W, C]', print(x));
  return [batch, height, width, channels];
}

/** [B, H, W, in] and weights [side, side, in, out] with side 1 or 3 -> [B, H, W, out]. */
export function checkConvolutionShape(x: Shape, weight: Shape, bias: Shape | undefined): MapShape {
  const [batch, height, width, channels] = mapShape('convolution', x);
  const [side = 0, otherSide = 0, inputs = 0, outputs = 0] = weight;
  if (weight.length !== 4 || side !== otherSide || (side !== 1 && side !== 3)) {
    fail('convolution', 'weights [1, 1, in, out] or [3, 3, in, out]', print(weight));
  }
  if (inputs !== channels) fail('convolution', `weights of ${channels} inputs`, print(weight));
  if (bias !== undefined && (bias.length !== 1 || bias[0] !== outputs)) {
    fail('convolution', `a bias [${outputs}]`, print(bias));
  }
  return [batch, height, width, outputs];
}

/** [B, H, W, C] with C a multiple of the groups, weight and bias [C] -> the same. */
export function checkGroupNormShape(x: Shape, weight: Shape, bias: Shape, groups: number): MapShape {
  const shape = mapShape('groupNorm', x);
  const [, , , channels] = shape;
  if (!Number.isInteger(groups) || groups < 1 || channels % groups !== 0) {
    fail('groupNorm', `a number of groups that divides ${channels} channels`, String(groups));
  }
  for (const given of [weight, bias]) {
    if (given.length !== 1 || given[0] !== channels)
      fail('groupNorm', `weights and a bias [${channels}]`, print(given));
  }
  return shape;
}

/** [B, H, W, C] and a size -> [B, height, width, C]. */
export function checkUpsampleShape(x: Shape, height: number, width: number): MapShape {
  const [batch, , , channels] = mapShape('upsample', x);
  if (![height, width].every((side) => Number.isInteger(side) && side >= 1)) {
    fail('upsample', 'a height and a width of at least 1', `${height} and ${width}`);
  }
  return [batch, height, width, channels];
}

/** [B, H, W, C] with at least one token, and a size -> [B, height, width, C]. */
export function checkPoolToShape(x: Shape, height: number, width: number): MapShape {
  const [batch, heightBefore, widthBefore, channels] = mapShape('poolTo', x);
  if (heightBefore < 1 || widthBefore < 1) fail('poolTo', 'a map of at least 1 x 1', print(x));
  if (![height, width].every((side) => Number.isInteger(side) && side >= 1)) {
    fail('poolTo', 'a height and a width of at least 1', `${height} and ${width}`);
  }
  return [batch, height, width, channels];
}

/** At least one map, all of the same B, H and W -> [B, H, W, sum of C]. */
export function checkConcatenateShape(parts: readonly Shape[]): MapShape {
  const [first, ...others] = parts.map((part) => mapShape('concatenate', part));
  if (first === undefined) fail('concatenate', 'at least one map', 'none');
  const [batch, height, width] = first;
  let [, , , channels] = first;
  for (const other of others) {
    if (other[0] !== batch || other[1] !== height || other[2] !== width) {
      fail('concatenate', `maps [${batch}, ${height}, ${width}, C]`, print(other));
    }
    channels += other[3];
  }
  return [batch, height, width, channels];
}

/** Two equal shapes -> that shape. */
export function checkAddShape(a: Shape, b: Shape): Shape {
  if (a.length !== b.length || a.some((side, i) => side !== b[i])) fail('add', `two shapes ${print(a)}`, print(b));
  return a;
}
