import type { Random } from '@sparsevit/windows';

export interface Bitmap {
  readonly bitmap: Uint8Array;
  readonly height: number;
  readonly width: number;
}

/** Draws a bitmap: noise of any density in one half of the cases, a rectangle in the other, so that runs are short and long. */
export function randomBitmap(random: Random, size?: { height: number; width: number }): Bitmap {
  const { height, width } = size ?? { height: random.integer(1, 30), width: random.integer(1, 30) };
  const density = random.uniform();
  const [top, left] = [random.integer(0, height), random.integer(0, width)];
  const [bottom, right] = [random.integer(0, height + 1), random.integer(0, width + 1)];
  const isNoise = random.uniform() < 0.5;
  const bitmap = Uint8Array.from({ length: height * width }, (_, at) => {
    const [x, y] = [at % width, Math.floor(at / width)];
    return (isNoise ? random.uniform() < density : x >= left && x < right && y >= top && y < bottom) ? 1 : 0;
  });
  return { bitmap, height, width };
}
