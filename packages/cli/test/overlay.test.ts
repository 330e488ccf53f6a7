import type { RgbImage } from '@sparsevit/data';
import { decodeImage, encodePng } from '@sparsevit/data/node';
import {
  ConfigError,
  createWindowGrid,
  ImageError,
  ShapeError,
  type SwinRules,
  type WindowGrid,
} from '@sparsevit/windows';
import { describe, expect, it } from 'vitest';
import { fontMetrics, glyphRows } from '../src/overlay/font';
import { drawOverlay, type OverlayStage } from '../src/overlay/overlay';
import { drawPanel, prunedColour } from '../src/overlay/panel';

const swinRules = { pad: 'after-norm', shift: 'pad-then-roll', shiftOff: 'never' } as const;
const magenta = [255, 0, 255] as const;

/** A photo without any colour near the lines' or the pruned windows' colours. */
function photoOf(height: number, width: number): RgbImage {
  const pixels = Uint8Array.from({ length: height * width * 3 }, (_, i) => [200, 120, 30][i % 3] ?? 0);
  for (let i = 0; i < pixels.length; i += 3) pixels[i] = 150 + ((i * 7) % 100);
  return { pixels, height, width };
}

function gridOf(photo: RgbImage, pixelsPerToken: number, options: { window?: number; isShifted?: boolean } = {}) {
  return createWindowGrid({
    batch: 1,
    height: Math.ceil(photo.height / pixelsPerToken),
    width: Math.ceil(photo.width / pixelsPerToken),
    window: options.window ?? 7,
    isShifted: options.isShifted ?? false,
    rules: swinRules,
  });
}

/** The window of a token, from the definition: pad and roll, or roll and pad, then cut into blocks. Independent of `windowTokens`. */
function windowOf(grid: WindowGrid, y: number, x: number): number {
  const position = (value: number, side: number, blocks: number, shift: number): number => {
    const turn = grid.shift === 'pad-then-roll' ? blocks * grid.window : side;
    return (value - shift + turn) % turn;
  };
  const row = Math.floor(position(y, grid.height, grid.rows, grid.shiftY) / grid.window);
  const column = Math.floor(position(x, grid.width, grid.columns, grid.shiftX) / grid.window);
  return row * grid.columns + column;
}

