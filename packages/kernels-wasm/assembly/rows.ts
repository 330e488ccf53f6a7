/** Moving rows by index; -1 stands for a pad. */

/** out [n, channels] = x[index] for rows `begin` to `end` of the index; zeros for -1. */
export function gatherRows(x: usize, index: usize, out: usize, begin: i32, end: i32, channels: i32): void {
  const bytes = <usize>channels << 2;
  let target = out + <usize>begin * bytes;
  for (let row = begin; row < end; row++) {
    const from = load<i32>(index + (<usize>row << 2));
    if (from < 0) memory.fill(target, 0, bytes);
    else copyRow(x + <usize>from * bytes, target, bytes);
    target += bytes;
  }
}

/** out[index] = rows for rows `begin` to `end` of the index; zeros where `rows` is 0; -1 is dropped. */
export function scatterRows(rows: usize, index: usize, out: usize, begin: i32, end: i32, channels: i32): void {
  const bytes = <usize>channels << 2;
  for (let row = begin; row < end; row++) {
    const to = load<i32>(index + (<usize>row << 2));
    if (to < 0) continue;
    const target = out + <usize>to * bytes;
    if (rows) copyRow(rows + <usize>row * bytes, target, bytes);
    else memory.fill(target, 0, bytes);
  }
}

/** A row of some dozens to hundreds of values; `memory.copy` is a call out of the module. */
@inline
function copyRow(from: usize, to: usize, bytes: usize): void {
  let at: usize = 0;
  for (const whole = bytes & ~63; at < whole; at += 64) {
    const a = v128.load(from + at);
    const b = v128.load(from + at, 16);
    const c = v128.load(from + at, 32);
    const d = v128.load(from + at, 48);
    v128.store(to + at, a);
    v128.store(to + at, b, 16);
    v128.store(to + at, c, 32);
    v128.store(to + at, d, 48);
  }
  for (const whole = bytes & ~15; at < whole; at += 16) v128.store(to + at, v128.load(from + at));
  for (; at < bytes; at += 4) store<f32>(to + at, load<f32>(from + at));
}
