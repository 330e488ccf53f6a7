/** The forward of attention in WGSL: softmax over a stream of keys, rescaled whenever a greater logit comes. */

import type { AttentionVariant } from './attention';
import {
  attentionSource,
  attentionTiles,
  loadTile,
  logitsOfFour,
  lowestSource,
  parts,
  scaleSource,
  whereSource,
  writeRow,
} from './attention';
import { registersOf } from './registers';

/** result [tokens, channels] of `qkv`, `biasTable` and, where given, `slots` and `classes`. */
export function attentionForwardSource(variant: AttentionVariant): string {
  const layout = attentionTiles(variant);
  const { tokens, vectors, threads, tileRows, tiles } = layout;
  const { declare, each } = registersOf(vectors);
  return `${attentionSource(variant)}
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
    ${declare('o', () => 'vec4<f32>(0.0)')}
    var greatest = lowest;
    var total = 0.0;
    for (var first = 0; first < ${tiles * tileRows}; first += ${tileRows}) {
      workgroupBarrier();
      ${loadTile(layout, `readQkv(row, columnOf(${parts.key}, head), vector)`, `readQkv(row, columnOf(${parts.value}, head), vector)`)}
      workgroupBarrier();
      for (var key = 0; key < ${tileRows}; key += 4) {
        ${logitsOfFour(layout)}
        let top = max(greatest, max(max(logits.x, logits.y), max(logits.z, logits.w)));
        let factor = exp(greatest - top);
        let p = exp(logits - top);
        total = total * factor + p.x + p.y + p.z + p.w;
        ${each((vector, of) => {
          const values = ['x', 'y', 'z', 'w'].map((c, i) => `p.${c} * tileB[(key + ${i}) * ${vectors} + ${vector}]`);
          return `${of('o')} = ${of('o')} * factor + ${values.join(' + ')};`;
        })}
        greatest = top;
      }
    }
    if (isNeeded && query < ${tokens} && row < uniforms.tokens) {
      let inverse = 1.0 / total;
      ${writeRow(variant, layout, 'o', `(row * uniforms.heads + head) * ${variant.headWidth}`, 'inverse')}
    }
  }
}
`;
}
