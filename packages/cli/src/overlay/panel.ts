/** One panel of the overlay: the photo with the pruned windows of one stage darkened and the window grid drawn over it. */

import type { RgbImage } from '@sparsevit/data';
import type { WindowGrid } from '@sparsevit/windows';
import { allWindowIds, checkGivenWindows, ShapeError, windowTokens } from '@sparsevit/windows';
import type { Canvas, Colour } from './canvas';
import { blendPixel } from './canvas';

/** What one stage kept of one image. */
export interface OverlayStage {
  /** What the panel's title calls it: `stage 1`. */
  readonly name: string;
  /** The grid of the block whose windows are shown. */
  readonly grid: WindowGrid;
  /** The kept windows of one image, from 0 to `grid.windowsPerImage - 1`, in any order. */
  readonly keptWindows: ArrayLike<number>;
  /** Side of a token in pixels of the photo: 4, 8, 16, 32. */
  readonly pixelsPerToken: number;
}

/** The windows of one image as maps over its tokens. */
interface WindowMap {
  /** The window of each token: [height * width]. */
  readonly windowOfToken: Int32Array;
  /** 1 for a kept window: [windowsPerImage]. */
  readonly isKept: Uint8Array;
}

/**
 * Checks that a stage belongs to a photo of this size: the tokens cover it, to within one token.
 *
 * @throws ShapeError otherwise, or for ids that are out of range or repeated
 */
export function checkStage(stage: OverlayStage, photo: { readonly height: number; readonly width: number }): void {
  const { name, grid, keptWindows, pixelsPerToken } = stage;
  if (!Number.isInteger(pixelsPerToken) || pixelsPerToken < 1) {
    throw new ShapeError(
      `drawOverlay: expected pixelsPerToken of ${name} to be a whole number of at least 1, got ${pixelsPerToken}.`,
    );
  }
  for (const side of ['height', 'width'] as const) {
    const covered = grid[side] * pixelsPerToken;
    if (Math.abs(covered - photo[side]) >= pixelsPerToken) {
      throw new ShapeError(
        `drawOverlay: expected the tokens of ${name} to cover the photo's ${side} of ${photo[side]} pixels, got ${grid[side]} tokens of ${pixelsPerToken} pixels. Pass the photo in the size that the model saw.`,
      );
    }
  }
  checkGivenWindows(Int32Array.from(keptWindows), { ...grid, batch: 1 }, keptWindows.length);
}

function mapWindowsOf(stage: OverlayStage): WindowMap {
  const grid = { ...stage.grid, batch: 1 };
  const windowOfToken = new Int32Array(grid.height * grid.width);
  windowTokens(grid, allWindowIds(grid)).forEach((token, slot) => {
    if (token >= 0) windowOfToken[token] = Math.floor(slot / grid.tokensPerWindow);
  });
  const isKept = new Uint8Array(grid.windowsPerImage);
  for (const id of Array.from(stage.keptWindows)) isKept[id] = 1;
  return { windowOfToken, isKept };
}

/**
 * For each pixel along an axis of the panel the token it shows, by the photo's pixel under its middle; -1 beyond the last token (a
 * remainder that the model left out).
 */
function tokensAlong(panelSide: number, photoSide: number, tokens: number, pixelsPerToken: number): Int32Array {
  return Int32Array.from({ length: panelSide }, (_, position) => {
    const photoPixel = Math.floor(((position + 0.5) * photoSide) / panelSide);
    const token = Math.floor(photoPixel / pixelsPerToken);
    return token < tokens ? token : -1;
  });
}

/** A pixel of a pruned window: nearly grey, low in contrast, dark but never black, so that it also differs from the dark parts of a photo. */
export function prunedColour(red: number, green: number, blue: number): Colour {
  const luma = 0.3 * red + 0.59 * green + 0.11 * blue;
  const dim = (value: number, floor: number): number => Math.round(floor + 0.27 * (0.85 * luma + 0.15 * value));
  return [dim(red, 44), dim(green, 47), dim(blue, 54)];
}

/**
 * Draws a stage over the scaled photo.
 *
 * @param scaled the photo in the size of the panel
 * @param photo the sides of the photo that the model saw
 * @returns a new image of the size of `scaled`; pixels of kept windows are unchanged but for the grid's lines
 */
export function drawPanel(
  scaled: RgbImage,
  photo: { readonly height: number; readonly width: number },
  stage: OverlayStage,
  colour: Colour,
): RgbImage {
  const { height, width } = scaled;
  const { grid, pixelsPerToken } = stage;
  const { windowOfToken, isKept } = mapWindowsOf(stage);
  const tokenRows = tokensAlong(height, photo.height, grid.height, pixelsPerToken);
  const tokenColumns = tokensAlong(width, photo.width, grid.width, pixelsPerToken);
  const panel: Canvas = { pixels: Uint8Array.from(scaled.pixels), height, width };
  /** The window at a pixel, or -1 for none. */
  const windowAt = (y: number, x: number): number => {
    const row = tokenRows[y] ?? -1;
    const column = tokenColumns[x] ?? -1;
    return row < 0 || column < 0 ? -1 : (windowOfToken[row * grid.width + column] ?? -1);
  };
  const opacity = lineOpacity((grid.window * pixelsPerToken * width) / photo.width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const id = windowAt(y, x);
      const isPixelKept = isKept[id] === 1;
      if (!isPixelKept) {
        const at = 3 * (y * width + x);
        const { pixels } = scaled;
        panel.pixels.set(prunedColour(pixels[at] ?? 0, pixels[at + 1] ?? 0, pixels[at + 2] ?? 0), at);
      }
      // A line is one pixel wide: between a kept and a pruned window on the pruned side, else below or right of the border.
      let line = 0;
      const meet = (otherY: number, otherX: number, isBefore: boolean): void => {
        if (otherY < 0 || otherX < 0 || otherY >= height || otherX >= width) return;
        const other = windowAt(otherY, otherX);
        if (other === id) return;
        const isOtherKept = isKept[other] === 1;
        if (isOtherKept !== isPixelKept) line = Math.max(line, isPixelKept ? 0 : opacity.edge);
        else if (isBefore) line = Math.max(line, isPixelKept ? opacity.kept : opacity.pruned);
      };
      meet(y - 1, x, true);
      meet(y, x - 1, true);
      meet(y + 1, x, false);
      meet(y, x + 1, false);
      if (line > 0) blendPixel(panel, { x, y }, colour, line);
    }
  }
  return panel;
}

/** Lines fade where windows are only a few pixels of the panel wide, so that they do not hide the photo. */
function lineOpacity(windowSide: number): { edge: number; kept: number; pruned: number } {
  const share = Math.max(0, Math.min(1, (windowSide - 5) / 20));
  return { edge: 0.55 + 0.4 * share, kept: 0.55 * share, pruned: 0.3 * share };
}
