import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BackendError, ConfigError, ImageError } from '@sparsevit/windows';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sniffFormat } from '../src/format';
import { decodeImage, encodePng } from '../src/node';
import { loadSharp } from '../src/node/sharp';

/** Stored pixels of the orientation tests: every pixel differs. */
const stored = { height: 3, width: 5 };
const storedPixels = Uint8Array.from(
  { length: 45 },
  (_, i) => [16 * Math.floor(i / 3), 255 - 4 * i, 5 * i][i % 3] ?? 0,
);
const fromRaw = (pixels: Uint8Array, height: number, width: number, channels: 1 | 2 | 3 | 4 = 3) =>
  sharp(pixels, { raw: { height, width, channels } });

/** Smooth colours, large enough that a file has several parts to cut at. */
function gradient(height: number, width: number): Uint8Array {
  return Uint8Array.from({ length: height * width * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return [(255 * x) / width, (255 * y) / height, 128 + 100 * Math.sin((x * y) / 50)][i % 3] ?? 0;
  });
}

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  const outcome = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(outcome instanceof Error)) throw new Error('expected decodeImage to throw, got an image');
  return outcome;
}

/** Expects an ImageError whose message is one line and matches. */
async function expectImageError(promise: Promise<unknown>, message: RegExp): Promise<void> {
  const error = await failureOf(promise);
  expect(error).toBeInstanceOf(ImageError);
  expect(error.message).toMatch(message);
  expect(error.message).toMatch(/^decodeImage: expected .*\.$/);
  expect(error.message).not.toContain('\n');
}

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sparsevit-data-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('EXIF orientation', () => {
  /** Which stored pixel (row, column) is seen at (row y, column x): the EXIF standard's eight cases. */
  const sources: Record<number, (y: number, x: number) => [number, number]> = {
    1: (y, x) => [y, x],
    2: (y, x) => [y, stored.width - 1 - x],
    3: (y, x) => [stored.height - 1 - y, stored.width - 1 - x],
    4: (y, x) => [stored.height - 1 - y, x],
    5: (y, x) => [x, y],
    6: (y, x) => [stored.height - 1 - x, y],
    7: (y, x) => [stored.height - 1 - x, stored.width - 1 - y],
    8: (y, x) => [x, stored.width - 1 - y],
  };

  function expectedPixels(orientation: number): { pixels: Uint8Array; height: number; width: number } {
    const isTurned = orientation >= 5;
    const [height, width] = isTurned ? [stored.width, stored.height] : [stored.height, stored.width];
    const pixels = new Uint8Array(45);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [row = 0, column = 0] = sources[orientation]?.(y, x) ?? [];
        for (let c = 0; c < 3; c++) {
          pixels[3 * (y * width + x) + c] = storedPixels[3 * (row * stored.width + column) + c] ?? 0;
        }
      }
    }
    return { pixels, height, width };
  }

  const orientations = [1, 2, 3, 4, 5, 6, 7, 8];

  it.each(orientations)('%i in a PNG and in a lossless WebP', async (orientation) => {
    const tagged = fromRaw(storedPixels, stored.height, stored.width).withMetadata({ orientation });
    const expected = expectedPixels(orientation);
    expect(await decodeImage(await tagged.clone().png().toBuffer())).toEqual(expected);
    expect(await decodeImage(await tagged.clone().webp({ lossless: true }).toBuffer())).toEqual(expected);
  });

  it.each(orientations)('%i in a JPEG', async (orientation) => {
    // Each stored pixel becomes a block of 16x16, whose middle the compression leaves nearly alone.
    const jpeg = await fromRaw(storedPixels, stored.height, stored.width)
      .resize({ width: stored.width * 16, height: stored.height * 16, kernel: 'nearest' })
      .withMetadata({ orientation })
      .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
      .toBuffer();
    const image = await decodeImage(jpeg);
    const expected = expectedPixels(orientation);
    expect([image.height, image.width]).toEqual([expected.height * 16, expected.width * 16]);
    for (let y = 0; y < expected.height; y++) {
      for (let x = 0; x < expected.width; x++) {
        for (let c = 0; c < 3; c++) {
          const got = image.pixels[3 * ((16 * y + 8) * image.width + 16 * x + 8) + c] ?? Number.NaN;
          const want = expected.pixels[3 * (y * expected.width + x) + c] ?? 0;
          expect(Math.abs(got - want)).toBeLessThan(6);
        }
      }
    }
  });

  it('comes before the size', async () => {
    const png = await fromRaw(gradient(20, 40), 20, 40).withMetadata({ orientation: 6 }).png().toBuffer();
    const own = await decodeImage(png);
    expect([own.height, own.width]).toEqual([40, 20]);
    expect(await decodeImage(png, { size: { height: 40, width: 20 } })).toEqual(own);
    const sized = await decodeImage(png, { size: { height: 10, width: 30 } });
    expect([sized.height, sized.width, sized.pixels.length]).toEqual([10, 30, 900]);
    // Turned by a quarter to the right, the horizontal ramp of red runs from top to bottom.
    expect(sized.pixels[0] ?? 0).toBeLessThan(sized.pixels[3 * 9 * 30] ?? 0);
  });
});

