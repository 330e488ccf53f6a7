/** Sums over the channels of a row: a row has 32 threads ("lanes") and a workgroup four rows. */

/** Threads of a row. */
export const lanes = 32;
/** Rows of a workgroup. */
export const rowsPerWorkgroup = 4;
/** Invocations of a workgroup. */
export const laneThreads: number = lanes * rowsPerWorkgroup;

/** `sumOfLanes(value)`: the sum over the lanes of a row, for each of them; all threads must call it together. */
export const laneSource: string = `
var<workgroup> laneValues : array<f32, ${laneThreads}>;
fn sumOfLanes(value : f32) -> f32 {
  let thread = i32(localIndex);
  laneValues[thread] = value;
  workgroupBarrier();
  for (var stride = ${lanes / 2}; stride > 0; stride /= 2) {
    if (thread % ${lanes} < stride) { laneValues[thread] += laneValues[thread + stride]; }
    workgroupBarrier();
  }
  let sum = laneValues[thread - thread % ${lanes}];
  workgroupBarrier();
  return sum;
}
fn rowOfThread() -> i32 { return workgroupIndex() * ${rowsPerWorkgroup} + i32(localIndex) / ${lanes}; }
fn laneOfThread() -> i32 { return i32(localIndex) % ${lanes}; }
`;
