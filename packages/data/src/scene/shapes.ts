/** The objects of a scene: five shapes, each painted from its signed distance, so that its edge is smooth and its box exact. */

import type { RgbImage } from '../image';

/** The classes of objects, in the order of their ids. */
export const sceneClasses = ['disc', 'rectangle', 'triangle', 'cross', 'car'] as const;

/** A class of objects. */
export type SceneClass = (typeof sceneClasses)[number];

/** A box in whole pixels: columns `x` to `x + width - 1`, rows `y` to `y + height - 1`. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A colour, red, green and blue from 0 to 255. */
export type Colour = readonly [number, number, number];

/** A shape to paint. */
export interface Shape {
  readonly kind: SceneClass;
  readonly centreX: number;
  readonly centreY: number;
  /** Unit vector of the long axis. */
  readonly directionX: number;
  readonly directionY: number;
  /** Half the extent along and across the direction, in pixels. */
  readonly halfLength: number;
  readonly halfWidth: number;
  readonly colour: Colour;
}

/** Distance in pixels from a point to the shape's edge, negative inside; (along, across) are the shape's own axes. */
function signedDistance(shape: Shape, along: number, across: number): number {
  const { kind, halfLength, halfWidth } = shape;
  const p = Math.abs(along);
  const q = Math.abs(across);
  switch (kind) {
    case 'disc':
      return Math.sqrt(along * along + across * across) - halfLength;
    case 'rectangle':
      return Math.max(p - halfLength, q - halfWidth);
    case 'triangle': {
      const side = 2 * halfLength * q + (along - halfLength) * halfWidth;
      return Math.max(-along - halfLength, side / Math.sqrt(4 * halfLength * halfLength + halfWidth * halfWidth));
    }
    case 'cross': {
      const arm = halfLength / 3;
      return Math.min(Math.max(p - halfLength, q - arm), Math.max(p - arm, q - halfWidth));
    }
    case 'car': {
      const round = 0.45 * halfWidth;
      const dp = p - halfLength + round;
      const dq = q - halfWidth + round;
      const outP = Math.max(dp, 0);
      const outQ = Math.max(dq, 0);
      return Math.sqrt(outP * outP + outQ * outQ) + Math.min(Math.max(dp, dq), 0) - round;
    }
  }
}

/** Brightness of a shape's surface at a point: shaded tanks, two-sided roofs, windscreens. */
function surfaceShade(shape: Shape, along: number, across: number): number {
  const { kind, halfLength, halfWidth } = shape;
  const p = along / halfLength;
  const q = across / halfWidth;
  switch (kind) {
    case 'disc':
      return 1.05 - 0.3 * ((p + 0.35) * (p + 0.35) + (q + 0.35) * (q + 0.35)) * 0.6;
    case 'rectangle':
      return Math.abs(q) < 0.08 ? 1.15 : q < 0 ? 1 : 0.76;
    case 'triangle':
      return q < 0 ? 1.05 : 0.78;
    case 'cross':
      return 1;
    case 'car':
      return (p > 0.12 && p < 0.42 && Math.abs(q) < 0.8) || (p < -0.55 && p > -0.78 && Math.abs(q) < 0.8) ? 0.28 : 1;
  }
}

/** The farthest a shape reaches from its centre, in pixels. */
export function shapeReach(shape: Pick<Shape, 'halfLength' | 'halfWidth'>): number {
  const { halfLength, halfWidth } = shape;
  return Math.sqrt(halfLength * halfLength + halfWidth * halfWidth);
}

/** Calls `visit` for every pixel that a shape covers by any share, with the share of it that is covered, from 0 to 1. */
function visitCovered(
  image: RgbImage,
  shape: Shape,
  visit: (x: number, y: number, share: number, along: number, across: number) => void,
): void {
  const { centreX, centreY, directionX, directionY } = shape;
  const reach = shapeReach(shape) + 1;
  const lastY = Math.min(image.height - 1, Math.ceil(centreY + reach));
  const lastX = Math.min(image.width - 1, Math.ceil(centreX + reach));
  for (let y = Math.max(0, Math.floor(centreY - reach)); y <= lastY; y++) {
    for (let x = Math.max(0, Math.floor(centreX - reach)); x <= lastX; x++) {
      const dx = x - centreX;
      const dy = y - centreY;
      const along = dx * directionX + dy * directionY;
      const across = dy * directionX - dx * directionY;
      const share = Math.min(1, 0.5 - signedDistance(shape, along, across));
      if (share > 0) visit(x, y, share, along, across);
    }
  }
}

/** Darkens the ground beside a shape, as low sun from the top left does. */
export function paintShadow(image: RgbImage, shape: Shape, offset: number): void {
  const moved = { ...shape, centreX: shape.centreX + offset, centreY: shape.centreY + offset };
  visitCovered(image, moved, (x, y, share) => {
    const at = 3 * (y * image.width + x);
    for (let i = at; i < at + 3; i++) image.pixels[i] = (image.pixels[i] ?? 0) * (1 - 0.45 * share);
  });
}

/**
 * Paints a shape over an image, and its class (index in `sceneClasses` plus 1) into a mask where it covers a pixel by half or more.
 *
 * @param mask [height, width] of the image
 * @returns the box of the pixels that it covers by half or more, or null when there is none
 */
export function paintShape(image: RgbImage, shape: Shape, mask?: Uint8Array): Box | null {
  const maskClass = sceneClasses.indexOf(shape.kind) + 1;
  let left = image.width;
  let top = image.height;
  let right = -1;
  let bottom = -1;
  visitCovered(image, shape, (x, y, share, along, across) => {
    const shade = surfaceShade(shape, along, across);
    const at = 3 * (y * image.width + x);
    for (let channel = 0; channel < 3; channel++) {
      const under = image.pixels[at + channel] ?? 0;
      const over = Math.min(255, (shape.colour[channel] ?? 0) * shade);
      image.pixels[at + channel] = Math.floor(under + (over - under) * share + 0.5);
    }
    if (share < 0.5) return;
    if (mask) mask[y * image.width + x] = maskClass;
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  });
  return right < 0 ? null : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}
