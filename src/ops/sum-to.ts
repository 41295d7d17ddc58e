import { defineOp, run } from '../autograd/index.js';
import {
  assertShape,
  broadcastShapes,
  normalizeAxes,
  reducedShape,
  type Shape,
  sameShape,
  showShape,
  type Tensor,
} from '../tensor/index.js';
import { invalid } from '../util/index.js';
import { reshape } from './reshape.js';

/** Options of every reduction. */
export interface ReduceOptions {
  /** Keep the reduced axes with size 1. */
  readonly keepDims?: boolean;
}

/** Axes to reduce: one, several, or all where absent; negative ones count from the end. */
export type Axes = number | readonly number[];

// z = sum of x over axes      dz/dx = 1 along them
const sumOp = defineOp<{ axes: readonly number[] }>({
  name: 'sum',
  show: ({ axes }) => `axes ${showShape(axes)}`,
  shape: ([shape], { axes }) => reducedShape(shape, axes, false),
  forward: (backend, [x], { axes }) => backend.reduce('sum', x, axes),
  vjp: ([x], dz, { attrs: { axes } }) => [expand(reshape(dz, reducedShape(x.shape, axes, true)), x.shape)],
});

// z = x stretched to a larger shape      dz/dx = sumTo
const expandOp = defineOp<{ shape: Shape }>({
  name: 'expand',
  shape: (_shapes, { shape }) => shape,
  forward: (backend, [x], { shape }) => backend.expand(x, shape),
  vjp: ([x], dz) => [sumTo(dz, x.shape)],
});

/** The sum over `axes`; 0 over an empty axis. @throws PopeError where an axis is outside of the rank. */
export function sum(x: Tensor, axes?: Axes, { keepDims = false }: ReduceOptions = {}): Tensor {
  const list = normalizeAxes(axes, x.rank);
  const z = list.length === 0 ? x : run(sumOp, [x], { axes: list });
  return keepDims || list.length === 0 ? reshape(z, reducedShape(x.shape, list, true)) : z;
}

/**
 * x stretched to `shape` as broadcasting does.
 * @throws PopeError where x does not broadcast to exactly this shape.
 */
export function expand(x: Tensor, shape: Shape): Tensor {
  assertShape('shape', shape);
  if (!sameShape(broadcastShapes([x.shape, shape]), shape)) {
    throw invalid('shape', shape, `a shape to which ${showShape(x.shape)} broadcasts`);
  }
  return sameShape(x.shape, shape) ? reshape(x, shape) : run(expandOp, [x], { shape: [...shape] });
}

/**
 * The transpose of `expand`: x summed over the axes along which `shape` would be stretched to x's.
 * x itself where the shapes are equal.
 * @throws PopeError where `shape` does not broadcast to x's.
 */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  if (!sameShape(broadcastShapes([x.shape, shape]), x.shape)) {
    throw invalid('shape', shape, `a shape that broadcasts to ${showShape(x.shape)}`);
  }
  const lead = x.rank - shape.length;
  const axes = x.shape.flatMap((n, axis) => (axis < lead || (shape[axis - lead] === 1 && n !== 1) ? [axis] : []));
  const z = sum(x, axes);
  return sameShape(z.shape, shape) ? z : reshape(z, shape);
}