describe('colours', () => {
  it('repeats grey', async () => {
    const png = await fromRaw(Uint8Array.of(0, 128, 255, 7), 1, 4, 1)
      .toColourspace('b-w')
      .png()
      .toBuffer();
    expect((await sharp(png).metadata()).channels).toBe(1);
    expect([...(await decodeImage(png)).pixels]).toEqual([0, 0, 0, 128, 128, 128, 255, 255, 255, 7, 7, 7]);
  });

  it('lays transparent pixels on white', async () => {
    const rgba = Uint8Array.of(10, 20, 30, 255, 10, 20, 30, 0, 10, 20, 30, 51);
    const png = await fromRaw(rgba, 1, 3, 4).png().toBuffer();
    expect([...(await decodeImage(png)).pixels]).toEqual([10, 20, 30, 255, 255, 255, 206, 208, 210]);
    const greyAlpha = await fromRaw(Uint8Array.of(10, 255, 10, 0), 1, 2, 2)
      .png()
      .toBuffer();
    expect([...(await decodeImage(greyAlpha)).pixels]).toEqual([10, 10, 10, 255, 255, 255]);
  });

  it('takes the high byte of 16 bits', async () => {
    const deep = Uint16Array.of(0, 0x8000, 0xffff, 0x1234, 0x7fff, 0x80ff);
    const png = await sharp(deep, { raw: { height: 1, width: 2, channels: 3 } })
      .toColourspace('rgb16')
      .png()
      .toBuffer();
    expect((await sharp(png).metadata()).depth).toBe('ushort');
    expect([...(await decodeImage(png)).pixels]).toEqual([0, 0x80, 0xff, 0x12, 0x7f, 0x80]);
  });

  it('resolves a palette', async () => {
    const png = await fromRaw(Uint8Array.of(255, 0, 0, 0, 0, 255), 1, 2)
      .png({ palette: true })
      .toBuffer();
    expect([...(await decodeImage(png)).pixels]).toEqual([255, 0, 0, 0, 0, 255]);
  });

  it('converts CMYK', async () => {
    const jpeg = await fromRaw(new Uint8Array(16 * 16 * 3).fill(255), 16, 16)
      .toColourspace('cmyk')
      .jpeg()
      .toBuffer();
    expect((await sharp(jpeg).metadata()).space).toBe('cmyk');
    const { pixels } = await decodeImage(jpeg);
    expect(pixels).toHaveLength(16 * 16 * 3);
    expect(Math.min(...pixels)).toBeGreaterThan(245);
  });

  it('converts an embedded profile to sRGB', async () => {
    const red = await fromRaw(Uint8Array.of(200, 60, 60), 1, 1)
      .withIccProfile('p3')
      .png()
      .toBuffer();
    const { data } = await sharp(red).keepIccProfile().raw().toBuffer({ resolveWithObject: true });
    expect(data[0]).not.toBe(200); // stored in the wider space
    const pixels = [...(await decodeImage(red)).pixels];
    [200, 60, 60].forEach((value, i) => {
      expect(Math.abs((pixels[i] ?? 0) - value)).toBeLessThanOrEqual(2);
    });
  });

  it('takes the first frame of an animation', async () => {
    const frames = await Promise.all(
      ['#ff0000', '#0000ff'].map((background) =>
        sharp({ create: { width: 4, height: 4, channels: 3, background } })
          .png()
          .toBuffer(),
      ),
    );
    const webp = await sharp(frames, { join: { animated: true } })
      .webp({ lossless: true })
      .toBuffer();
    expect((await sharp(webp).metadata()).pages).toBe(2);
    const image = await decodeImage(webp);
    expect([image.height, image.width]).toEqual([4, 4]);
    expect([...image.pixels.subarray(0, 3)]).toEqual([255, 0, 0]);
  });
});

