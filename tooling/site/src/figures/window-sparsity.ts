/** The first stage of a Swin on a drawn scene: tokens, windows, ranking, and what is kept of the regular and of the shifted grid. */
import { createSwin, randomWeights } from '@sparsevit/backbone';
import { imagenetNormalization, swinPreset } from '@sparsevit/config/presets';
import { drawScene, normalizeImage, resizeImage } from '@sparsevit/data';
import { createTensorOps, type TensorOps } from '@sparsevit/ops';
import { uniformSparsity, type WindowGrid, windowTokens } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { pngAddress } from './png';
import { colours, element, figure, text } from './svg';

const [height, width] = [224, 336];
const prunedRatio = 0.6;
const panel = { width: 336, height: 224, gap: 24, top: 34 } as const;

interface FirstStage {
  readonly magnitude: Float32Array;
  readonly regular: Ranking;
  readonly shifted: Ranking;
}

interface Ranking {
  readonly grid: WindowGrid;
  readonly scores: Float32Array;
  /** The windows that are kept, the best first. */
  readonly kept: readonly number[];
}

const floats = (tensor: tf.Tensor): Float32Array => Float32Array.from(tensor.dataSync());

/** What the model itself scores and keeps in its first stage: its own operations, listened to. */
async function firstStage(pixels: Float32Array): Promise<FirstStage> {
  tf.env().set('PROD', true); // no greeting
  await import('@tensorflow/tfjs-backend-cpu');
  await tf.setBackend('cpu');
  const ops = createTensorOps();
  const magnitudes: Float32Array[] = [];
  const scores: { readonly grid: WindowGrid; readonly scores: Float32Array }[] = [];
  const listening: TensorOps = {
    ...ops,
    magnitude(x, score) {
      const result = ops.magnitude(x, score);
      magnitudes.push(floats(result));
      return result;
    },
    windowScores(magnitude, grid, pads) {
      const result = ops.windowScores(magnitude, grid, pads);
      scores.push({ grid, scores: floats(result) });
      return result;
    },
  };
  const architecture = swinPreset('swin-nano');
  const model = createSwin(listening, { architecture, family: 'mmdet', weights: randomWeights(architecture, 7) });
  const input = tf.tensor4d(pixels, [1, height, width, 3]);
  const { windows } = model.forward(input, {
    sparsity: uniformSparsity(architecture, prunedRatio),
    outputs: [0],
    wantsWindows: true,
  });
  const ranking = (block: number): Ranking => {
    const found = windows.find((entry) => entry.stage === 0 && entry.block === block);
    const scored = scores[block];
    if (found?.selection.kind !== 'topk' || found.selection.ids === null || scored === undefined) {
      throw new Error(`expected block ${block} of stage 0 to rank its windows`);
    }
    return { ...scored, kept: [...found.selection.ids.dataSync()] };
  };
  const [magnitude] = magnitudes;
  if (magnitude === undefined) throw new Error('expected the first stage to score its tokens');
  const result = { magnitude, regular: ranking(0), shifted: ranking(1) };
  model.dispose();
  return result;
}

/** Bytes from 0 for the least to 255 for the largest. */
function shades(values: Float32Array): Uint8Array {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return Uint8Array.from(values, (value) => Math.round((255 * (value - least)) / (most - least)));
}

/** A dark veil, [tokens, 4], over the tokens that no kept window has. */
function veil({ grid, kept }: Ranking): Uint8Array {
  const pixels = new Uint8Array(4 * grid.height * grid.width).fill(0);
  const isKept = new Set(windowTokens(grid, kept));
  for (let token = 0; token < grid.height * grid.width; token++) {
    if (!isKept.has(token)) pixels.set([24, 28, 40, 205], 4 * token);
  }
  return pixels;
}

const image = (address: string, attributes: Record<string, string | number> = {}): string =>
  element('image', {
    width: panel.width,
    height: panel.height,
    preserveAspectRatio: 'none',
    style: 'image-rendering:pixelated',
    href: address,
    ...attributes,
  });

