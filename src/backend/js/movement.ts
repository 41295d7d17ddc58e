import { broadcastStrides, type Shape, sizeOf, stridesOf, type TypedArray } from '../../tensor/index.js';
import type { Operand } from '../backend.js';
import { arrayOf } from './operand.js';
import { forEachBlock, mergeAxes, permutedStrides } from './walk.js';

/** Below this length a plain loop beats the engine's block copy. */
const BULK = 48;
/** Side of the square tiles in which a transposition goes, so that both sides stay in the cache. */
const TILE = 32;

function copyRun(out: TypedArray, o: number, x: TypedArray, a: number, n: number): void {
  if (n >= BULK) out.set(x.subarray(a, a + n), o);
  else for (let j = 0; j < n; j++) out[o + j] = x[a + j];
}

/** out[i, j] = x[at + i row + j col], in tiles. */
function copyTiled(
  out: TypedArray,
  o: number,
  x: TypedArray,
  at: number,
  rows: number,
  cols: number,
  row: number,
  col: number,
): void {
  for (let i0 = 0; i0 < rows; i0 += TILE) {
    const i1 = Math.min(rows, i0 + TILE);
    for (let j0 = 0; j0 < cols; j0 += TILE) {
      const j1 = Math.min(cols, j0 + TILE);
      for (let i = i0; i < i1; i++) {
        for (let j = j0, a = at + i * row + j0 * col, z = o + i * cols + j0; j < j1; j++, a += col, z++) out[z] = x[a];
      }
    }
  }
}

/** out[i...] = x[start + sum_k i_k strides_k], out contiguous of `shape`. */
function copyStrided(out: TypedArray, x: TypedArray, start: number, shape: Shape, strides: readonly number[]): void {
  const nest = mergeAxes(shape, [strides]);
  const last = nest.sizes.length - 1;
  const [rows, cols] = [nest.sizes[last - 1], nest.sizes[last]];
  const [steps] = nest.steps;
  const [row, col] = [steps[last - 1], steps[last]];
  forEachBlock(nest, [start], (output, [at]) => {
    if (col === 1) for (let i = 0; i < rows; i++) copyRun(out, output + i * cols, x, at + i * row, cols);
    else if (col === 0)
      for (let i = 0; i < rows; i++) out.fill(x[at + i * row], output + i * cols, output + (i + 1) * cols);
    else copyTiled(out, output, x, at, rows, cols, row, col);
  });
}

/** Axis i of the result is axis `axes[i]` of x. */
export function permute(out: TypedArray, x: Operand, axes: readonly number[]): void {
  const shape = axes.map((axis) => x.shape[axis]);
  copyStrided(out, arrayOf(x), 0, shape, permutedStrides(x.shape, axes));
}

/** x stretched to `shape`. */
export function expand(out: TypedArray, x: Operand, shape: Shape): void {
  copyStrided(out, arrayOf(x), 0, shape, broadcastStrides(x.shape, shape));
}

/** The block of `sizes` that begins at `starts`. */
export function slice(out: TypedArray, x: Operand, starts: readonly number[], sizes: readonly number[]): void {
  const strides = stridesOf(x.shape);
  copyStrided(
    out,
    arrayOf(x),
    starts.reduce((at, s, i) => at + s * strides[i], 0),
    sizes,
    strides,
  );
}

/** x inside of out (of shape `shape`), at `before`; `value` around it. */
export function pad(out: TypedArray, x: Operand, before: readonly number[], shape: Shape, value: number): void {
  out.fill(value);
  const strides = stridesOf(shape);
  // The walk is over x, and its one strided operand is the output.
  const nest = mergeAxes(x.shape, [strides]);
  const last = nest.sizes.length - 1;
  const [rows, cols] = [nest.sizes[last - 1], nest.sizes[last]];
  const [steps] = nest.steps;
  const [row, col] = [steps[last - 1], steps[last]];
  const xs = arrayOf(x);
  forEachBlock(nest, [before.reduce((at, b, i) => at + b * strides[i], 0)], (from, [at]) => {
    for (let i = 0; i < rows; i++) {
      if (col === 1) copyRun(out, at + i * row, xs, from + i * cols, cols);
      else for (let j = 0; j < cols; j++) out[at + i * row + j * col] = xs[from + i * cols + j];
    }
  });
}

/** xs behind each other along `axis`. */
export function concat(out: TypedArray, xs: readonly Operand[], axis: number): void {
  const outer = sizeOf(xs[0].shape.slice(0, axis));
  const runs = xs.map((x) => sizeOf(x.shape.slice(axis)));
  const total = runs.reduce((s, n) => s + n, 0);
  let begin = 0;
  xs.forEach((x, k) => {
    const from = arrayOf(x);
    const n = runs[k];
    for (let i = 0; i < outer; i++) copyRun(out, i * total + begin, from, i * n, n);
    begin += n;
  });
}
