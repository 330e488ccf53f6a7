/** The overlay picture: a panel per stage that shows which windows were kept, and a legend. */

import type { RgbImage } from '@sparsevit/data';
import { checkRgbImage } from '@sparsevit/data';
import { ConfigError } from '@sparsevit/windows';
import type { Canvas, Colour } from './canvas';
import { createCanvas, drawImage, drawText, fillRect, frameRect, textWidth, wrapText } from './canvas';
import { fontMetrics } from './font';
import type { OverlayStage } from './panel';
import { checkStage, drawPanel, prunedColour } from './panel';
import { resampleByArea } from './resample';

export type { OverlayStage } from './panel';

const paper: Colour = [250, 250, 248];
const ink: Colour = [36, 38, 44];
/** One per stage, from the first again after the last: far from each other and from what photos are made of. */
const stageColours: readonly Colour[] = [
  [255, 176, 0],
  [0, 208, 255],
  [255, 64, 160],
  [144, 240, 48],
];
/** A panel is not made smaller than this where the photo is: its title must fit. */
const minPanelWidth = 400;

/** Where everything goes, in pixels of the picture. */
interface Layout {
  readonly columns: number;
  readonly panel: { readonly height: number; readonly width: number };
  readonly cellWidth: number;
  readonly width: number;
  /** Side of a font pixel. */
  readonly textScale: number;
  readonly margin: number;
  readonly frame: number;
}

/**
 * Draws one picture with a panel per stage, two in a row: the photo with pruned windows dark and grey, kept windows as they are, and
 * the window grid in the stage's colour; a title per panel and a legend below.
 *
 * @param options `image`: the photo in the size that the model saw; `caption`: lines below the legend (model, sparsity, size);
 * `maxWidth`: the width of the picture in pixels that the photo is scaled down for, default 2400
 * @throws ImageError when the image is not one; ShapeError when a grid is not of this photo or ids are out of range or repeated;
 * ConfigError without stages or with a width below 200
 * @example
 * const stages = [{ name: 'stage 1', grid, keptWindows: [0, 5, 6], pixelsPerToken: 4 }];
 * const png = await encodePng(drawOverlay({ image, stages, caption: ['swin-t, 60 % sparsity, 672x672'] }));
 */
export function drawOverlay(options: {
  image: RgbImage;
  stages: readonly OverlayStage[];
  caption?: readonly string[];
  maxWidth?: number;
}): RgbImage {
  const { image, stages, caption = [], maxWidth = 2400 } = options;
  checkRgbImage(image, 'drawOverlay');
  if (stages.length === 0) throw new ConfigError('drawOverlay: expected at least one stage, got none.');
  if (!(Number.isInteger(maxWidth) && maxWidth >= 200)) {
    throw new ConfigError(`drawOverlay: expected maxWidth to be a whole number of at least 200, got ${maxWidth}.`);
  }
  for (const stage of stages) checkStage(stage, image);

  const layout = layOut(image, stages.length, maxWidth);
  const { columns, panel, cellWidth, margin, frame, textScale, width } = layout;
  const lineHeight = fontMetrics.lineHeight * textScale;
  const titles = titleLinesOf(stages, cellWidth - titleIndent(textScale), textScale);
  const titleLines = Math.max(...titles.map((lines) => lines.length));
  const cellHeight = titleLines * lineHeight + frame + panel.height + frame + margin;
  const rows = Math.ceil(stages.length / columns);
  const captionLines = caption.flatMap((line) => wrapText(line, width - 2 * margin, textScale));
  const legendTop = margin + rows * cellHeight;
  const scaled = resampleByArea(image, panel.height, panel.width);
  const legend = legendItems(scaled, stages.length, textScale);
  const legendRows = placeLegend(legend, width - 2 * margin, textScale);
  const height =
    legendTop +
    legendRows.length * (swatchHeight(textScale) + 4 * textScale) +
    captionLines.length * lineHeight +
    margin;
  const canvas = createCanvas(height, width, paper);

  stages.forEach((stage, index) => {
    const colour = stageColours[index % stageColours.length] ?? ink;
    const x = margin + (index % columns) * (cellWidth + margin);
    const y = margin + Math.floor(index / columns) * cellHeight;
    const marker = 7 * textScale;
    fillRect(canvas, { x, y, width: marker, height: marker }, colour);
    (titles[index] ?? []).forEach((line, i) => {
      drawText(canvas, line, { x: x + titleIndent(textScale), y: y + i * lineHeight, scale: textScale, colour: ink });
    });
    const top = y + titleLines * lineHeight + frame;
    frameRect(canvas, { x: x + frame, y: top, ...panel }, frame, colour);
    drawImage(canvas, drawPanel(scaled, image, stage, colour), x + frame, top);
  });
  let y = legendTop;
  for (const row of legendRows) {
    for (const { item, x } of row) {
      drawImage(canvas, item.swatch, margin + x, y);
      const textY = y + Math.floor((swatchHeight(textScale) - 7 * textScale) / 2);
      const textX = margin + x + item.swatch.width + 4 * textScale;
      drawText(canvas, item.label, { x: textX, y: textY, scale: textScale, colour: ink });
    }
    y += swatchHeight(textScale) + 4 * textScale;
  }
  captionLines.forEach((line, i) => {
    drawText(canvas, line, { x: margin, y: y + i * lineHeight, scale: textScale, colour: ink });
  });
  return canvas;
}

