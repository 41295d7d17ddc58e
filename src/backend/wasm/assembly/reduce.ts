import { splat4, total4 } from './math';

// Sums of float32: runs of 128 numbers are added in float32, the runs in float64. The error is at most about
// 2^-21 of the sum of the sizes, whatever the length.

/** Rows [begin, end): the sum of n numbers each. */
export function sumRows_f32(begin: i32, end: i32, x: usize, n: i32, out: usize): void {
  for (let row = begin; row < end; row++) {
    let at = x + (<usize>row) * n * 4;
    const last = at + (<usize>n) * 4;
    let sum: f64 = 0;
    while (at + 512 <= last) {
      let a = v128.load(at);
      let b = v128.load(at, 16);
      let c = v128.load(at, 32);
      let d = v128.load(at, 48);
      for (let i = 64; i < 512; i += 64) {
        a = f32x4.add(a, v128.load(at + i));
        b = f32x4.add(b, v128.load(at + i, 16));
        c = f32x4.add(c, v128.load(at + i, 32));
        d = f32x4.add(d, v128.load(at + i, 48));
      }
      sum += <f64>total4(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
      at += 512;
    }
    let rest = splat4(0);
    for (; at + 16 <= last; at += 16) rest = f32x4.add(rest, v128.load(at));
    sum += <f64>total4(rest);
    for (; at < last; at += 4) sum += <f64>load<f32>(at);
    store<f32>(out + (<usize>row) * 4, <f32>sum);
  }
}

/** The same in float64: runs of 64 numbers, and the runs with the error of each addition carried along (Neumaier). */
export function sumRows_f64(begin: i32, end: i32, x: usize, n: i32, out: usize): void {
  for (let row = begin; row < end; row++) {
    let at = x + (<usize>row) * n * 8;
    const last = at + (<usize>n) * 8;
    let sum: f64 = 0;
    let lost: f64 = 0;
    while (at < last) {
      const stop = min(last, at + 512);
      let a = splat4(0);
      let b = splat4(0);
      for (; at + 32 <= stop; at += 32) {
        a = f64x2.add(a, v128.load(at));
        b = f64x2.add(b, v128.load(at, 16));
      }
      a = f64x2.add(a, b);
      let run = f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1);
      for (; at < stop; at += 8) run += load<f64>(at);
      const next = sum + run;
      // infinite sums have no error to carry
      if (next - next == 0) lost += abs(sum) >= abs(run) ? sum - next + run : run - next + sum;
      sum = next;
    }
    store<f64>(out + (<usize>row) * 8, sum + lost);
  }
}

/** Rows that are added up in float32. */
const RUN: i32 = 64;

/** Runs [begin, end) of 64 rows of `inner` numbers; each group of `rows` rows has ceil(rows/64) runs. partial [runs, inner]. */
export function sumRuns_f32(begin: i32, end: i32, x: usize, rows: i32, inner: i32, partial: usize): void {
  const runs = (rows + RUN - 1) / RUN;
  const bytes = (<usize>inner) * 4;
  const whole = bytes & ~15;
  for (let run = begin; run < end; run++) {
    const first = (run % runs) * RUN;
    const count = min(RUN, rows - first);
    let from = x + ((<usize>(run / runs)) * rows + first) * bytes;
    const to = partial + (<usize>run) * bytes;
    memory.copy(to, from, bytes);
    for (let i = 1; i < count; i++) {
      from += bytes;
      let at: usize = 0;
      for (; at < whole; at += 16) v128.store(to + at, f32x4.add(v128.load(to + at), v128.load(from + at)));
      for (; at < bytes; at += 4) store<f32>(to + at, load<f32>(to + at) + load<f32>(from + at));
    }
  }
}

/** Groups [begin, end): the sum of `count` rows `step` numbers apart, of `inner` numbers each, in float64. */
export function sumPartials_f32(begin: i32, end: i32, partial: usize, count: i32, step: i32, inner: i32, out: usize): void {
  for (let group = begin; group < end; group++) {
    for (let j = 0; j < inner; j++) {
      let sum: f64 = 0;
      let at = partial + ((<usize>group) * count * step + j) * 4;
      for (let i = 0; i < count; i++) {
        sum += <f64>load<f32>(at);
        at += (<usize>step) * 4;
      }
      store<f32>(out + ((<usize>group) * inner + j) * 4, <f32>sum);
    }
  }
}
