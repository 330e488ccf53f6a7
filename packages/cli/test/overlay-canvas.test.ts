import { describe, expect, it } from 'vitest';
import {
  blendPixel,
  type Canvas,
  type Colour,
  createCanvas,
  drawImage,
  drawText,
  fillRect,
  frameRect,
  textWidth,
  wrapText,
} from '../src/overlay/canvas';
import { fontMetrics, glyphRows } from '../src/overlay/font';
import { resampleByArea } from '../src/overlay/resample';

const black: Colour = [0, 0, 0];
const white: Colour = [255, 255, 255];

/** A canvas as rows of text: `#` where it is white, `.` where it is black. */
function show(canvas: Canvas): string[] {
  return Array.from({ length: canvas.height }, (_, y) =>
    Array.from({ length: canvas.width }, (_, x) =>
      canvas.pixels[3 * (y * canvas.width + x)] === 255 ? '#' : '.',
    ).join(''),
  );
}

describe('the font', () => {
  const printable = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));

  it('has a glyph of its own for every printable character', () => {
    const glyphs = printable.map((character) => glyphRows(character).join(' '));
    expect(new Set(glyphs).size).toBe(95);
    for (const character of printable) {
      const rows = glyphRows(character);
      expect(rows).toHaveLength(fontMetrics.glyphHeight);
      expect(rows.every((bits) => bits >= 0 && bits < 2 ** fontMetrics.glyphWidth)).toBe(true);
      expect(rows.some((bits) => bits > 0)).toBe(character !== ' ');
    }
  });

  it('keeps capitals and digits above the baseline, and only some letters and signs below it', () => {
    const below = printable.filter((character) =>
      glyphRows(character)
        .slice(7)
        .some((bits) => bits > 0),
    );
    expect(below.join('')).toBe(',;_gjpqy');
  });

  it('draws one box for everything else', () => {
    const box = glyphRows('é');
    for (const other of ['\n', '\0', '\x7f', 'ß', '漢', '🙂', '']) expect(glyphRows(other)).toEqual(box);
    expect(printable.map((character) => glyphRows(character).join())).not.toContain(box.join());
  });
});

describe('drawText', () => {
  it('draws glyphs side by side', () => {
    const canvas = createCanvas(9, 17, black);
    drawText(canvas, 'I,L', { x: 0, y: 0, scale: 1, colour: white });
    expect(show(canvas)).toEqual([
      '.###........#....',
      '..#.........#....',
      '..#.........#....',
      '..#.........#....',
      '..#.........#....',
      '..#....##...#....',
      '.###....#...#####',
      '.......#.........',
      '.................',
    ]);
  });

  it('repeats font pixels by the scale, at any place', () => {
    const small = createCanvas(9, 11, black);
    const large = createCanvas(33, 40, black);
    drawText(small, 'gW', { x: 0, y: 0, scale: 1, colour: white });
    drawText(large, 'gW', { x: 4, y: 5, scale: 3, colour: white });
    const [from, to] = [show(small), show(large)];
    for (let y = 0; y < 33; y++) {
      for (let x = 0; x < 40; x++) {
        const expected = from[Math.floor((y - 5) / 3)]?.[Math.floor((x - 4) / 3)] ?? '.';
        expect(to[y]?.[x]).toBe(expected);
      }
    }
  });

  it('cuts off what falls outside', () => {
    const canvas = createCanvas(4, 4, black);
    drawText(canvas, 'HHH', { x: -1, y: -5, scale: 2, colour: white });
    expect(canvas.pixels).toHaveLength(48);
    expect(show(canvas)).not.toEqual(show(createCanvas(4, 4, black)));
  });

  it('counts characters, not code units', () => {
    expect([textWidth('', 2), textWidth('a', 2), textWidth('abc', 2), textWidth('a🙂', 2)]).toEqual([0, 10, 34, 22]);
  });
});