describe('size', () => {
  it.each([
    [64, 64],
    [7, 91],
    [1, 1],
    [200, 13],
  ])('resizes to exactly %ix%i', async (height, width) => {
    for (const format of ['jpeg', 'png', 'webp'] as const) {
      const bytes = await fromRaw(gradient(40, 60), 40, 60).toFormat(format).toBuffer();
      const image = await decodeImage(bytes, { size: { height, width } });
      expect([image.height, image.width, image.pixels.length]).toEqual([height, width, height * width * 3]);
    }
  });

  it('keeps an even colour even', async () => {
    const png = await fromRaw(new Uint8Array(50 * 70 * 3).fill(93), 50, 70)
      .png()
      .toBuffer();
    const { pixels } = await decodeImage(png, { size: { height: 21, width: 33 } });
    expect(new Set(pixels)).toEqual(new Set([93]));
  });

  it.each([
    { height: 0, width: 5 },
    { height: 5, width: 2.5 },
    { height: Number.NaN, width: 5 },
    { height: 100_000, width: 100_000 },
  ])('refuses %j', async (size) => {
    await expect(decodeImage(new Uint8Array(0), { size })).rejects.toThrow(ConfigError);
  });
});

describe('truncated and damaged files', () => {
  const formats = {
    'baseline JPEG': () => fromRaw(gradient(96, 128), 96, 128).jpeg(),
    'progressive JPEG': () => fromRaw(gradient(96, 128), 96, 128).jpeg({ progressive: true }),
    PNG: () => fromRaw(gradient(96, 128), 96, 128).png(),
    'interlaced PNG': () => fromRaw(gradient(96, 128), 96, 128).png({ progressive: true }),
    'lossy WebP': () => fromRaw(gradient(96, 128), 96, 128).webp(),
    'lossless WebP': () => fromRaw(gradient(96, 128), 96, 128).webp({ lossless: true }),
  };

  it.each(Object.entries(formats))('%s: every cut is an error', async (_, make) => {
    const bytes = await make().toBuffer();
    expect((await decodeImage(bytes)).height).toBe(96);
    const cuts = [12, 40, 200, 0.25, 0.5, 0.9, 0.99].map((cut) => (cut < 1 ? Math.floor(cut * bytes.length) : cut));
    for (const cut of [...cuts, ...[20, 12, 5, 2, 1].map((missing) => bytes.length - missing)]) {
      const part = bytes.subarray(0, cut);
      await expectImageError(
        decodeImage(part, { name: 'cut.img' }),
        /whole \w+ image, got "cut.img", which is truncated/,
      );
      const sized = decodeImage(part, { name: 'cut.img', size: { height: 9, width: 9 } });
      await expectImageError(sized, /truncated or damaged/);
    }
  });

  it('a JPEG whose data is damaged, or whose end mark was put back after a cut', async () => {
    const bytes = await formats['baseline JPEG']().toBuffer();
    const zeroed = Uint8Array.from(bytes).fill(0xa5, bytes.length - 900, bytes.length - 400);
    await expectImageError(decodeImage(zeroed, { name: 'zeroed.jpg' }), /"zeroed.jpg", which is truncated or damaged/);
    const mended = Uint8Array.from([...bytes.subarray(0, bytes.length / 2), 0xff, 0xd9]);
    await expectImageError(decodeImage(mended, { name: 'mended.jpg' }), /"mended.jpg", which is truncated or damaged/);
  });

  it('a PNG with one flipped bit', async () => {
    const bytes = Uint8Array.from(await formats.PNG().toBuffer());
    const at = bytes.length >> 1;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await expectImageError(
      decodeImage(bytes),
      /expected a whole PNG image, got "image", which is truncated or damaged/,
    );
  });

  it('a file of which only the first bytes are right', async () => {
    await expectImageError(decodeImage(Uint8Array.of(0xff, 0xd8, 0xff)), /whole JPEG/);
    await expectImageError(decodeImage(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10)), /whole PNG/);
    await expectImageError(decodeImage(new TextEncoder().encode('RIFF\0\0\0\0WEBP')), /whole WebP/);
  });

  it('bytes after the end of a JPEG do no harm', async () => {
    const bytes = await formats['baseline JPEG']().toBuffer();
    const longer = Uint8Array.from([...bytes, ...new TextEncoder().encode('appended by a camera')]);
    expect(await decodeImage(longer)).toEqual(await decodeImage(bytes));
  });
});

