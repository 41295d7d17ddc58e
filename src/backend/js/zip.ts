import type { Shape, TypedArray } from '../../tensor/index.js';
import { broadcastStrides } from '../../tensor/index.js';
import type { Operand, ZipName } from '../backend.js';
import { GELU_CUBIC, GELU_LIMIT, GELU_SCALE } from './map.js';
import { arrayOf } from './operand.js';
import { forEachBlock, mergeAxes } from './walk.js';

/** Where a loop begins in one operand and how it steps: `row` an outer turn, `col` an inner one (0 repeats). */
interface Walk {
  at: number;
  readonly row: number;
  readonly col: number;
}

type Loop = (
  out: TypedArray,
  o: number,
  rows: number,
  cols: number,
  x: TypedArray,
  u: Walk,
  y: TypedArray,
  v: Walk,
) => void;

// One pair of loops a name: with steps of 0 and 1 it covers equal shapes, scalars, rows and columns alike.

const add: Loop = (out, o, rows, cols, x, u, y, v) => {
  const { col: p } = u;
  const { col: q } = v;
  for (let i = 0; i < rows; i++) {
    for (let a = u.at + i * u.row, b = v.at + i * v.row, end = o + cols; o < end; o++, a += p, b += q)
      out[o] = x[a] + y[b];
  }
};
const sub: Loop = (out, o, rows, cols, x, u, y, v) => {
  const { col: p } = u;
  const { col: q } = v;
  for (let i = 0; i < rows; i++) {
    for (let a = u.at + i * u.row, b = v.at + i * v.row, end = o + cols; o < end; o++, a += p, b += q)
      out[o] = x[a] - y[b];
  }
};
const mul: Loop = (out, o, rows, cols, x, u, y, v) => {
  const { col: p } = u;
  const { col: q } = v;
  for (let i = 0; i < rows; i++) {
    for (let a = u.at + i * u.row, b = v.at + i * v.row, end = o + cols; o < end; o++, a += p, b += q)
      out[o] = x[a] * y[b];
  }
};
const div: Loop = (out, o, rows, cols, x, u, y, v) => {
  const { col: p } = u;
  const { col: q } = v;
  for (let i = 0; i < rows; i++) {
    for (let a = u.at + i * u.row, b = v.at + i * v.row, end = o + cols; o < end; o++, a += p, b += q)
      out[o] = x[a] / y[b];
  }
};
const pow: Loop = (out, o, rows, cols, x, u, y, v) => {
  const { col: p } = u;
  const { col: q } = v;
  for (let i = 0; i < rows; i++) {
    for (let a = u.at + i * u.row, b = v.at + i * v.row, end = o + cols; o < end; o++, a += p, b += q)
      out[o] = x[a] ** y[b];
  }
};
const maximum: Loop = (out, o, rows, cols, x, u, y, v) => {
  const { col: p } = u;
  const { col: q } = v;
  for (let i = 0; i < rows; i++) {
    for (let a = u.at + i * u.row, b = v.at + i * v.row, end = o + cols; o < end; o++, a += p, b += q)
      out[o] = Math.max(x[a], y[b]);
  }
};
const minimum: Loop = (out, o, rows, cols, x, u, y, v) => {
  const { col: p } = u;
  const { col: q } = v;
  for (let i = 0; i < rows; i++) {
    for (let a = u.at + i * u.row, b = v.at + i * v.row, end = o + cols; o < end; o++, a += p, b += q)
      out[o] = Math.min(x[a], y[b]);
  }
};
const equal: Loop = (out, o, rows, cols, x, u, y, v) => {
  const { col: p } = u;
  const { col: q } = v;
  for (let i = 0; i < rows; i++) {
    for (let a = u.at + i * u.row, b = v.at + i * v.row, end = o + cols; o < end; o++, a += p, b += q)
      out[o] = x[a] === y[b] ? 1 : 0;
  }
};
const notEqual: Loop = (out, o, rows, cols, x, u, y, v) => {
  const { col: p } = u;
  const { col: q } = v;
  for (let i = 0; i < rows; i++) {
    for (let a = u.at + i * u.row, b = v.at + i * v.row, end = o + cols; o < end; o++, a += p, b += q)
      out[o] = x[a] !== y[b] ? 1 : 0;
  }
};
const less: Loop = (out, o, rows, cols, x, u, y, v) => {
  const { col: p } = u;
  const { col: q } = v;
  for (let i = 0; i < rows; i++) {
    for (let a = u.at + i * u.row, b = v.at + i * v.row, end = o + cols; o < end; o++, a += p, b += q)
      out[o] = x[a] < y[b] ? 1 : 0;
  }
};
const lessEqual: Loop = (out, o, rows, cols, x, u, y, v) => {
  const { col: p } = u;
  const { col: q } = v;
  for (let i = 0; i < rows; i++) {
    for (let a = u.at + i * u.row, b = v.at + i * v.row, end = o + cols; o < end; o++, a += p, b += q)
      out[o] = x[a] <= y[b] ? 1 : 0;
  }
};
const greater: Loop = (out, o, rows, cols, x, u, y, v) => {
  const { col: p } = u;
  const { col: q } = v;
  for (let i = 0; i < rows; i++) {
    for (let a = u.at + i * u.row, b = v.at + i * v.row, end = o + cols; o < end; o++, a += p, b += q)
      out[o] = x[a] > y[b] ? 1 : 0;
  }
};
const greaterEqual: Loop = (out, o, rows, cols, x, u, y, v) => {
  const { col: p } = u;
  const { col: q } = v;
  for (let i = 0; i < rows; i++) {
    for (let a = u.at + i * u.row, b = v.at + i * v.row, end = o + cols; o < end; o++, a += p, b += q)
      out[o] = x[a] >= y[b] ? 1 : 0;
  }
};
// Local, so that no bundler turns them into property reads inside of the loop.
const SCALE = GELU_SCALE;
const CUBIC = GELU_CUBIC;
const LIMIT = GELU_LIMIT;

