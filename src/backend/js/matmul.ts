import { broadcastStrides, type Shape, sizeOf, type TypedArray } from '../../tensor/index.js';
import type { Operand } from '../backend.js';
import { takeDoubles } from './doubles.js';
import type { Pool } from './pool.js';
import { type Layout, vectorMatrix } from './vector-matrix.js';

/** Rows and columns of the register tile: 16 sums live in registers while k runs. */
const TILE = 4;

/** Steps of k that one pass takes: the two panels of a pass (2 x 16 KiB) stay in the first-level cache. */
const BLOCK = 512;

/**
 * The matmul verb. Both matrices are packed into float64 panels of TILE rows (or columns): that makes the four
 * transposed forms and both dtypes one kernel, and every load of its inner loop contiguous. The right matrix is packed
 * whole (and once, where it is broadcast), the left one panel by panel just before its use.
 */
export function matmulVerb(pool: Pool) {
  return (x: Operand, y: Operand, transposeX: boolean, transposeY: boolean, shape: Shape): TypedArray => {
    const m = shape[shape.length - 2];
    const n = shape[shape.length - 1];
    const k = x.shape[x.shape.length - (transposeX ? 2 : 1)];
    const out = pool.take(x.dtype, sizeOf(shape));
    if (k === 0 || out.length === 0) return out.fill(0);
    const left: Layout = {
      source: x.handle as TypedArray,
      outer: m,
      outerStep: transposeX ? 1 : k,
      innerStep: transposeX ? m : 1,
    };
    const right: Layout = {
      source: y.handle as TypedArray,
      outer: n,
      outerStep: transposeY ? k : 1,
      innerStep: transposeY ? 1 : n,
    };
    const leftStarts = matrixStarts(x.shape, shape);
    const rightStarts = matrixStarts(y.shape, shape);
    if (m === 1) multiplyVectors(pool, left, leftStarts, right, rightStarts, k, out);
    else if (n === 1) multiplyVectors(pool, right, rightStarts, left, leftStarts, k, out);
    else multiplyPanels(pool, left, leftStarts, right, rightStarts, k, out);
    return out;
  };
}

/** Each vector (k numbers, contiguous in either form) times its matrix. */
function multiplyVectors(
  pool: Pool,
  vectors: Layout,
  vectorStarts: Int32Array,
  matrices: Layout,
  matrixStarts: Int32Array,
  k: number,
  out: TypedArray,
): void {
  const vector = takeDoubles(pool, k);
  const result = takeDoubles(pool, matrices.outer);
  for (let b = 0; b < vectorStarts.length; b++) {
    for (let p = 0; p < k; p++) vector[p] = vectors.source[vectorStarts[b] + p];
    vectorMatrix(vector, matrices, matrixStarts[b], result);
    out.set(result, b * matrices.outer);
  }
  pool.give(vector);
  pool.give(result);
}

function multiplyPanels(
  pool: Pool,
  left: Layout,
  leftStarts: Int32Array,
  right: Layout,
  rightStarts: Int32Array,
  k: number,
  out: TypedArray,
): void {
  const m = left.outer;
  const n = right.outer;
  const panel = takeDoubles(pool, TILE * k);
  const panels = takeDoubles(pool, padded(n) * k);
  const strip = takeDoubles(pool, TILE * padded(n));
  for (let b = 0; b < leftStarts.length; b++) {
    if (b === 0 || rightStarts[b] !== rightStarts[b - 1]) {
      for (let j = 0; j < n; j += TILE) packPanel(right, rightStarts[b], j, k, panels, j * k);
    }
    for (let i = 0; i < m; i += TILE) {
      packPanel(left, leftStarts[b], i, k, panel, 0);
      strip.fill(0);
      for (let p = 0; p < k; p += BLOCK) addStrip(panel, panels, padded(n), k, p, Math.min(p + BLOCK, k), strip);
      store(strip, Math.min(TILE, m - i), n, out, (b * m + i) * n);
    }
  }
  pool.give(panel);
  pool.give(panels);
  pool.give(strip);
}

function padded(n: number): number {
  return (n + TILE - 1) & -TILE;
}

