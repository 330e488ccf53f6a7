/** What a task says about a photo, drawn over it. */

import type { RgbImage } from '@sparsevit/data';
import type { PhotoPrediction } from '@sparsevit/tasks';
import type { Canvas } from '../overlay/canvas';
import { blendPixel, createCanvas, drawImage, drawText, fillRect, frameRect, textWidth } from '../overlay/canvas';
import { classColour } from './colours';

const ink = [0, 0, 0] as const;
const maskOpacity = 0.5;
/** A large photo is drawn on with large letters. */
const pixelsPerScale = 500;

/** The photo with boxes, classes and scores; with the mask mixed in; or with the class in its corner. */
export function drawPrediction(photo: RgbImage, prediction: PhotoPrediction, classes: readonly string[]): RgbImage {
  const canvas = createCanvas(photo.height, photo.width, ink);
  drawImage(canvas, photo, 0, 0);
  const scale = Math.max(1, Math.round(Math.max(photo.height, photo.width) / pixelsPerScale));
  switch (prediction.kind) {
    case 'boxes':
      // the best last, on top of the others
      for (const { label, className, score, ...box } of [...prediction.detections].sort((a, b) => a.score - b.score)) {
        const rect = wholePixels(box);
        frameRect(canvas, rect, scale, classColour(label));
        drawLabel(canvas, `${className} ${score.toFixed(2)}`, { ...rect, label, scale });
      }
      break;
    case 'mask':
      prediction.mask.forEach((label, i) => {
        const at = { x: i % photo.width, y: Math.floor(i / photo.width) };
        blendPixel(canvas, at, classColour(label), maskOpacity);
      });
      [...new Set(prediction.mask)]
        .sort((a, b) => a - b)
        .forEach((label, row) => {
          drawLabel(canvas, nameOf(classes, label), { x: 0, y: (row + 1) * labelHeight(scale), label, scale });
        });
      break;
    default: {
      const [best] = prediction.classes;
      if (best === undefined) break;
      const text = `${best.className} ${best.probability.toFixed(2)}`;
      drawLabel(canvas, text, { x: 0, y: labelHeight(scale), label: best.label, scale });
    }
  }
  return canvas;
}

const nameOf = (classes: readonly string[], label: number): string => classes[label] ?? String(label);
const labelHeight = (scale: number): number => 10 * scale;

/** A name on the colour of its class, above the place; below its upper edge where there is no room. */
function drawLabel(
  canvas: Canvas,
  text: string,
  { x, y, label, scale }: { x: number; y: number; label: number; scale: number },
): void {
  const height = labelHeight(scale);
  const width = textWidth(text, scale) + 2 * scale;
  const left = Math.max(0, Math.min(x, canvas.width - width));
  const top = Math.max(0, y - height);
  fillRect(canvas, { x: left, y: top, width, height }, classColour(label));
  drawText(canvas, text, { x: left + scale, y: top + scale, scale, colour: ink });
}

function wholePixels(box: { x: number; y: number; width: number; height: number }): typeof box {
  const [x, y] = [Math.round(box.x), Math.round(box.y)];
  return { x, y, width: Math.round(box.x + box.width) - x, height: Math.round(box.y + box.height) - y };
}