// gelu'(x) y = (s + 2 x s (1 - s) u') y with s = 1/(1 + e^-2u); beyond the limit it is 0 or 1
const geluGrad: Loop = (out, o, rows, cols, x, u, y, v) => {
  const { col: p } = u;
  const { col: q } = v;
  for (let i = 0; i < rows; i++) {
    for (let a = u.at + i * u.row, b = v.at + i * v.row, end = o + cols; o < end; o++, a += p, b += q) {
      const t = Math.min(Math.max(x[a], -LIMIT), LIMIT);
      const s = 1 / (1 + Math.exp(-2 * SCALE * t * (1 + CUBIC * t * t)));
      out[o] = (s + 2 * t * s * (1 - s) * SCALE * (1 + 3 * CUBIC * t * t)) * y[b];
    }
  }
};

const zipLoops: Readonly<Record<ZipName, Loop>> = {
  add,
  sub,
  mul,
  div,
  pow,
  maximum,
  minimum,
  geluGrad,
  equal,
  notEqual,
  less,
  lessEqual,
  greater,
  greaterEqual,
}; // prettier-ignore

/** out_i = f(x_i, y_i), both broadcast to `shape`. */
export function zip(name: ZipName, out: TypedArray, x: Operand, y: Operand, shape: Shape): void {
  const loop = zipLoops[name];
  const nest = mergeAxes(shape, [broadcastStrides(x.shape, shape), broadcastStrides(y.shape, shape)]);
  const last = nest.sizes.length - 1;
  const [rows, cols] = [nest.sizes[last - 1], nest.sizes[last]];
  const walks = nest.steps.map((s) => ({ at: 0, row: s[last - 1], col: s[last] }));
  const [u, v] = walks;
  const xs = arrayOf(x);
  const ys = arrayOf(y);
  forEachBlock(nest, [0, 0], (output, offsets) => {
    u.at = offsets[0];
    v.at = offsets[1];
    loop(out, output, rows, cols, xs, u, ys, v);
  });
}
