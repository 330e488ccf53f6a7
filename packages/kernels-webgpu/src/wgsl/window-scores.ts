/** Scores of windows in WGSL: grid arithmetic as in `windowTokens` of `@sparsevit/windows`. */

import { laneSource, lanes } from './lanes';

/** result [windows of the batch] = L2 norm over a window's tokens of `importance` [batch, height, width]. */
export const windowScoreSource: string = `${laneSource}
// the row (or column) of a map that a position of the padded, shifted map shows; -1 for a pad
fn sourceAt(position : i32, side : i32, paddedSide : i32, shift : i32) -> i32 {
  if (uniforms.rollsFirst == 1) {
    return select(-1, (position + shift) % side, position < side);
  }
  let source = (position + shift) % paddedSide;
  return select(-1, source, source < side);
}
fn main() {
  let id = rowOfThread();
  let known = min(id, uniforms.count - 1);
  let perImage = uniforms.down * uniforms.across;
  let image = known / perImage;
  let firstRow = known % perImage / uniforms.across * uniforms.window;
  let firstColumn = known % uniforms.across * uniforms.window;
  var sum = 0.0;
  var real = 0.0;
  for (var token = laneOfThread(); token < uniforms.window * uniforms.window; token += ${lanes}) {
    let row = sourceAt(firstRow + token / uniforms.window, uniforms.height, uniforms.down * uniforms.window, uniforms.shiftY);
    let column = sourceAt(firstColumn + token % uniforms.window, uniforms.width, uniforms.across * uniforms.window, uniforms.shiftX);
    if (row >= 0 && column >= 0) {
      let value = importance[(image * uniforms.height + row) * uniforms.width + column];
      sum += value * value;
      real += 1.0;
    }
  }
  let total = sumOfLanes(sum);
  let tokens = sumOfLanes(real);
  if (id < uniforms.count && laneOfThread() == 0) {
    let scale = select(1.0, sqrt(f32(uniforms.window * uniforms.window) / tokens), uniforms.leavesOutPads == 1);
    result[id] = sqrt(total) * scale;
  }
}
`;