/** Scales the photo so that the picture is at most `maxWidth` wide and no panel higher than that; a small photo grows by a whole factor. */
function layOut(image: RgbImage, stageCount: number, maxWidth: number): Layout {
  const columns = stageCount === 1 ? 1 : 2;
  const frame = Math.max(1, Math.round(maxWidth / 1000));
  const marginFor = (scale: number): number => 8 * scale;
  const textScaleFor = (width: number): number => Math.max(1, Math.round(width / 800));
  const room = (maxWidth - (columns + 1) * marginFor(textScaleFor(maxWidth))) / columns - 2 * frame;
  const fit = Math.min(room / image.width, maxWidth / image.height);
  const wanted = Math.max(1, Math.ceil(minPanelWidth / image.width));
  const factor = fit < 1 ? fit : Math.min(Math.floor(fit), wanted);
  const panel = {
    height: Math.max(1, Math.round(image.height * factor)),
    width: Math.max(1, Math.round(image.width * factor)),
  };
  const cellWidth = Math.max(panel.width + 2 * frame, Math.min(minPanelWidth, Math.floor(room)));
  const textScale = textScaleFor(columns * cellWidth);
  const margin = marginFor(textScale);
  return { columns, panel, cellWidth, width: columns * (cellWidth + margin) + margin, textScale, margin, frame };
}

function titleIndent(textScale: number): number {
  return 11 * textScale;
}

/** One line per title where all fit, else the window on a second line in all. */
function titleLinesOf(stages: readonly OverlayStage[], width: number, textScale: number): string[][] {
  const parts = stages.map(({ name, grid, keptWindows, pixelsPerToken }) => {
    const share = Math.round((100 * keptWindows.length) / grid.windowsPerImage);
    const shifted = grid.shiftY > 0 || grid.shiftX > 0 ? ', shifted' : '';
    return [
      `${name}: ${keptWindows.length} of ${grid.windowsPerImage} windows kept (${share} %)`,
      `window = ${grid.window * pixelsPerToken} px${shifted}`,
    ];
  });
  const whole = parts.map((part) => part.join(', '));
  if (whole.every((title) => textWidth(title, textScale) <= width)) return whole.map((title) => [title]);
  return parts.map((part) => part.flatMap((line) => wrapText(line, width, textScale)));
}

interface LegendItem {
  readonly swatch: RgbImage;
  readonly label: string;
}

function swatchHeight(textScale: number): number {
  return 12 * textScale;
}

/** Swatches of the photo itself, as kept and as pruned, and one with the colours of the grids. */
function legendItems(scaled: RgbImage, stageCount: number, textScale: number): LegendItem[] {
  const height = swatchHeight(textScale);
  const width = 2 * height;
  const kept = resampleByArea(scaled, height, width);
  const pruned = createCanvas(height, width, paper);
  for (let at = 0; at < kept.pixels.length; at += 3) {
    const [red = 0, green = 0, blue = 0] = kept.pixels.subarray(at, at + 3);
    pruned.pixels.set(prunedColour(red, green, blue), at);
  }
  const grid: Canvas = createCanvas(height, width, prunedColour(128, 128, 128));
  const lines = Math.min(stageCount, stageColours.length);
  for (let i = 0; i < lines; i++) {
    const x = Math.round(((i + 0.5) * width) / lines - textScale / 2);
    fillRect(grid, { x, y: 0, width: textScale, height }, stageColours[i] ?? ink);
  }
  return [
    { swatch: kept, label: 'kept window' },
    { swatch: pruned, label: 'pruned window' },
    { swatch: grid, label: 'window grid' },
  ];
}

/** Puts legend items beside each other, in as many rows as they need. */
function placeLegend(
  items: readonly LegendItem[],
  width: number,
  textScale: number,
): { readonly item: LegendItem; readonly x: number }[][] {
  const rows: { item: LegendItem; x: number }[][] = [[]];
  let x = 0;
  for (const item of items) {
    const itemWidth = item.swatch.width + 4 * textScale + textWidth(item.label, textScale);
    if (x > 0 && x + itemWidth > width) {
      rows.push([]);
      x = 0;
    }
    rows[rows.length - 1]?.push({ item, x });
    x += itemWidth + 14 * textScale;
  }
  return rows;
}