/** Where each matrix of the broadcast batch begins in an operand. */
export function matrixStarts(from: Shape, to: Shape): Int32Array {
  const batch = to.slice(0, -2);
  const own = from.slice(0, -2);
  const matrix = from[from.length - 2] * from[from.length - 1];
  const strides = broadcastStrides(own, batch);
  const starts = new Int32Array(sizeOf(batch));
  const index = new Array<number>(batch.length).fill(0);
  for (let b = 0; b < starts.length; b++) {
    let start = 0;
    for (let axis = 0; axis < batch.length; axis++) start += index[axis] * strides[axis];
    starts[b] = start * matrix;
    for (let axis = batch.length - 1; axis >= 0 && ++index[axis] === batch[axis]; axis--) index[axis] = 0;
  }
  return starts;
}

/** TILE rows (or columns) from `first`, interleaved: for each step of k their TILE numbers; zeros where it is ragged. */
function packPanel(from: Layout, start: number, first: number, k: number, packed: Float64Array, to: number): void {
  const { source, outer, outerStep, innerStep } = from;
  const end = to + k * TILE;
  if (outerStep === 1 && first + TILE <= outer) {
    let at = start + first;
    for (let i = to; i < end; i += TILE) {
      packed[i] = source[at];
      packed[i + 1] = source[at + 1];
      packed[i + 2] = source[at + 2];
      packed[i + 3] = source[at + 3];
      at += innerStep;
    }
    return;
  }
  for (let r = 0; r < TILE; r++) {
    if (first + r >= outer) {
      for (let i = to + r; i < end; i += TILE) packed[i] = 0;
      continue;
    }
    let at = start + (first + r) * outerStep;
    for (let i = to + r; i < end; i += TILE) {
      packed[i] = source[at];
      at += innerStep;
    }
  }
}

/**
 * Adds steps p0 .. p1 of k to TILE rows of the product: one left panel with every right panel.
 * The zeros of ragged panels only reach numbers that nobody reads.
 */
function addStrip(
  a: Float64Array,
  b: Float64Array,
  width: number,
  k: number,
  p0: number,
  p1: number,
  strip: Float64Array,
): void {
  const begin = p0 * TILE;
  const end = p1 * TILE;
  for (let j = 0; j < width; j += TILE) {
    const b0 = j * k;
    let c00 = 0;
    let c01 = 0;
    let c02 = 0;
    let c03 = 0;
    let c10 = 0;
    let c11 = 0;
    let c12 = 0;
    let c13 = 0;
    let c20 = 0;
    let c21 = 0;
    let c22 = 0;
    let c23 = 0;
    let c30 = 0;
    let c31 = 0;
    let c32 = 0;
    let c33 = 0;
    for (let p = begin; p < end; p += TILE) {
      const x0 = a[p];
      const x1 = a[p + 1];
      const x2 = a[p + 2];
      const x3 = a[p + 3];
      const y0 = b[b0 + p];
      const y1 = b[b0 + p + 1];
      const y2 = b[b0 + p + 2];
      const y3 = b[b0 + p + 3];
      c00 += x0 * y0;
      c01 += x0 * y1;
      c02 += x0 * y2;
      c03 += x0 * y3;
      c10 += x1 * y0;
      c11 += x1 * y1;
      c12 += x1 * y2;
      c13 += x1 * y3;
      c20 += x2 * y0;
      c21 += x2 * y1;
      c22 += x2 * y2;
      c23 += x2 * y3;
      c30 += x3 * y0;
      c31 += x3 * y1;
      c32 += x3 * y2;
      c33 += x3 * y3;
    }
    const r0 = j;
    const r1 = r0 + width;
    const r2 = r1 + width;
    const r3 = r2 + width;
    strip[r0] += c00;
    strip[r0 + 1] += c01;
    strip[r0 + 2] += c02;
    strip[r0 + 3] += c03;
    strip[r1] += c10;
    strip[r1 + 1] += c11;
    strip[r1 + 2] += c12;
    strip[r1 + 3] += c13;
    strip[r2] += c20;
    strip[r2 + 1] += c21;
    strip[r2 + 2] += c22;
    strip[r2 + 3] += c23;
    strip[r3] += c30;
    strip[r3 + 1] += c31;
    strip[r3 + 2] += c32;
    strip[r3 + 3] += c33;
  }
}

/** Copies the true columns of the strip into the result, rounding to its dtype. */
function store(strip: Float64Array, rows: number, n: number, out: TypedArray, start: number): void {
  const width = padded(n);
  let to = start;
  for (let r = 0; r < rows; r++) {
    for (let at = r * width, end = at + n; at < end; at++) out[to++] = strip[at];
  }
}
