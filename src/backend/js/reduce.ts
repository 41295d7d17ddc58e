import { type Shape, sizeOf, type TypedArray } from '../../tensor/index.js';
import type { ReduceName } from '../backend.js';

/** Terms that are added plainly before their sums are added pairwise. */
const BLOCK = 128;

/** Pairwise sum of n terms from `at`: the error grows with log n, not n. */
function pairwiseSum(x: TypedArray, at: number, n: number): number {
  if (n <= BLOCK) {
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    const end = at + n;
    let i = at;
    for (; i + 3 < end; i += 4) {
      s0 += x[i];
      s1 += x[i + 1];
      s2 += x[i + 2];
      s3 += x[i + 3];
    }
    for (; i < end; i++) s0 += x[i];
    return s0 + s1 + (s2 + s3);
  }
  const half = Math.ceil(n / 2 / BLOCK) * BLOCK;
  return pairwiseSum(x, at, half) + pairwiseSum(x, at + half, n - half);
}

// x is [outer, n, inner] and out [outer, inner], for every loop below.
type Loop = (out: TypedArray, x: TypedArray, outer: number, n: number, inner: number) => void;

const sum: Loop = (out, x, outer, n, inner) => {
  if (inner === 1) {
    for (let i = 0; i < outer; i++) out[i] = pairwiseSum(x, i * n, n);
    return;
  }
  // Rows are added in blocks, in float64 whatever the dtype.
  const block = new Float64Array(inner);
  const total = new Float64Array(inner);
  for (let i = 0, at = 0; i < outer; i++) {
    total.fill(0);
    for (let r = 0; r < n; ) {
      block.fill(0);
      for (const end = Math.min(n, r + BLOCK); r < end; r++, at += inner) {
        for (let j = 0; j < inner; j++) block[j] += x[at + j];
      }
      for (let j = 0; j < inner; j++) total[j] += block[j];
    }
    out.set(total, i * inner);
  }
};

const max: Loop = (out, x, outer, n, inner) => {
  for (let i = 0; i < outer; i++) {
    for (let j = 0; j < inner; j++) {
      let best = -Infinity;
      for (let r = 0, at = i * n * inner + j; r < n; r++, at += inner) best = Math.max(best, x[at]);
      out[i * inner + j] = best;
    }
  }
};

const min: Loop = (out, x, outer, n, inner) => {
  for (let i = 0; i < outer; i++) {
    for (let j = 0; j < inner; j++) {
      let best = Infinity;
      for (let r = 0, at = i * n * inner + j; r < n; r++, at += inner) best = Math.min(best, x[at]);
      out[i * inner + j] = best;
    }
  }
};

const loops: Readonly<Record<ReduceName, Loop>> = { sum, max, min };

/**
 * Reduces `axes` (ascending) of x. Neighbouring axes go as one; groups apart from each other go one after the other,
 * from the last, with float64 between.
 */
export function reduce(name: ReduceName, out: TypedArray, x: TypedArray, shape: Shape, axes: readonly number[]): void {
  const groups: [number, number][] = [];
  for (const axis of axes) {
    const last = groups[groups.length - 1];
    if (last?.[1] === axis) last[1] = axis + 1;
    else groups.push([axis, axis + 1]);
  }
  if (groups.length === 0) out.set(x);
  let from = x;
  let sizes = [...shape];
  for (let g = groups.length - 1; g >= 0; g--) {
    const [begin, end] = groups[g];
    const outer = sizeOf(sizes.slice(0, begin));
    const inner = sizeOf(sizes.slice(end));
    const into = g === 0 ? out : new Float64Array(outer * inner);
    loops[name](into, from, outer, sizeOf(sizes.slice(begin, end)), inner);
    from = into;
    sizes = [...sizes.slice(0, begin), ...sizes.slice(end)];
  }
}

/** Index of the first largest along `axis`; a NaN counts as the largest, as in max. */
export function argmax(out: TypedArray, x: TypedArray, shape: Shape, axis: number): void {
  const outer = sizeOf(shape.slice(0, axis));
  const n = shape[axis];
  const inner = sizeOf(shape.slice(axis + 1));
  for (let i = 0; i < outer; i++) {
    for (let j = 0; j < inner; j++) {
      const start = i * n * inner + j;
      let best = 0;
      for (let r = 0; r < n; r++) {
        const v = x[start + r * inner];
        const b = x[start + best * inner];
        if (v > b || (Number.isNaN(v) && !Number.isNaN(b))) best = r;
      }
      out[i * inner + j] = best;
    }
  }
}
