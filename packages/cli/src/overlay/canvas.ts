/** A canvas of bytes with the few things a picture of ours needs: rectangles, images, and text in our own font. */

import type { RgbImage } from '@sparsevit/data';
import { fontMetrics, glyphRows } from './font';

/** Red, green and blue from 0 to 255. */
export type Colour = readonly [number, number, number];

/** A rectangle in whole pixels. */
export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A picture to draw on: `pixels` is [height, width, 3]. What falls outside is cut off. */
export interface Canvas extends RgbImage {
  readonly pixels: Uint8Array;
}

/** A canvas of one colour. */
export function createCanvas(height: number, width: number, colour: Colour): Canvas {
  const canvas: Canvas = { pixels: new Uint8Array(height * width * 3), height, width };
  fillRect(canvas, { x: 0, y: 0, width, height }, colour);
  return canvas;
}

/** Fills a rectangle. */
export function fillRect(canvas: Canvas, rect: Rect, colour: Colour): void {
  const right = Math.min(canvas.width, rect.x + rect.width);
  const bottom = Math.min(canvas.height, rect.y + rect.height);
  for (let y = Math.max(0, rect.y); y < bottom; y++) {
    for (let x = Math.max(0, rect.x); x < right; x++) canvas.pixels.set(colour, 3 * (y * canvas.width + x));
  }
}

/** Draws the outline of a rectangle, `thickness` pixels wide, around the outside of it. */
export function frameRect(canvas: Canvas, rect: Rect, thickness: number, colour: Colour): void {
  const { x, y, width, height } = rect;
  const outerWidth = width + 2 * thickness;
  fillRect(canvas, { x: x - thickness, y: y - thickness, width: outerWidth, height: thickness }, colour);
  fillRect(canvas, { x: x - thickness, y: y + height, width: outerWidth, height: thickness }, colour);
  fillRect(canvas, { x: x - thickness, y, width: thickness, height }, colour);
  fillRect(canvas, { x: x + width, y, width: thickness, height }, colour);
}

/** Mixes a colour into the pixel at (x, y): opacity 0 leaves it, 1 replaces it. */
export function blendPixel(
  canvas: Canvas,
  at: { readonly x: number; readonly y: number },
  colour: Colour,
  opacity: number,
): void {
  const { x, y } = at;
  if (x < 0 || y < 0 || x >= canvas.width || y >= canvas.height) return;
  const first = 3 * (y * canvas.width + x);
  for (let channel = 0; channel < 3; channel++) {
    const under = canvas.pixels[first + channel] ?? 0;
    canvas.pixels[first + channel] = Math.round(under + ((colour[channel] ?? 0) - under) * opacity);
  }
}

/** Copies an image onto the canvas, its top left corner at (x, y). */
export function drawImage(canvas: Canvas, image: RgbImage, x: number, y: number): void {
  const left = Math.max(0, x);
  const right = Math.min(canvas.width, x + image.width);
  if (right <= left) return;
  for (let row = Math.max(0, -y); row < image.height && y + row < canvas.height; row++) {
    const from = 3 * (row * image.width + left - x);
    const to = 3 * ((y + row) * canvas.width + left);
    canvas.pixels.set(image.pixels.subarray(from, from + 3 * (right - left)), to);
  }
}

/** The width of a line of text in pixels; `scale` is the side of a font pixel. */
export function textWidth(text: string, scale: number): number {
  const count = Array.from(text).length;
  return count === 0 ? 0 : (count * fontMetrics.advance - 1) * scale;
}

/** Draws one line of text, the top left corner of its first glyph at (x, y). */
export function drawText(
  canvas: Canvas,
  text: string,
  style: { readonly x: number; readonly y: number; readonly scale: number; readonly colour: Colour },
): void {
  const { scale, colour } = style;
  Array.from(text).forEach((character, index) => {
    const left = style.x + index * fontMetrics.advance * scale;
    glyphRows(character).forEach((bits, row) => {
      for (let column = 0; column < fontMetrics.glyphWidth; column++) {
        if (((bits >> (fontMetrics.glyphWidth - 1 - column)) & 1) === 0) continue;
        fillRect(canvas, { x: left + column * scale, y: style.y + row * scale, width: scale, height: scale }, colour);
      }
    });
  });
}

/** Breaks text into lines of at most `width` pixels, at spaces where it can. */
export function wrapText(text: string, width: number, scale: number): string[] {
  const perLine = Math.max(1, Math.floor((width + scale) / (fontMetrics.advance * scale)));
  const lines: string[] = [];
  let line = '';
  for (const word of text.trim().split(/\s+/)) {
    const joined = line === '' ? word : `${line} ${word}`;
    if (Array.from(joined).length <= perLine) {
      line = joined;
      continue;
    }
    if (line !== '') lines.push(line);
    const characters = Array.from(word);
    while (characters.length > perLine) lines.push(characters.splice(0, perLine).join(''));
    line = characters.join('');
  }
  if (line !== '') lines.push(line);
  return lines;
}
