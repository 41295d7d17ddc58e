import { softmaxRow } from './softmax.js';

/** Sizes of one head: queries, keys, features. Query t sits at position keys - queries + t. */
export interface HeadSizes {
  readonly queries: number;
  readonly keys: number;
  readonly features: number;
}

/** softmax(q k^T / sqrt(D), later keys masked) v, head after head and row by row: one row of probabilities at a time. */
export function causalAttentionHeads(
  q: Float64Array,
  k: Float64Array,
  v: Float64Array,
  { queries, keys, features }: HeadSizes,
  out: Float64Array,
  p: Float64Array,
): void {
  const heads = headCount(q, queries * features);
  for (let h = 0; h < heads; h++) {
    const kv = h * keys * features;
    for (let t = 0; t < queries; t++) {
      const row = (h * queries + t) * features;
      const seen = keys - queries + t + 1;
      probabilities(q, row, k, kv, seen, features, p);
      weightedSum(p, v, kv, seen, features, out, row);
    }
  }
}

/**
 * The cotangents, with the probabilities computed again: dv = p^T dy, ds = p (dy v^T - sum(p dy v^T)) / sqrt(D),
 * dq = ds k, dk = ds^T q. `dk` and `dv` come zeroed.
 */
export function causalAttentionGradHeads(
  q: Float64Array,
  k: Float64Array,
  v: Float64Array,
  dy: Float64Array,
  { queries, keys, features }: HeadSizes,
  [dq, dk, dv]: readonly [Float64Array, Float64Array, Float64Array],
  p: Float64Array,
  ds: Float64Array,
): void {
  const heads = headCount(q, queries * features);
  const scale = 1 / Math.sqrt(features);
  for (let h = 0; h < heads; h++) {
    const kv = h * keys * features;
    for (let t = 0; t < queries; t++) {
      const row = (h * queries + t) * features;
      const seen = keys - queries + t + 1;
      probabilities(q, row, k, kv, seen, features, p);
      addOuter(p, dy, row, seen, features, dv, kv);
      dots(dy, row, v, kv, seen, features, 1, ds);
      let mean = 0;
      for (let s = 0; s < seen; s++) mean += p[s] * ds[s];
      for (let s = 0; s < seen; s++) ds[s] = p[s] * (ds[s] - mean) * scale;
      weightedSum(ds, k, kv, seen, features, dq, row);
      addOuter(ds, q, row, seen, features, dk, kv);
    }
  }
}

function headCount(q: Float64Array, headSize: number): number {
  return headSize === 0 ? 0 : q.length / headSize;
}

function probabilities(
  q: Float64Array,
  row: number,
  k: Float64Array,
  kv: number,
  seen: number,
  features: number,
  p: Float64Array,
): void {
  dots(q, row, k, kv, seen, features, 1 / Math.sqrt(features), p);
  softmaxRow(p, 0, seen);
}

/** out[s] = scale x . rows[s] for s < count: four rows at a time, for four independent chains of additions. */
function dots(
  x: Float64Array,
  x0: number,
  rows: Float64Array,
  r0: number,
  count: number,
  n: number,
  scale: number,
  out: Float64Array,
): void {
  let s = 0;
  for (; s + 4 <= count; s += 4) {
    let at = r0 + s * n;
    let d0 = 0;
    let d1 = 0;
    let d2 = 0;
    let d3 = 0;
    for (let i = x0; i < x0 + n; i++) {
      const value = x[i];
      d0 += value * rows[at];
      d1 += value * rows[at + n];
      d2 += value * rows[at + 2 * n];
      d3 += value * rows[at + 3 * n];
      at++;
    }
    out[s] = d0 * scale;
    out[s + 1] = d1 * scale;
    out[s + 2] = d2 * scale;
    out[s + 3] = d3 * scale;
  }
  for (; s < count; s++) {
    let at = r0 + s * n;
    let d = 0;
    for (let i = x0; i < x0 + n; i++) d += x[i] * rows[at++];
    out[s] = d * scale;
  }
}

/** out = sum over s < count of w[s] rows[s]: four columns at a time. */
function weightedSum(
  w: Float64Array,
  rows: Float64Array,
  r0: number,
  count: number,
  n: number,
  out: Float64Array,
  o0: number,
): void {
  let j = 0;
  for (; j + 4 <= n; j += 4) {
    let at = r0 + j;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let s = 0; s < count; s++) {
      const weight = w[s];
      s0 += weight * rows[at];
      s1 += weight * rows[at + 1];
      s2 += weight * rows[at + 2];
      s3 += weight * rows[at + 3];
      at += n;
    }
    out[o0 + j] = s0;
    out[o0 + j + 1] = s1;
    out[o0 + j + 2] = s2;
    out[o0 + j + 3] = s3;
  }
  for (; j < n; j++) {
    let at = r0 + j;
    let sum = 0;
    for (let s = 0; s < count; s++) {
      sum += w[s] * rows[at];
      at += n;
    }
    out[o0 + j] = sum;
  }
}

/** rows[s] += w[s] x for s < count. */
function addOuter(
  w: Float64Array,
  x: Float64Array,
  x0: number,
  count: number,
  n: number,
  rows: Float64Array,
  r0: number,
): void {
  let at = r0;
  for (let s = 0; s < count; s++) {
    const weight = w[s];
    for (let i = x0; i < x0 + n; i++) rows[at++] += weight * x[i];
  }
}
