import { column, pack } from './matmul';
import { softmaxGradRow, softmaxRow } from './rows';

// Causal attention, head after head: y = p v with p = softmax(q k^T / sqrt(D), later keys masked). Only one head's
// probabilities exist at a time, in `scratch`, and products skip what the mask hides. Steps are in elements, so the
// same kernel reads heads that lie together and heads inside of one projection.

/** Bytes of a packed matrix of k steps and n columns. */
@inline
function packedBytes(k: i32, n: i32): usize {
  return (<usize>((n + 7) / 8)) * k * 32;
}

/** Rows of scores lie this many numbers apart: whole panels. */
@inline
function scoreStep(keys: i32): i32 {
  return (keys + 7) & ~7;
}

/** s = a b^T for the keys that each query sees (and some more): a [queries, D], b packed transposed. */
function scores(a: usize, aRow: i32, packed: usize, queries: i32, keys: i32, features: i32, s: usize): void {
  const past = keys - queries;
  const step = (<usize>scoreStep(keys)) * 4;
  const rowBytes = (<usize>aRow) * 4;
  let panel = packed;
  for (let j = 0; j < keys; j += 8) {
    // the first tile of rows of which one sees a key of this panel
    const i = max(0, j - past) & ~3;
    column<f32>(i, queries, a, 4 * rowBytes, rowBytes, 4, panel, features, s + (<usize>i) * step + j * 4, step, 8, 0, 0);
    panel += (<usize>features) * 32;
  }
}

/**
 * s becomes the probabilities; what a query does not see, but a tile of four queries by four keys with it may read,
 * becomes 0. (So an infinite value at one of the next three positions gives NaN; finite ones never show.)
 */
function probabilities(s: usize, queries: i32, keys: i32, scale: f32): void {
  const past = keys - queries;
  const step = (<usize>scoreStep(keys)) * 4;
  for (let t = 0; t < queries; t++) {
    const row = s + (<usize>t) * step;
    const seen = past + t + 1;
    softmaxRow(row, seen, scale, row);
    memory.fill(row + seen * 4, 0, (min(scoreStep(keys), past + (t | 3) + 4) - seen) * 4);
  }
}

/** out [queries, D] = p b with p [queries, keys] lower triangular, b packed. */
function weighted(p: usize, packed: usize, queries: i32, keys: i32, features: i32, out: usize, outRow: i32): void {
  const past = keys - queries;
  const step = (<usize>scoreStep(keys)) * 4;
  const rowBytes = (<usize>outRow) * 4;
  let panel = packed;
  for (let j = 0; j < features; j += 8) {
    for (let i = 0; i < queries; i += 4) {
      const rows = min(4, queries - i);
      const to = out + (<usize>i) * rowBytes + j * 4;
      column<f32>(0, rows, p + (<usize>i) * step, 0, step, 4, panel, past + i + rows, to, rowBytes, features - j, 0, 0);
    }
    panel += (<usize>keys) * 32;
  }
}

/** out [keys, D] = p^T b with b [queries, D] packed: key s is seen from query s - past on. */
function transposed(p: usize, packed: usize, queries: i32, keys: i32, features: i32, out: usize, outRow: i32): void {
  const past = keys - queries;
  const step = (<usize>scoreStep(keys)) * 4;
  const rowBytes = (<usize>outRow) * 4;
  let panel = packed;
  for (let j = 0; j < features; j += 8) {
    for (let i = 0; i < keys; i += 4) {
      // whole tiles of queries, so that every number that is read was written
      const first = max(0, i - past) & ~3;
      const from = p + (<usize>first) * step + i * 4;
      const to = out + (<usize>i) * rowBytes + j * 4;
      column<f32>(0, min(4, keys - i), from, 0, 4, step, panel + (<usize>first) * 32, queries - first, to, rowBytes, features - j, 0, 0);
    }
    panel += (<usize>queries) * 32;
  }
}