const place = (column: number, row: number, title: string, ...children: readonly string[]): string => {
  const x = panel.gap + column * (panel.width + panel.gap);
  const y = panel.top + row * (panel.height + panel.top + 8);
  return element('g', { transform: `translate(${x} ${y})` }, text(0, -9, title, { 'font-weight': 600 }), ...children);
};

/** The lines between the windows of a grid whose first window begins `offset` tokens after the edge. */
function gridLines({ height: rows, width: columns, window }: WindowGrid, offset: number, stroke: string): string {
  const steps = (length: number): number[] =>
    Array.from({ length: Math.ceil(length / window) + 1 }, (_, i) => offset + i * window).filter((at) => at <= length);
  const [perColumn, perRow] = [panel.width / columns, panel.height / rows];
  const path = [
    ...steps(columns).map((at) => `M${at * perColumn} 0V${panel.height}`),
    ...steps(rows).map((at) => `M0 ${at * perRow}H${panel.width}`),
  ];
  return element('path', { d: path.join(''), fill: 'none', stroke, 'stroke-width': 0.8 });
}

/** The scores of all windows by rank, and where the cut is. */
function ranked({ scores, kept }: Ranking): string {
  const sorted = [...scores].sort((a, b) => b - a);
  const [most = 1, least = 0] = [sorted[0], sorted.at(-1)];
  const [left, bottom, tall] = [0, 200, 180];
  const step = panel.width / sorted.length;
  const bars = sorted.map((score, rank) => {
    const size = 12 + ((score - least) / (most - least)) * (tall - 12);
    const fill = rank < kept.length ? colours.orange : '#c9c9c9';
    return element('rect', { x: left + rank * step, y: bottom - size, width: step * 0.8, height: size, fill });
  });
  const cut = kept.length * step;
  return [
    ...bars,
    element('line', { x1: cut, x2: cut, y1: 8, y2: bottom, stroke: '#222', 'stroke-dasharray': '4 3' }),
    text(cut + 6, 18, `${kept.length} of ${sorted.length} are kept`),
    text(0, bottom + 18, `best: ${most.toFixed(2)}`),
    text(panel.width, bottom + 18, `least: ${least.toFixed(2)}`, { 'text-anchor': 'end' }),
  ].join('');
}

/** The figure. */
export async function windowSparsityFigure(): Promise<string> {
  const scene = drawScene({ seed: 3, height, width }).image;
  const { magnitude, regular, shifted } = await firstStage(normalizeImage(scene, imagenetNormalization));
  const small = resizeImage(scene, { height: height / 2, width: width / 2 });
  const photo = pngAddress(Uint8Array.from(small.pixels), small.height, small.width, 3);
  const { grid } = regular;
  const kept = (ranking: Ranking): readonly string[] => [
    element('use', { href: '#scene' }),
    image(pngAddress(veil(ranking), grid.height, grid.width, 4)),
  ];
  const windowShades = pngAddress(shades(regular.scores), grid.rows, grid.columns, 1);
  return figure(
    3 * (panel.width + panel.gap) + panel.gap,
    2 * (panel.height + panel.top) + 24,
    'Which windows of a scene the first stage of a Swin keeps',
    element('defs', {}, image(photo, { id: 'scene' })),
    place(
      0,
      0,
      'The scene, and its windows of 7 x 7 tokens',
      element('use', { href: '#scene' }),
      gridLines(grid, 0, '#fff'),
    ),
    place(1, 0, 'Magnitude of each token', image(pngAddress(shades(magnitude), grid.height, grid.width, 1))),
    place(2, 0, 'Score of each window', image(windowShades), gridLines(grid, 0, '#666')),
    place(0, 1, 'All windows by score', ranked(regular)),
    place(1, 1, 'Kept by the first block: the regular grid', ...kept(regular), gridLines(grid, 0, '#ffffff55')),
    place(2, 1, 'Kept by the second: the grid shifted by 3 tokens', ...kept(shifted), gridLines(grid, 3, '#ffffff55')),
  );
}
