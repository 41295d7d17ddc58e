import { defineOp, run } from '../autograd/index.js';
import { normalizeAxis, showShape, type Tensor } from '../tensor/index.js';
import { invalid } from '../util/index.js';

// axis i of z is axis axes_i of x      dz/dx = the inverse permutation
const permuteOp = defineOp<{ axes: readonly number[] }>({
  name: 'permute',
  show: ({ axes }) => `axes ${showShape(axes)}`,
  shape: ([shape], { axes }) => axes.map((axis) => shape[axis]),
  forward: (backend, [x], { axes }) => backend.permute(x, axes),
  vjp: (_inputs, dz, { attrs: { axes } }) => [
    permute(
      dz,
      axes.map((_, i) => axes.indexOf(i)),
    ),
  ],
});

/**
 * x with its axes in another order; reversed where `axes` is absent.
 * @throws PopeError where `axes` is not a permutation of all of them.
 */
export function permute(x: Tensor, axes?: readonly number[]): Tensor {
  const order = axes?.map((axis) => normalizeAxis(axis, x.rank, 'axes')) ?? x.shape.map((_, i) => x.rank - 1 - i);
  if (order.length !== x.rank || new Set(order).size !== x.rank) {
    throw invalid('axes', axes, `each of the ${x.rank} axes of ${showShape(x.shape)} once`);
  }
  return run(permuteOp, [x], { axes: order });
}

/** The last two axes exchanged. @throws PopeError below rank 2. */
export function transpose(x: Tensor): Tensor {
  if (x.rank < 2) throw invalid('x', x.shape, 'a tensor of at least 2 axes');
  const last = x.rank - 1;
  return permute(
    x,
    x.shape.map((_, i) => (i === last ? last - 1 : i === last - 1 ? last : i)),
  );
}
