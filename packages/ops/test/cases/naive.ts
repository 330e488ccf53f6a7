/**
 * Window attention and window moves the long way: the map is padded, rolled, partitioned, and put together again, with plain loops in
 * doubles. Shares no code with the package, so that agreement means something.
 */

export interface NaiveMap {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** [height, width, channels] */
  readonly values: Float64Array;
}

const at = (map: NaiveMap, y: number, x: number, c: number): number =>
  map.values[(y * map.width + x) * map.channels + c] ?? Number.NaN;

export function build(
  height: number,
  width: number,
  channels: number,
  value: (y: number, x: number, c: number) => number,
): NaiveMap {
  const values = new Float64Array(height * width * channels);
  let i = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) for (let c = 0; c < channels; c++) values[i++] = value(y, x, c);
  return { height, width, channels, values };
}

export const padTo = (map: NaiveMap, height: number, width: number, fill = 0): NaiveMap =>
  build(height, width, map.channels, (y, x, c) => (y < map.height && x < map.width ? at(map, y, x, c) : fill));

export const roll = (map: NaiveMap, dy: number, dx: number): NaiveMap =>
  build(map.height, map.width, map.channels, (y, x, c) =>
    at(map, (y - dy + 2 * map.height) % map.height, (x - dx + 2 * map.width) % map.width, c),
  );

/** Windows [rows * columns] of [window * window] tokens of C values. */
export function partition(map: NaiveMap, window: number): number[][][] {
  const windows: number[][][] = [];
  for (let top = 0; top < map.height; top += window) {
    for (let left = 0; left < map.width; left += window) {
      const tokens: number[][] = [];
      for (let y = top; y < top + window; y++) {
        for (let x = left; x < left + window; x++) {
          tokens.push(Array.from({ length: map.channels }, (_, c) => at(map, y, x, c)));
        }
      }
      windows.push(tokens);
    }
  }
  return windows;
}

/** The region number of every token of a padded map under a shift: up to nine, by the three bands of each axis. */
export function regions(height: number, width: number, window: number, shiftY: number, shiftX: number): NaiveMap {
  const band = (position: number, side: number, shift: number): number =>
    shift === 0 || position < side - window ? 0 : position < side - shift ? 1 : 2;
  return build(height, width, 1, (y, x) => band(y, height, shiftY) * 3 + band(x, width, shiftX));
}

/** Attention of one window: qkv [tokens][3C], bias(head, query, key), region of each token. */
export function attendWindow(
  qkv: number[][],
  heads: number,
  bias: (head: number, query: number, key: number) => number,
  region: number[],
): number[][] {
  const channels = (qkv[0]?.length ?? 0) / 3;
  const width = channels / heads;
  const value = (token: number, part: number, head: number, d: number): number =>
    qkv[token]?.[part * channels + head * width + d] ?? Number.NaN;
  return qkv.map((_, query) => {
    const out: number[] = [];
    for (let head = 0; head < heads; head++) {
      const logits = qkv.map((__, key) => {
        let dot = 0;
        for (let d = 0; d < width; d++) dot += value(query, 0, head, d) * value(key, 1, head, d);
        return dot / Math.sqrt(width) + bias(head, query, key) + (region[query] === region[key] ? 0 : -100);
      });
      const top = Math.max(...logits);
      const powers = logits.map((logit) => Math.exp(logit - top));
      const total = powers.reduce((sum, power) => sum + power, 0);
      for (let d = 0; d < width; d++) {
        out.push(powers.reduce((sum, power, key) => sum + (power / total) * value(key, 2, head, d), 0));
      }
    }
    return out;
  });
}
