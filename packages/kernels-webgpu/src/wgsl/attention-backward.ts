/**
 * The gradient of attention in WGSL, in two programs. Nothing but q, k, v is kept of the forward: the softmax is computed again.
 *
 * The first finds the gradient of every logit, and the statistics of each query's softmax; the second makes the gradients of q, k and v of
 * them. The gradient of the bias table is a sum of the first's result over windows.
 */

import type { AttentionVariant } from './attention';
import {
  addFourDots,
  attentionSource,
  attentionTiles,
  gradientRowSource,
  loadTile,
  logitsOfFour,
  lowestSource,
  parts,
  scaleSource,
  whereSource,
  writeRow,
} from './attention';
import { registersOf } from './registers';

/** Values of a query in the result of the first program: the gradient of each of its logits, the greatest logit, 1 / sum of the softmax. */
export const logitRowWidth = (window: number): number => window * window + 2;

/**
 * result [windows, heads, tokens, tokens + 2] of `qkv`, `biasTable`, `dy` and, where given, `slots` and `classes`. With p the softmax and
 * dp = dy v: the gradient of a logit is p (dp - sum of p dp over keys).
 */
export function logitGradientSource(variant: AttentionVariant): string {
  const { window } = variant;
  const layout = attentionTiles(variant);
  const { tokens, vectors, threads, tileRows, tiles } = layout;
  const { declare } = registersOf(vectors);
  const load = `
      workgroupBarrier();
      ${loadTile(layout, `readQkv(row, columnOf(${parts.key}, head), vector)`, `readQkv(row, columnOf(${parts.value}, head), vector)`)}
      workgroupBarrier();`;
  const ofFour = `${logitsOfFour(layout)}
        var dp = vec4<f32>(0.0);
        ${addFourDots('dp', layout, 'g', 'tileB')}`;
  return `${attentionSource(variant)}
${gradientRowSource(variant)}
${lowestSource}
fn main() {
  ${whereSource}
  ${scaleSource(variant)}
  for (var base = 0; base < ${tokens}; base += ${threads}) {
    let query = base + thread;
    let token = min(query, ${tokens - 1});
    let row = rowOf(windowId * ${tokens} + token);
    let offset = offsetOf(token);
    let region = regionOf(token, maskClass);
    ${declare('q', (vector) => `readQkv(row, columnOf(${parts.query}, head), ${vector}) * scale`)}
    ${declare('g', (vector) => `readGradient(row, head, ${vector})`)}
    var greatest = lowest;
    var total = 0.0;
    var weighted = 0.0;
    for (var first = 0; first < ${tiles * tileRows}; first += ${tileRows}) {
      ${load}
      for (var key = 0; key < ${tileRows}; key += 4) {
        ${ofFour}
        let top = max(greatest, max(max(logits.x, logits.y), max(logits.z, logits.w)));
        let factor = exp(greatest - top);
        let p = exp(logits - top);
        total = total * factor + p.x + p.y + p.z + p.w;
        weighted = weighted * factor + dot(p, dp);
        greatest = top;
      }
    }
    let inverse = 1.0 / total;
    let mean = weighted * inverse;
    let to = (item * ${tokens} + token) * ${logitRowWidth(window)};
    let isWriting = isNeeded && query < ${tokens};
    if (isWriting) {
      result[to + ${tokens}] = greatest;
      result[to + ${tokens + 1}] = inverse;
    }
    for (var first = 0; first < ${tiles * tileRows}; first += ${tileRows}) {
      ${tiles === 1 ? '// the one tile is still there' : load}
      for (var key = 0; key < ${tileRows}; key += 4) {
        ${ofFour}
        let ds = exp(logits - greatest) * inverse * (dp - mean);
        if (isWriting) {
          ${[0, 1, 2, 3].map((i) => `if (first + key + ${i} < ${tokens}) { result[to + first + key + ${i}] = ds[${i}]; }`).join('\n')}
        }
      }
    }
  }
}
`;
}

/**
 * result [windows * tokens, 3 * channels] of `qkv`, `biasTable`, `dy`, `logitGradients` and, where given, `slots` and `classes`: for each slot
 * dq = ds k / sqrt(d), dk = dsᵀ q / sqrt(d), dv = pᵀ dy.
 */