describe('drawPanel', () => {
  const cases: [string, number, number, Partial<SwinRules>, boolean, number][] = [
    ['regular, exact', 56, 84, {}, false, 4],
    ['regular, padded', 61, 83, {}, false, 4],
    ['shifted, exact', 56, 84, {}, true, 4],
    ['shifted, padded, pad then roll', 61, 83, {}, true, 4],
    ['shifted, padded, roll then pad', 61, 83, { shift: 'roll-then-pad' }, true, 4],
    ['shifted off on one axis', 28, 84, { shiftOff: 'per-axis' }, true, 4],
    ['one shifted window', 28, 28, {}, true, 4],
    ['large tokens', 100, 130, {}, true, 16],
    ['a remainder that the model crops', 59, 86, {}, false, 4],
  ];

  it.each(cases)('%s: kept pixels stay, pruned pixels change, lines run between windows', (...parameters) => {
    const [name, height, width, rules, isShifted, pixelsPerToken] = parameters;
    const photo = photoOf(height, width);
    const round = name.includes('crops') ? Math.floor : Math.ceil;
    const grid = createWindowGrid({
      batch: 1,
      height: round(height / pixelsPerToken),
      width: round(width / pixelsPerToken),
      window: 7,
      isShifted,
      rules: { ...swinRules, ...rules },
    });
    const keptWindows = Array.from({ length: grid.windowsPerImage }, (_, id) => id).filter((id) => id % 4 !== 1);
    const panel = drawPanel(photo, photo, { name: 'stage 1', grid, keptWindows, pixelsPerToken }, magenta);
    const windowAt = (y: number, x: number): number | null => {
      if (y < 0 || x < 0 || y >= height || x >= width) return null;
      const [row, column] = [Math.floor(y / pixelsPerToken), Math.floor(x / pixelsPerToken)];
      return row < grid.height && column < grid.width ? windowOf(grid, row, column) : -1;
    };
    const keptIds = new Set(keptWindows);
    let wrong = 0;
    let pruned = 0;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const at = 3 * (y * width + x);
        const id = windowAt(y, x) ?? -1;
        const isKept = keptIds.has(id);
        const [red = 0, green = 0, blue = 0] = photo.pixels.subarray(at, at + 3);
        const plain = isKept ? [red, green, blue] : prunedColour(red, green, blue);
        const hasLine = plain.some((value, c) => panel.pixels[at + c] !== value);
        const differs = (other: number | null): boolean => other !== null && other !== id;
        const before = [windowAt(y - 1, x), windowAt(y, x - 1)].filter(differs);
        const around = [...before, windowAt(y + 1, x), windowAt(y, x + 1)].filter(differs);
        // Between equals below or right of the border; between a kept and a pruned window on the pruned side.
        const expected = isKept
          ? before.some((other) => keptIds.has(other ?? -1))
          : before.length > 0 || around.some((other) => keptIds.has(other ?? -1));
        if (!isKept) pruned++;
        if (hasLine !== expected) wrong++;
      }
    }
    expect(wrong).toBe(0);
    expect(pruned > 0).toBe(grid.windowsPerImage > 1 || name.includes('crops'));
  });

  it('darkens bright windows and takes their colour away', () => {
    const photo = photoOf(28, 56);
    const grid = gridOf(photo, 4);
    const panel = drawPanel(photo, photo, { name: 'stage 1', grid, keptWindows: [0], pixelsPerToken: 4 }, magenta);
    const [red = 0, green = 0, blue = 0] = panel.pixels.subarray(3 * (10 * 56 + 40), 3 * (10 * 56 + 40) + 3);
    expect(Math.max(red, green, blue) - Math.min(red, green, blue)).toBeLessThan(16);
    expect(Math.max(red, green, blue)).toBeLessThan(110);
  });

  it('follows the photo when the panel is smaller', () => {
    const photo = photoOf(112, 168);
    const small = photoOf(45, 67);
    const grid = gridOf(photo, 4, { isShifted: true });
    const keptWindows = [0, 3, 7, 11];
    const panel = drawPanel(small, photo, { name: 'stage 1', grid, keptWindows, pixelsPerToken: 4 }, magenta);
    const isKeptAt = (y: number, x: number): boolean => {
      const [photoY, photoX] = [((y + 0.5) * 112) / 45, ((x + 0.5) * 168) / 67];
      return keptWindows.includes(windowOf(grid, Math.floor(photoY / 4), Math.floor(photoX / 4)));
    };
    let wrong = 0;
    for (let y = 0; y < 45; y++) {
      for (let x = 0; x < 67; x++) {
        const [red = 0, green = 0, blue = 0] = panel.pixels.subarray(3 * (y * 67 + x), 3 * (y * 67 + x) + 3);
        // The photo's blue is 30; a pruned window's and a line's is more. No two of these kept windows touch.
        const isPhoto = blue === 30 && green === 120 && red >= 150;
        if (isPhoto !== isKeptAt(y, x)) wrong++;
      }
    }
    expect(wrong).toBe(0);
  });
});

/** Reads back a line of text that was drawn in dark ink, from the top left of its first glyph. */
function readText(image: RgbImage, x: number, y: number, scale: number): string {
  const byRows = new Map(
    Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).map((c) => [glyphRows(c).join(), c]),
  );
  let text = '';
  for (let left = x; left + 5 * scale <= image.width; left += fontMetrics.advance * scale) {
    const rows = Array.from({ length: fontMetrics.glyphHeight }, (_, row) => {
      let bits = 0;
      for (let column = 0; column < 5; column++) {
        const pixel = image.pixels[3 * ((y + row * scale) * image.width + left + column * scale)] ?? 255;
        bits = 2 * bits + (pixel < 100 ? 1 : 0);
      }
      return bits;
    });
    text += byRows.get(rows.join()) ?? '?';
  }
  return text.trimEnd();
}