/** Heads [begin, end) of batch * heads. Scratch: attentionScratch bytes. */
export function attention_f32(
  begin: i32, end: i32, heads: i32, queries: i32, keys: i32, features: i32,
  q: usize, qBatch: i32, qHead: i32, qRow: i32,
  k: usize, v: usize, kBatch: i32, kHead: i32, kRow: i32,
  y: usize, yBatch: i32, yHead: i32, yRow: i32, scratch: usize,
): void {
  const s = scratch;
  const right = s + (<usize>queries) * scoreStep(keys) * 4;
  const scale: f32 = 1 / sqrt<f32>(<f32>features);
  for (let h = begin; h < end; h++) {
    const batch = h / heads;
    const head = h % heads;
    const kv = ((<usize>batch) * kBatch + (<usize>head) * kHead) * 4;
    pack<f32>(0, (keys + 7) / 8, k + kv, 1, kRow, features, keys, right);
    scores(q + ((<usize>batch) * qBatch + (<usize>head) * qHead) * 4, qRow, right, queries, keys, features, s);
    probabilities(s, queries, keys, scale);
    pack<f32>(0, (features + 7) / 8, v + kv, kRow, 1, keys, features, right);
    weighted(s, right, queries, keys, features, y + ((<usize>batch) * yBatch + (<usize>head) * yHead) * 4, yRow);
  }
}

/** Cotangents, the probabilities computed again; dq lies as q, dk and dv as k, dy as y. */
export function attentionGrad_f32(
  begin: i32, end: i32, heads: i32, queries: i32, keys: i32, features: i32,
  q: usize, qBatch: i32, qHead: i32, qRow: i32,
  k: usize, v: usize, kBatch: i32, kHead: i32, kRow: i32,
  dy: usize, yBatch: i32, yHead: i32, yRow: i32,
  dq: usize, dk: usize, dv: usize, scratch: usize,
): void {
  const past = keys - queries;
  const step = scoreStep(keys);
  const p = scratch;
  const ds = p + (<usize>queries) * step * 4;
  const right = ds + (<usize>queries) * step * 4;
  const scale: f32 = 1 / sqrt<f32>(<f32>features);
  const columns = (features + 7) / 8;
  for (let h = begin; h < end; h++) {
    const batch = h / heads;
    const head = h % heads;
    const qs = ((<usize>batch) * qBatch + (<usize>head) * qHead) * 4;
    const kv = ((<usize>batch) * kBatch + (<usize>head) * kHead) * 4;
    const d = dy + ((<usize>batch) * yBatch + (<usize>head) * yHead) * 4;
    pack<f32>(0, (keys + 7) / 8, k + kv, 1, kRow, features, keys, right);
    scores(q + qs, qRow, right, queries, keys, features, p);
    probabilities(p, queries, keys, scale);
    pack<f32>(0, (keys + 7) / 8, v + kv, 1, kRow, features, keys, right);
    scores(d, yRow, right, queries, keys, features, ds);
    for (let t = 0; t < queries; t++) {
      const row = (<usize>t) * step * 4;
      const seen = past + t + 1;
      softmaxGradRow(p + row, ds + row, seen, scale, ds + row);
      memory.fill(ds + row + seen * 4, 0, (min(step, past + (t | 3) + 4) - seen) * 4);
    }
    pack<f32>(0, columns, d, yRow, 1, queries, features, right);
    transposed(p, right, queries, keys, features, dv + kv, kRow);
    pack<f32>(0, columns, q + qs, qRow, 1, queries, features, right);
    transposed(ds, right, queries, keys, features, dk + kv, kRow);
    pack<f32>(0, columns, k + kv, kRow, 1, keys, features, right);
    weighted(ds, right, queries, keys, features, dq + qs, qRow);
  }
}

/** Bytes of scratch that one thread needs; a float64, so that what no memory holds is refused and does not wrap. */
export function attentionScratch(queries: i32, keys: i32, features: i32): f64 {
  const right = max(packedBytes(features, keys), max(packedBytes(keys, features), packedBytes(queries, features)));
  return <f64>queries * <f64>scoreStep(keys) * 8 + <f64>right;
}
