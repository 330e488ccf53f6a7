/** UperNet in plain loops and doubles, written from the paper's figure and apart from the head: maps are read by functions, weights by name. */

import type { HostTensor } from '@sparsevit/backbone';

/** A map [B, H, W, C]. */
export interface PlainMap {
  readonly shape: readonly [number, number, number, number];
  readonly values: ArrayLike<number>;
}

type Read = (b: number, y: number, x: number, c: number) => number;
type Weights = ReadonlyMap<string, HostTensor>;

const reader = ({ shape: [, height, width, channels], values }: PlainMap): Read => {
  return (b, y, x, c) =>
    y < 0 || x < 0 || y >= height || x >= width
      ? 0
      : (values[((b * height + y) * width + x) * channels + c] ?? Number.NaN);
};

function fill(shape: PlainMap['shape'], value: Read): PlainMap {
  const [batch, height, width, channels] = shape;
  const values = new Float64Array(batch * height * width * channels);
  let at = 0;
  for (let b = 0; b < batch; b++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) for (let c = 0; c < channels; c++) values[at++] = value(b, y, x, c);
  return { shape, values };
}

function take(weights: Weights, key: string): HostTensor {
  const weight = weights.get(key);
  if (weight === undefined) throw new Error(`no weight ${key}`);
  return weight;
}

function convolve(x: PlainMap, weights: Weights, key: string): PlainMap {
  const { shape, values } = take(weights, `${key}.weight`);
  const bias = weights.get(`${key}.bias`)?.values;
  const [side = 0, , inputs = 0, outputs = 0] = shape;
  const [batch, height, width] = x.shape;
  const read = reader(x);
  return fill([batch, height, width, outputs], (b, y, w, o) => {
    let sum = bias?.[o] ?? 0;
    for (let tap = 0; tap < side * side; tap++) {
      const [down, across] = [Math.floor(tap / side) - (side >> 1), (tap % side) - (side >> 1)];
      for (let i = 0; i < inputs; i++)
        sum += read(b, y + down, w + across, i) * (values[(tap * inputs + i) * outputs + o] ?? Number.NaN);
    }
    return sum;
  });
}

/** Convolution, group norm, ReLU. */
function unit(x: PlainMap, weights: Weights, key: string, groups: number): PlainMap {
  const y = convolve(x, weights, key);
  const [batch, height, width, channels] = y.shape;
  const [scale, shift] = [take(weights, `${key}.norm.weight`).values, take(weights, `${key}.norm.bias`).values];
  const read = reader(y);
  const size = channels / groups;
  const statistics = Array.from({ length: batch * groups }, (_, item) => {
    const [b, group] = [Math.floor(item / groups), item % groups];
    const { values } = fill([1, height, width, size], (_b, h, w, c) => read(b, h, w, group * size + c));
    const all = Array.from(values);
    const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
    const variance = all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / all.length;
    return { mean, factor: 1 / Math.sqrt(variance + 1e-5) };
  });
  return fill(y.shape, (b, h, w, c) => {
    const { mean, factor } = statistics[b * groups + Math.floor(c / size)] ?? { mean: Number.NaN, factor: 1 };
    return Math.max(0, (read(b, h, w, c) - mean) * factor * (scale[c] ?? Number.NaN) + (shift[c] ?? Number.NaN));
  });
}

/** Mean of rows floor(i H / n) to ceil((i + 1) H / n), columns alike. */
function pool(x: PlainMap, side: number): PlainMap {
  const [batch, height, width, channels] = x.shape;
  const read = reader(x);
  return fill([batch, side, side, channels], (b, i, j, c) => {
    let [sum, count] = [0, 0];
    for (let y = 0; y < height; y++) {
      for (let w = 0; w < width; w++) {
        // a token is in a cell where they overlap: [y, y + 1) and [i H / n, (i + 1) H / n), in whole numbers
        const inRows = (y + 1) * side > i * height && y * side < (i + 1) * height;
        const inColumns = (w + 1) * side > j * width && w * side < (j + 1) * width;
        if (!inRows || !inColumns) continue;
        sum += read(b, y, w, c);
        count++;
      }
    }
    return sum / count;
  });
}

function resize(x: PlainMap, height: number, width: number): PlainMap {
  const [batch, oldHeight, oldWidth, channels] = x.shape;
  const read = reader(x);
  const clamp = (value: number, side: number): number => Math.min(side - 1, Math.max(0, value));
  return fill([batch, height, width, channels], (b, y, w, c) => {
    const [row, column] = [((y + 0.5) * oldHeight) / height - 0.5, ((w + 0.5) * oldWidth) / width - 0.5];
    let sum = 0;
    for (const i of [Math.floor(row), Math.floor(row) + 1]) {
      for (const j of [Math.floor(column), Math.floor(column) + 1]) {
        const share = (1 - Math.abs(row - i)) * (1 - Math.abs(column - j));
        sum += share * read(b, clamp(i, oldHeight), clamp(j, oldWidth), c);
      }
    }
    return sum;
  });
}

function join(maps: readonly PlainMap[]): PlainMap {
  const places = maps.flatMap((map) => Array.from({ length: map.shape[3] }, (_, c) => ({ read: reader(map), c })));
  const [batch, height, width] = maps[0]?.shape ?? [0, 0, 0];
  return fill([batch, height, width, places.length], (b, y, x, c) => {
    const place = places[c];
    return place === undefined ? Number.NaN : place.read(b, y, x, place.c);
  });
}

function sum(a: PlainMap, b: PlainMap): PlainMap {
  return { shape: a.shape, values: Array.from(a.values, (value, i) => value + (b.values[i] ?? Number.NaN)) };
}

/** Logits and auxiliary logits of four stages. */
export function plainUpernet(
  weights: Weights,
  groups: number,
  [c2, c3, c4, c5]: readonly [PlainMap, PlainMap, PlainMap, PlainMap],
): { logits: PlainMap; auxiliaryLogits: PlainMap } {
  const block = (x: PlainMap, key: string): PlainMap => unit(x, weights, key, groups);
  const like = (x: PlainMap, { shape }: PlainMap): PlainMap => resize(x, shape[1], shape[2]);
  const pools = [1, 2, 3, 6].map((side) => like(block(pool(c5, side), `pool${side}`), c5));
  const p5 = block(join([c5, ...pools]), 'bottleneck');
  const [l4, l3, l2] = [block(c4, 'lateral2'), block(c3, 'lateral1'), block(c2, 'lateral0')];
  const m4 = sum(l4, like(p5, l4));
  const m3 = sum(l3, like(m4, l3));
  const m2 = sum(l2, like(m3, l2));
  const p2 = block(m2, 'output0');
  const all = join([p2, like(block(m3, 'output1'), p2), like(block(m4, 'output2'), p2), like(p5, p2)]);
  return {
    logits: convolve(block(all, 'fuse'), weights, 'classifier'),
    auxiliaryLogits: convolve(block(c4, 'auxiliary'), weights, 'auxiliary.classifier'),
  };
}
