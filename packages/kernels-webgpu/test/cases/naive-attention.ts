/** Window attention and its adjoint with plain loops in doubles. Shares no code with the kernels. */

import type { Values } from './support';
import { addTo, at } from './support';

/** Inputs of attention as the contract of the kernels has them. */
export interface AttentionInputs {
  readonly qkv: Values;
  readonly biasTable: Values;
  readonly slots?: Values | undefined;
  readonly classes?: Values | undefined;
  readonly window: number;
  readonly shiftY: number;
  readonly shiftX: number;
  readonly tokens: number;
}

/** softmax(q kᵀ / sqrt(d) + bias + mask) of one window and head, [tokens][tokens], with the place in the bias table of every pair. */
interface Weights {
  readonly p: number[][];
  readonly place: (query: number, key: number) => number;
  readonly row: (token: number) => number;
}

const sidesOf = ({ qkv, biasTable, window, slots }: AttentionInputs) => {
  const channels = (qkv.shape[1] ?? 0) / 3;
  const heads = biasTable.shape[1] ?? 0;
  const size = window * window;
  return { channels, heads, width: channels / heads, size, windows: (slots?.shape[0] ?? qkv.shape[0] ?? 0) / size };
};

/** The region that a token of a window of a class is in: the class has the bit 2 in the last row of windows, 1 in the last column. */
function regionOf({ window, shiftY, shiftX }: AttentionInputs, token: number, maskClass: number): string {
  const below = maskClass >= 2 && Math.floor(token / window) >= window - shiftY;
  const beyond = maskClass % 2 === 1 && token % window >= window - shiftX;
  return `${below} ${beyond}`;
}

function weightsOf(inputs: AttentionInputs, id: number, head: number): Weights {
  const { qkv, biasTable, slots, classes, window } = inputs;
  const { channels, heads, width, size } = sidesOf(inputs);
  const row = (token: number): number => (slots ? at(slots.data, id * size + token) : id * size + token);
  const place = (query: number, key: number): number => {
    const dy = Math.floor(query / window) - Math.floor(key / window);
    const dx = (query % window) - (key % window);
    return ((dy + window - 1) * (2 * window - 1) + dx + window - 1) * heads + head;
  };
  const maskClass = classes ? at(classes.data, id) : 0;
  const regions = Array.from({ length: size }, (_, token) => regionOf(inputs, token, maskClass));
  const p = Array.from({ length: size }, (_, query) => {
    const logits = Array.from({ length: size }, (__, key) => {
      let dot = 0;
      for (let d = 0; d < width; d++) {
        const q = at(qkv.data, row(query) * 3 * channels + head * width + d);
        dot += q * at(qkv.data, row(key) * 3 * channels + channels + head * width + d);
      }
      const mask = regions[query] === regions[key] ? 0 : -100;
      return dot / Math.sqrt(width) + at(biasTable.data, place(query, key)) + mask;
    });
    const top = Math.max(...logits);
    const powers = logits.map((logit) => Math.exp(logit - top));
    const total = powers.reduce((sum, power) => sum + power, 0);
    return powers.map((power) => power / total);
  });
  return { p, place, row };
}

/** [tokens, channels] */
export function naiveAttention(inputs: AttentionInputs): Float64Array {
  const { qkv, tokens } = inputs;
  const { channels, heads, width, size, windows } = sidesOf(inputs);
  const out = new Float64Array(tokens * channels);
  for (let id = 0; id < windows; id++) {
    for (let head = 0; head < heads; head++) {
      const { p, row } = weightsOf(inputs, id, head);
      for (let query = 0; query < size; query++) {
        if (row(query) >= tokens) continue;
        for (let d = 0; d < width; d++) {
          let sum = 0;
          for (let key = 0; key < size; key++) {
            sum += at(p[query] ?? [], key) * at(qkv.data, row(key) * 3 * channels + 2 * channels + head * width + d);
          }
          out[row(query) * channels + head * width + d] = sum;
        }
      }
    }
  }
  return out;
}

/** The adjoint for a gradient dy [tokens, channels] of the output: of qkv and of the bias table. */
export function naiveAttentionGradient(
  inputs: AttentionInputs,
  dy: Values,
): { dqkv: Float64Array; dTable: Float64Array } {
  const { qkv, biasTable, tokens } = inputs;
  const { channels, heads, width, size, windows } = sidesOf(inputs);
  const dqkv = new Float64Array(qkv.data.length);
  const dTable = new Float64Array(biasTable.data.length);
  for (let id = 0; id < windows; id++) {
    for (let head = 0; head < heads; head++) {
      const { p, place, row } = weightsOf(inputs, id, head);
      const element = (token: number, part: number, d: number): number =>
        row(token) * 3 * channels + part * channels + head * width + d;
      for (let query = 0; query < size; query++) {
        if (row(query) >= tokens) continue; // what a pad asks for is not written
        const up = Array.from({ length: width }, (_, d) => at(dy.data, row(query) * channels + head * width + d));
        const weights = p[query] ?? [];
        const dp = weights.map((_, key) => up.reduce((sum, u, d) => sum + u * at(qkv.data, element(key, 2, d)), 0));
        const mean = dp.reduce((sum, value, key) => sum + value * at(weights, key), 0);
        for (let key = 0; key < size; key++) {
          const ds = at(weights, key) * (at(dp, key) - mean);
          addTo(dTable, place(query, key), ds);
          for (let d = 0; d < width; d++) {
            addTo(dqkv, element(query, 0, d), (ds * at(qkv.data, element(key, 1, d))) / Math.sqrt(width));
            addTo(dqkv, element(key, 1, d), (ds * at(qkv.data, element(query, 0, d))) / Math.sqrt(width));
            addTo(dqkv, element(key, 2, d), at(weights, key) * at(up, d));
          }
        }
      }
    }
  }
  return { dqkv, dTable };
}
