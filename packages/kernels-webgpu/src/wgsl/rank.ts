/**
 * Ranking in WGSL: the rank of a window is the number of windows that stand before it, so that every window finds its place by itself. Quadratic
 * in the windows of an image, of which there are some thousands at most.
 */

/** Windows ranked by a workgroup. */
export const rankThreads = 128;

/** result [batch, kept]: the ids of the best windows of `scores` [batch, windows] by falling score. */
export const rankSource: string = `
var<workgroup> others : array<u32, ${rankThreads}>;
// Bits that stand in the order of their scores; a NaN is the least, found by its bits since a shader may take comparisons with it as it likes.
fn orderOf(score : f32) -> u32 {
  let bits = bitcast<u32>(score);
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) { return 0u; }
  if (magnitude == 0u) { return 0x80000000u; } // -0 ties with 0
  return select(bits | 0x80000000u, ~bits, bits > 0x7fffffffu);
}
fn main() {
  let groups = (uniforms.windows + ${rankThreads - 1}) / ${rankThreads};
  let image = workgroupIndex() / groups;
  let first = min(image, uniforms.batch - 1) * uniforms.windows;
  let id = workgroupIndex() % groups * ${rankThreads} + i32(localIndex);
  let own = orderOf(scores[first + min(id, uniforms.windows - 1)]);
  var rank = 0;
  for (var base = 0; base < uniforms.windows; base += ${rankThreads}) {
    others[localIndex] = orderOf(scores[first + min(base + i32(localIndex), uniforms.windows - 1)]);
    workgroupBarrier();
    let end = min(${rankThreads}, uniforms.windows - base);
    for (var i = 0; i < end; i++) {
      let other = others[i];
      rank += select(0, 1, other > own || (other == own && base + i < id));
    }
    workgroupBarrier();
  }
  if (image < uniforms.batch && id < uniforms.windows && rank < uniforms.kept) {
    result[image * uniforms.kept + rank] = id;
  }
}
`;