export function qkvGradientSource(variant: AttentionVariant): string {
  const { headWidth, window } = variant;
  const layout = attentionTiles(variant);
  const { tokens, vectors, threads, tileRows, tiles } = layout;
  const { declare, each } = registersOf(vectors);
  const width = logitRowWidth(window);
  const write = (part: number, row: string, factor: string): string =>
    writeRow(variant, layout, row, `(to + columnOf(${part}, head))`, factor);
  return `${attentionSource(variant)}
${gradientRowSource(variant)}
var<workgroup> statistics : array<vec2<f32>, ${tileRows}>;
fn main() {
  ${whereSource}
  ${scaleSource(variant)}
  for (var base = 0; base < ${tokens}; base += ${threads}) {
    let own = base + thread;
    let token = min(own, ${tokens - 1});
    let slot = windowId * ${tokens} + token;
    let row = rowOf(slot);
    let to = slot * 3 * uniforms.heads * ${headWidth};
    let isWriting = isNeeded && own < ${tokens};
    // as a query
    ${declare('dq', () => 'vec4<f32>(0.0)')}
    for (var first = 0; first < ${tiles * tileRows}; first += ${tileRows}) {
      workgroupBarrier();
      ${loadTile(layout, `readQkv(row, columnOf(${parts.key}, head), vector)`, null)}
      workgroupBarrier();
      let count = min(${tileRows}, ${tokens} - first);
      let start = (item * ${tokens} + token) * ${width} + first;
      for (var key = 0; key < count; key++) {
        let ds = logitGradients[start + key];
        ${each((vector, of) => `${of('dq')} = fma(vec4<f32>(ds), tileA[key * ${vectors} + ${vector}], ${of('dq')});`)}
      }
    }
    if (isWriting) {
      ${write(parts.query, 'dq', 'scale')}
    }
    // as a key
    let offset = offsetOf(token);
    let region = regionOf(token, maskClass);
    ${declare('k', (vector) => `readQkv(row, columnOf(${parts.key}, head), ${vector}) * scale`)}
    ${declare('dk', () => 'vec4<f32>(0.0)')}
    ${declare('dv', () => 'vec4<f32>(0.0)')}
    for (var first = 0; first < ${tiles * tileRows}; first += ${tileRows}) {
      workgroupBarrier();
      ${loadTile(layout, `readQkv(row, columnOf(${parts.query}, head), vector)`, 'readGradient(row, head, vector)')}
      for (var e = thread; e < ${tileRows}; e += ${threads}) {
        let at = (item * ${tokens} + min(first + e, ${tokens - 1})) * ${width} + ${tokens};
        statistics[e] = vec2<f32>(logitGradients[at], logitGradients[at + 1]);
      }
      workgroupBarrier();
      let count = min(${tileRows}, ${tokens} - first);
      for (var query = 0; query < count; query++) {
        var logit = biasOf(tileOffsets[query], offset, head) + maskOf(tileRegions[query], region);
        ${each((vector, of) => `logit += dot(${of('k')}, tileA[query * ${vectors} + ${vector}]);`)}
        let p = exp(logit - statistics[query].x) * statistics[query].y;
        let ds = logitGradients[(item * ${tokens} + first + query) * ${width} + token];
        ${each(
          (vector, of) => `${of('dk')} = fma(vec4<f32>(ds), tileA[query * ${vectors} + ${vector}], ${of('dk')});
        ${of('dv')} = fma(vec4<f32>(p), tileB[query * ${vectors} + ${vector}], ${of('dv')});`,
        )}
      }
    }
    if (isWriting) {
      ${write(parts.key, 'dk', 'scale')}
      ${write(parts.value, 'dv', '1.0')}
    }
  }
}
`;
}

/**
 * result [(2M - 1)², heads] of `sums` [heads, tokens, tokens + 2], the gradients of logits summed over windows: each place of the table adds
 * up the pairs of tokens that read it. Uniforms: count, heads.
 */
export function tableGradientSource(window: number): string {
  const span = 2 * window - 1;
  return `
fn main() {
  let at = workgroupIndex() * 64 + i32(localIndex);
  if (at >= uniforms.count) { return; }
  let head = at % uniforms.heads;
  let place = at / uniforms.heads;
  let dy = place / ${span} - ${window - 1}; // query less key
  let dx = place % ${span} - ${window - 1};
  var sum = 0.0;
  for (var y = max(dy, 0); y < min(${window} + dy, ${window}); y++) {
    for (var x = max(dx, 0); x < min(${window} + dx, ${window}); x++) {
      let query = y * ${window} + x;
      let key = (y - dy) * ${window} + x - dx;
      sum += sums[(head * ${window * window} + query) * ${logitRowWidth(window)} + key];
    }
  }
  result[at] = sum;
}
`;
}
