/** Which tokens of a map have something of an object: what windows with objects are told by. */

/** What of a box is used: pixels of the image. */
export interface ObjectBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * The tokens that a box overlaps, [height, width]: 1 there, else 0. However small an object is and however large the tokens of a stage are, it has
 * one.
 *
 * @param boxes in pixels of the image; what lies outside of it counts for nothing
 * @param map height and width in tokens, and the side of a token in pixels: the patch's, doubled with each stage
 * @example
 * objectTokens([{ x: 3, y: 0, width: 4, height: 4 }], { height: 1, width: 3, pixelsPerToken: 4 }); // [1, 1, 0]
 */
export function objectTokens(
  boxes: readonly ObjectBox[],
  {
    height,
    width,
    pixelsPerToken,
  }: { readonly height: number; readonly width: number; readonly pixelsPerToken: number },
): Uint8Array {
  const tokens = new Uint8Array(height * width);
  // what [start, start + length) overlaps: from the first token to before the second
  const range = (start: number, length: number, side: number): [number, number] => [
    Math.max(0, Math.floor(start / pixelsPerToken)),
    Math.min(side, Math.ceil((start + length) / pixelsPerToken)),
  ];
  for (const box of boxes) {
    if (!(box.width > 0 && box.height > 0)) continue;
    const [top, bottom] = range(box.y, box.height, height);
    const [left, right] = range(box.x, box.width, width);
    for (let y = top; y < bottom; y++) tokens.fill(1, y * width + left, y * width + Math.max(left, right));
  }
  return tokens;
}