/** Compares bytes at once: comparing element by element takes seconds for a picture. */
function expectSameImage(actual: RgbImage, expected: RgbImage): void {
  expect([actual.height, actual.width]).toEqual([expected.height, expected.width]);
  expect(Buffer.from(actual.pixels).equals(Buffer.from(expected.pixels))).toBe(true);
}

function fourStages(photo: RgbImage, isShifted = false): OverlayStage[] {
  return [4, 8, 16, 32].map((pixelsPerToken, i) => {
    const grid = gridOf(photo, pixelsPerToken, { isShifted });
    const keptWindows = Array.from({ length: Math.ceil(0.4 * grid.windowsPerImage) }, (_, k) => k);
    return { name: `stage ${i + 1}`, grid, keptWindows, pixelsPerToken };
  });
}

describe('drawOverlay', () => {
  it('titles each panel', () => {
    const photo = photoOf(448, 896);
    const picture = drawOverlay({ image: photo, stages: fourStages(photo) });
    const scale = 2;
    expect(readText(picture, 16 + 11 * scale, 16, scale)).toMatch(
      /^stage 1: 205 of 512 windows kept \(40 %\), window = 28 px /,
    );
    expect(readText(picture, 16 + 900 + 16 + 11 * scale, 16, scale)).toBe(
      'stage 2: 52 of 128 windows kept (41 %), window = 56 px',
    );
  });

  it('puts the window on a second line in all titles when one does not fit', () => {
    const photo = photoOf(448, 448);
    const stages = fourStages(photo, true).map((stage) => ({ ...stage, name: `the longer name of ${stage.name}` }));
    const picture = drawOverlay({ image: photo, stages, maxWidth: 940 });
    const x = 8 + 11;
    const left = readText({ ...picture, width: picture.width }, x, 8, 1);
    expect(left).toContain('the longer name of stage 1: 103 of 256 windows kept (40 %)');
    expect(left).not.toContain('px');
    expect(readText(picture, x, 8 + fontMetrics.lineHeight, 1)).toMatch(/^window = 28 px, shifted {2}/);
  });

  it('shows the photo unchanged, enlarged by a whole factor, where every window is kept', () => {
    const photo = photoOf(20, 28);
    const grid = createWindowGrid({ batch: 1, height: 5, width: 7, window: 7, isShifted: false, rules: swinRules });
    const stages = [{ name: 'stage 1', grid, keptWindows: [0], pixelsPerToken: 4 }];
    const picture = drawOverlay({ image: photo, stages });
    const factor = 15; // 15 * 28 = 420 is the first multiple of at least 400
    const top = 8 + fontMetrics.lineHeight + 2;
    const left = 8 + 2;
    let wrong = 0;
    for (let y = 0; y < 20 * factor; y++) {
      for (let x = 0; x < 28 * factor; x++) {
        const got = picture.pixels[3 * ((top + y) * picture.width + left + x)];
        if (got !== photo.pixels[3 * (Math.floor(y / factor) * 28 + Math.floor(x / factor))]) wrong++;
      }
    }
    expect(wrong).toBe(0);
    const frame = 3 * ((top - 1) * picture.width + left);
    expect([...picture.pixels.subarray(frame, frame + 3)]).toEqual([255, 176, 0]);
  });

  it('writes the caption below the legend', () => {
    const photo = photoOf(224, 448);
    const stages = fourStages(photo);
    const plain = drawOverlay({ image: photo, stages });
    const caption = ['model swin-t, 60 % pruned', 'size 448x224'];
    const picture = drawOverlay({ image: photo, stages, caption });
    expect(picture.height - plain.height).toBe(2 * fontMetrics.lineHeight);
    const firstLine = picture.height - 8 - 2 * fontMetrics.lineHeight;
    expect(readText(picture, 8, firstLine, 1)).toBe(caption[0]);
    expect(readText(picture, 8, firstLine + fontMetrics.lineHeight, 1)).toBe(caption[1]);
    const legend = readText(picture, 8 + 24 + 4, firstLine - 16 + 2, 1);
    expect(legend).toMatch(/^kept window/);
  });

  it.each([
    [100, 100, 4, 2400],
    [700, 1300, 4, 900],
    [1300, 700, 4, 900],
    [40, 900, 3, 600],
    [1500, 40, 2, 600],
    [64, 64, 1, 200],
    [64, 64, 6, 2400],
  ])('%ix%i with %i stages fits into %i pixels', (height, width, count, maxWidth) => {
    const photo = photoOf(height, width);
    const stages = Array.from({ length: count }, (_, i): OverlayStage => {
      const pixelsPerToken = 4 * 2 ** (i % 4);
      return { name: `stage ${i + 1}`, grid: gridOf(photo, pixelsPerToken), keptWindows: [0], pixelsPerToken };
    });
    const picture = drawOverlay({ image: photo, stages, maxWidth, caption: ['a caption'] });
    expect(picture.width).toBeLessThanOrEqual(maxWidth);
    expect(picture.pixels).toHaveLength(picture.height * picture.width * 3);
  });

  it('takes stages without a kept window, and repeats the same picture', () => {
    const photo = photoOf(64, 64);
    const stages = [{ name: 'stage 1', grid: gridOf(photo, 4), keptWindows: new Int32Array(0), pixelsPerToken: 4 }];
    const picture = drawOverlay({ image: photo, stages });
    expectSameImage(drawOverlay({ image: photo, stages }), picture);
    expect(readText(picture, 8 + 11, 8, 1)).toBe('stage 1: 0 of 9 windows kept (0 %), window = 28 px');
  });

  it('takes the grid of a batch: ids are those of one image', () => {
    const photo = photoOf(64, 64);
    const grid = { ...gridOf(photo, 4), batch: 3 };
    const stage = { name: 'stage 1', keptWindows: [2], pixelsPerToken: 4 };
    const single = drawOverlay({ image: photo, stages: [{ ...stage, grid: { ...grid, batch: 1 } }] });
    expectSameImage(drawOverlay({ image: photo, stages: [{ ...stage, grid }] }), single);
    expect(() => drawOverlay({ image: photo, stages: [{ ...stage, grid, keptWindows: [9] }] })).toThrow(ShapeError);
  });

  it('becomes a PNG', async () => {
    const photo = photoOf(64, 64);
    const picture = drawOverlay({ image: photo, stages: fourStages(photo) });
    expectSameImage(await decodeImage(await encodePng(picture)), picture);
  });

  const photo = photoOf(64, 64);
  const stage: OverlayStage = { name: 'stage 1', grid: gridOf(photo, 4), keptWindows: [0], pixelsPerToken: 4 };

  it.each<[string, Partial<Parameters<typeof drawOverlay>[0]>, new (message: string) => Error, RegExp]>([
    ['no stages', { stages: [] }, ConfigError, /at least one stage/],
    ['a narrow picture', { maxWidth: 100 }, ConfigError, /maxWidth .* got 100/],
    ['bytes that are no image', { image: { ...photo, width: 63 } }, ImageError, /expected 12096 bytes/],
    ['an id out of range', { stages: [{ ...stage, keptWindows: [9] }] }, ShapeError, /window ids from 0 to 8, got 9/],
    ['a repeated id', { stages: [{ ...stage, keptWindows: [1, 1] }] }, ShapeError, /1 twice/],
    ['a token without size', { stages: [{ ...stage, pixelsPerToken: 0 }] }, ShapeError, /pixelsPerToken .* got 0/],
    ['the photo in another size', { image: photoOf(68, 64) }, ShapeError, /height of 68 pixels, got 16 tokens of 4/],
    [
      'the grid of another stage',
      { stages: [{ ...stage, pixelsPerToken: 8 }] },
      ShapeError,
      /the photo's height of 64/,
    ],
  ])('refuses %s', (_, changes, type, message) => {
    const draw = (): RgbImage => drawOverlay({ image: photo, stages: [stage], ...changes });
    expect(draw).toThrow(type);
    expect(draw).toThrow(message);
  });
});