describe('wrapText', () => {
  it.each([
    ['one two three', 18 * 6, ['one two three']],
    ['one two three', 7 * 6, ['one two', 'three']],
    ['one two three', 7 * 6 - 2, ['one', 'two', 'three']],
    ['incomprehensible word', 6 * 6, ['incomp', 'rehens', 'ible', 'word']],
    ['  a  \n b  ', 60, ['a b']],
    ['', 60, []],
    ['abc', 0, ['a', 'b', 'c']],
  ])('%j in %i pixels', (text, width, lines) => {
    expect(wrapText(text, width, 1)).toEqual(lines);
    expect(wrapText(text, 3 * width, 3)).toEqual(lines);
    for (const line of lines) expect(textWidth(line, 1)).toBeLessThanOrEqual(Math.max(5, width));
  });
});

describe('the canvas', () => {
  it('fills and frames rectangles and cuts them off', () => {
    const canvas = createCanvas(6, 8, black);
    frameRect(canvas, { x: 3, y: 2, width: 2, height: 2 }, 1, white);
    expect(show(canvas)).toEqual(['........', '..####..', '..#..#..', '..#..#..', '..####..', '........']);
    fillRect(canvas, { x: 6, y: -1, width: 9, height: 3 }, white);
    expect(show(canvas)[0]).toBe('......##');
    expect(show(canvas)[2]).toBe('..#..#..');
  });

  it('blends a pixel', () => {
    const canvas = createCanvas(1, 2, [100, 0, 200]);
    blendPixel(canvas, { x: 1, y: 0 }, [200, 100, 0], 0.25);
    expect([...canvas.pixels]).toEqual([100, 0, 200, 125, 25, 150]);
    for (const [x, y] of [
      [2, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ] as const) {
      blendPixel(canvas, { x, y }, white, 1);
    }
    expect([...canvas.pixels]).toEqual([100, 0, 200, 125, 25, 150]);
  });

  it.each([
    [1, 1],
    [-1, -1],
    [2, 3],
    [9, 0],
    [0, -9],
  ])('copies an image to (%i, %i)', (x, y) => {
    const image = { pixels: Uint8Array.from({ length: 27 }, (_, i) => i + 1), height: 3, width: 3 };
    const canvas = createCanvas(4, 5, black);
    drawImage(canvas, image, x, y);
    for (let row = 0; row < 4; row++) {
      for (let column = 0; column < 5; column++) {
        const isInside = row >= y && row < y + 3 && column >= x && column < x + 3;
        const expected = isInside ? 3 * (3 * (row - y) + column - x) + 1 : 0;
        expect(canvas.pixels[3 * (5 * row + column)]).toBe(expected);
      }
    }
  });
});

describe('resampleByArea', () => {
  const pixels = Uint8Array.from({ length: 12 * 18 * 3 }, (_, i) => (i * 73) % 251);
  const image = { pixels, height: 12, width: 18 };

  it('leaves an image of the same size as it is', () => {
    expect(resampleByArea(image, 12, 18)).toEqual(image);
  });

  it('is the mean of blocks for a whole factor', () => {
    const small = resampleByArea(image, 4, 9);
    for (let y = 0; y < 4; y++) {
      for (let x = 0; x < 9; x++) {
        for (let c = 0; c < 3; c++) {
          let sum = 0;
          for (let i = 0; i < 6; i++) sum += pixels[3 * ((3 * y + (i % 3)) * 18 + 2 * x + Math.floor(i / 3)) + c] ?? 0;
          expect(Math.abs((small.pixels[3 * (y * 9 + x) + c] ?? 0) - sum / 6)).toBeLessThanOrEqual(0.5 + 1e-9);
        }
      }
    }
  });

  it('repeats pixels when it enlarges by a whole factor', () => {
    const large = resampleByArea(image, 36, 54);
    for (let i = 0; i < 36 * 54; i++) {
      const source = 3 * (Math.floor(Math.floor(i / 54) / 3) * 18 + Math.floor((i % 54) / 3));
      expect(large.pixels[3 * i]).toBe(pixels[source]);
    }
  });

  it.each([
    [5, 7],
    [1, 1],
    [11, 17],
    [1, 18],
  ])('keeps an even colour and the mean at %ix%i', (height, width) => {
    const even = resampleByArea({ ...image, pixels: new Uint8Array(pixels.length).fill(201) }, height, width);
    expect(new Set(even.pixels)).toEqual(new Set([201]));
    const mean = (values: Uint8Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(Math.abs(mean(resampleByArea(image, height, width).pixels) - mean(pixels))).toBeLessThan(0.6);
  });
});