describe('what is no image', () => {
  const svg = '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';
  const cases: [string, string | Uint8Array, RegExp][] = [
    ['text.jpg', 'this is not a photo\n', /text.jpg", which is text\. Convert/],
    ['empty.png', '', /empty.png", which is an empty file/],
    ['vector.png', svg, /vector.png", which is an SVG image/],
    ['paper.jpg', '%PDF-1.7\n', /paper.jpg", which is a PDF document/],
    ['archive.webp', Uint8Array.of(0x50, 0x4b, 3, 4), /archive.webp", which is a zip archive/],
    ['random.jpg', Uint8Array.of(1, 2, 3, 250), /random.jpg", which is data of another kind/],
    ['sound.webp', 'RIFF\x10\0\0\0WAVEfmt ', /sound.webp", which is data of another kind/],
  ];

  it.each(cases)('%s', async (name, content, message) => {
    await expectImageError(decodeImage(fileOf(name, content)), message);
  });

  it.each([
    ['gif', /a GIF image/],
    ['tiff', /a TIFF image/],
    ['avif', /an AVIF, HEIC or video file/],
  ] as const)('a real %s is refused before it reaches the decoder', async (format, message) => {
    const bytes = await fromRaw(gradient(16, 16), 16, 16).toFormat(format).toBuffer();
    await expectImageError(decodeImage(fileOf(`${format}.jpg`, bytes)), message);
  });

  it('a missing file, a directory, a path below a file', async () => {
    const path = join(folder, 'no such photo.jpg');
    const error = await failureOf(decodeImage(path));
    expect(error).toBeInstanceOf(ImageError);
    expect(error.message).toBe(
      `decodeImage: expected an image file, got ${JSON.stringify(path)}, which does not exist. Check the path.`,
    );
    mkdirSync(join(folder, 'folder.jpg'));
    await expectImageError(decodeImage(join(folder, 'folder.jpg')), /folder.jpg", which is a directory/);
    await expectImageError(decodeImage(join(fileOf('file', 'x'), 'photo.jpg')), /does not exist/);
    await expectImageError(decodeImage(`${folder}/nul\0byte.jpg`), /cannot be read \(ERR_INVALID_ARG_VALUE\)/);
  });

  it.skipIf(process.platform === 'win32')('a named pipe does not block', async () => {
    const path = join(folder, 'pipe.jpg');
    execFileSync('mkfifo', [path]);
    await expectImageError(decodeImage(path), /pipe.jpg", which is no regular file/);
  });

  it('a name with a line break stays on one line', async () => {
    await expectImageError(decodeImage(join(folder, 'two\nlines.jpg')), /two\\nlines.jpg/);
  });

  it('neither a path nor bytes, as it may come from JavaScript', async () => {
    const source = JSON.parse('{}');
    await expectImageError(decodeImage(source), /expected a path or bytes, got object/);
  });
});

describe('limits', () => {
  it('refuses more pixels than asked for, before it decodes them', async () => {
    const bytes = await fromRaw(gradient(20, 30), 20, 30).png().toBuffer();
    expect((await decodeImage(bytes, { maxPixels: 600 })).width).toBe(30);
    const message = /at most 599 pixels, got "big.png" with 600 \(20x30\)\. Scale it down first/;
    await expectImageError(decodeImage(bytes, { maxPixels: 599, name: 'big.png' }), message);
    const sized = { maxPixels: 599, size: { height: 4, width: 4 } };
    await expectImageError(decodeImage(bytes, sized), /at most 599 pixels/);
  });

  it('refuses 100 million pixels in a small file', async () => {
    const background = { r: 9, g: 9, b: 9 };
    const bytes = await sharp({ create: { width: 16_000, height: 8_000, channels: 3, background } })
      .png({ palette: true, colours: 2, compressionLevel: 9 })
      .toBuffer();
    expect(bytes.length).toBeLessThan(1_000_000);
    await expectImageError(decodeImage(bytes), /at most 100000000 pixels, got "image" with 128000000 \(8000x16000\)/);
  });

  it.each([0, -1, Number.NaN])('refuses maxPixels %d', async (maxPixels) => {
    await expect(decodeImage(new Uint8Array(0), { maxPixels })).rejects.toThrow(ConfigError);
  });
});

describe('encodePng', () => {
  it('round-trips bytes and clamped bytes', async () => {
    const pixels = gradient(31, 17);
    const png = await encodePng({ pixels, height: 31, width: 17 });
    expect(sniffFormat(png)).toEqual({ format: 'PNG' });
    expect(await decodeImage(png)).toEqual({ pixels, height: 31, width: 17 });
    const clamped = await encodePng({ pixels: Uint8ClampedArray.from(pixels), height: 31, width: 17 });
    expect(clamped).toEqual(png);
  });

  it('reads a file by its path', async () => {
    const image = { pixels: gradient(8, 8), height: 8, width: 8 };
    expect(await decodeImage(fileOf('scene with spaces é.png', await encodePng(image)))).toEqual(image);
  });

  it('refuses an image with a wrong number of bytes', async () => {
    await expect(encodePng({ pixels: new Uint8Array(7), height: 1, width: 2 })).rejects.toThrow(ImageError);
  });
});

describe('sharp as an optional peer', () => {
  it('says how to install it when it is missing', async () => {
    const missing = Object.assign(new Error("Cannot find package 'sharp'"), { code: 'ERR_MODULE_NOT_FOUND' });
    const loading = loadSharp(() => Promise.reject(missing));
    await expect(loading).rejects.toThrow(BackendError);
    await expect(loading).rejects.toThrow('got none. Run `npm install sharp`.');
  });

  it('keeps the cause when its binary does not load', async () => {
    const cause = new Error('Could not load the "sharp" module using the linux-x64 runtime');
    const error = await failureOf(loadSharp(() => Promise.reject(cause)));
    expect(error).toBeInstanceOf(BackendError);
    expect(error.message).toContain('npm install sharp');
    expect(error.cause).toBe(cause);
  });
});

const photos = fileURLToPath(new URL('../../../../shared/data/highres/', import.meta.url));
const hasPhotos = existsSync(photos);
const reason = hasPhotos ? '' : ' (skipped: needs the photos in ../shared/data/highres)';

describe.skipIf(!hasPhotos)(`high-resolution photos${reason}`, () => {
  it.each(hasPhotos ? readdirSync(photos) : ['no photos'])('%s', async (name) => {
    const image = await decodeImage(join(photos, name), { size: { height: 60, width: 80 } });
    expect(image.pixels).toHaveLength(60 * 80 * 3);
    const mean = Array.from(image.pixels).reduce((sum, value) => sum + value, 0) / image.pixels.length;
    expect(mean).toBeGreaterThan(20);
    expect(mean).toBeLessThan(235);
  });
});
