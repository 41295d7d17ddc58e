import { defineOp, run } from '../autograd/index.js';
import type { ReduceName } from '../backend/index.js';
import { normalizeAxes, normalizeAxis, reducedShape, showShape, sizeOf, type Tensor } from '../tensor/index.js';
import { invalid, PopeError } from '../util/index.js';
import { div, mul, sub } from './arithmetic.js';
import { cast } from './cast.js';
import { equal } from './compare.js';
import { assertFloat } from './operands.js';
import { reshape } from './reshape.js';
import { type Axes, type ReduceOptions, sum } from './sum-to.js';
import { square } from './unary.js';

// z = the largest (smallest) of x over axes      dz/dx = 1 at it, shared equally among ties
const extremeOp = defineOp<{ name: ReduceName; axes: readonly number[] }>({
  name: 'extreme',
  show: ({ name, axes }) => `${name} axes ${showShape(axes)}`,
  shape: ([shape], { axes }) => reducedShape(shape, axes, false),
  forward: (backend, [x], { name, axes }) => backend.reduce(name, x, axes),
  vjp: ([x], dz, { out, attrs: { axes } }) => {
    const kept = reducedShape(x.shape, axes, true);
    const hits = cast(equal(x, reshape(out, kept)), x.dtype);
    return [mul(div(reshape(dz, kept), sum(hits, axes, { keepDims: true })), hits)];
  },
});

function extreme(name: 'max' | 'min', x: Tensor, axes: Axes | undefined, keepDims: boolean): Tensor {
  const list = normalizeAxes(axes, x.rank);
  if (x.dtype === 'int32' && sizeOf(list.map((axis) => x.shape[axis])) === 0) {
    throw invalid('x', x.shape, `at least one element along the axes of ${name}: int32 has no infinity`);
  }
  const z = run(extremeOp, [x], { name, axes: list });
  return keepDims ? reshape(z, reducedShape(x.shape, list, true)) : z;
}

/** The largest over `axes`; NaN wins; -Infinity over an empty axis. Ties share the gradient equally. */
export const max = (x: Tensor, axes?: Axes, { keepDims = false }: ReduceOptions = {}): Tensor =>
  extreme('max', x, axes, keepDims);

/** The smallest over `axes`; NaN wins; Infinity over an empty axis. Ties share the gradient equally. */
export const min = (x: Tensor, axes?: Axes, { keepDims = false }: ReduceOptions = {}): Tensor =>
  extreme('min', x, axes, keepDims);

/** The mean over `axes` of floats. @throws PopeError where there is nothing to average. */
export function mean(x: Tensor, axes?: Axes, { keepDims = false }: ReduceOptions = {}): Tensor {
  assertFloat('mean', x);
  const count = sizeOf(normalizeAxes(axes, x.rank).map((axis) => x.shape[axis]));
  if (count === 0) {
    throw new PopeError(`mean got a tensor of shape ${showShape(x.shape)}; expected at least one element to average.`, {
      argument: 'x',
      got: x.shape,
    });
  }
  return mul(sum(x, axes, { keepDims }), 1 / count);
}

/** The mean squared distance from the mean over `axes` (divided by n, not n - 1). */
export function variance(x: Tensor, axes?: Axes, { keepDims = false }: ReduceOptions = {}): Tensor {
  return mean(square(sub(x, mean(x, axes, { keepDims: true }))), axes, { keepDims });
}

// z = index of the first largest along axis; int32, without derivative
const argmaxOp = defineOp<{ axis: number }>({
  name: 'argmax',
  dtype: () => 'int32',
  show: ({ axis }) => `axis ${axis}`,
  shape: ([shape], { axis }) => reducedShape(shape, [axis], false),
  forward: (backend, [x], { axis }) => backend.argmax(x, axis),
  vjp: null,
});

/** Index of the first largest along `axis` (int32); a NaN counts as the largest. @throws PopeError for an empty axis. */
export function argmax(x: Tensor, axis = -1): Tensor {
  const at = normalizeAxis(axis, x.rank);
  if (x.shape[at] === 0) throw invalid('x', x.shape, `at least one element along axis ${at}`);
  return run(argmaxOp, [x], { axis: at });
}
