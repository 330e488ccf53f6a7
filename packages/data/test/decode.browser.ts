import { ConfigError, createRandom, ImageError } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import { decodeImage } from '../src/browser';

const [height, width] = [5, 8];

/** A picture of noise as a file. */
async function fileOf(type: string, alpha = 255): Promise<{ bytes: Uint8Array<ArrayBuffer>; rgba: Uint8ClampedArray }> {
  const random = createRandom(4);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('expected a canvas');
  const image = context.createImageData(width, height);
  for (let i = 0; i < image.data.length; i++) image.data[i] = i % 4 === 3 ? alpha : random.integer(0, 256);
  context.putImageData(image, 0, 0);
  const blob = await canvas.convertToBlob({ type, quality: 0.9 });
  return { bytes: new Uint8Array(await blob.arrayBuffer()), rgba: image.data };
}

/** The same JPEG with an orientation in its EXIF. */
function turned(jpeg: Uint8Array, orientation: number): Uint8Array {
  const exif = [0x45, 0x78, 0x69, 0x66, 0, 0, 0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1];
  const entry = [0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0];
  const segment = [0xff, 0xe1, 0, exif.length + entry.length + 2, ...exif, ...entry];
  return Uint8Array.from([...jpeg.subarray(0, 2), ...segment, ...jpeg.subarray(2)]);
}

describe('decodeImage in a page', () => {
  test('a PNG to the bit, from a Blob, a File and bytes', async () => {
    const { bytes, rgba } = await fileOf('image/png');
    const pixels = [...rgba.filter((_, i) => i % 4 !== 3)];
    for (const source of [bytes, new Blob([bytes]), new File([bytes], 'photo.jpg', { type: 'image/jpeg' })]) {
      const image = await decodeImage(source);
      expect([image.height, image.width]).toEqual([height, width]);
      expect([...image.pixels]).toEqual(pixels);
    }
  });

  test('transparent pixels lie on white', async () => {
    const { bytes } = await fileOf('image/png', 0);
    expect([...(await decodeImage(bytes)).pixels].every((value) => value === 255)).toBe(true);
  });

  test.each(['image/jpeg', 'image/webp'])('%s, about as it was', async (type) => {
    const { bytes } = await fileOf(type);
    expect(await decodeImage(bytes)).toMatchObject({ height, width });
  });

  test('an EXIF orientation is applied', async () => {
    const { bytes } = await fileOf('image/jpeg');
    const plain = await decodeImage(turned(bytes, 1));
    const image = await decodeImage(turned(bytes, 6)); // a quarter to the right
    expect([image.height, image.width]).toEqual([width, height]);
    const at = (of: typeof image, y: number, x: number): number[] => [
      ...of.pixels.subarray((y * of.width + x) * 3).subarray(0, 3),
    ];
    expect(at(image, 0, height - 1)).toEqual(at(plain, 0, 0));
    expect(at(image, width - 1, 0)).toEqual(at(plain, height - 1, width - 1));
  });

  test('another size', async () => {
    const { bytes } = await fileOf('image/png');
    expect(await decodeImage(bytes, { size: { height: 20, width: 3 } })).toMatchObject({ height: 20, width: 3 });
    await expect(decodeImage(bytes, { size: { height: 0, width: 3 } })).rejects.toThrow(ConfigError);
    await expect(decodeImage(bytes, { maxPixels: 39 })).rejects.toThrow(/at most 39 pixels, got "image" with 40/);
  });

  test('what is no whole image of the three formats is refused', async () => {
    const { bytes } = await fileOf('image/png');
    const jpeg = (await fileOf('image/jpeg')).bytes;
    for (const [source, message] of [
      [new Uint8Array(0), /an empty file/],
      [new TextEncoder().encode('hello'), /which is text/],
      [new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"/>'), /an SVG image/],
      [new TextEncoder().encode('GIF89a'), /a GIF image/],
      [bytes.subarray(0, bytes.length - 8), /truncated or damaged \(no end mark\)/],
      [jpeg.subarray(0, 20), /whole JPEG image, got "image"/],
      ['photo.png' as never, /a Blob or bytes, got string/],
      [null as never, /got null/],
    ] as const) {
      await expect(decodeImage(source)).rejects.toThrow(ImageError);
      await expect(decodeImage(source)).rejects.toThrow(message);
    }
  });
});
