import { defineOp, run } from '../autograd/index.js';
import { normalizeAxis, type Shape, sameShape, showShape, type Tensor } from '../tensor/index.js';
import { PopeError } from '../util/index.js';
import { unsqueeze } from './reshape.js';
import { split } from './slice.js';

// z = xs behind each other along axis      dz/dxs = its parts
const concatOp = defineOp<{ axis: number }>({
  name: 'concat',
  show: ({ axis }) => `axis ${axis}`,
  shape: (shapes, { axis }) =>
    shapes[0].map((n, i) => (i === axis ? shapes.reduce((total, s) => total + s[axis], 0) : n)),
  forward: (backend, xs, { axis }) => backend.concat(xs, axis),
  vjp: (xs, dz, { attrs: { axis } }) =>
    split(
      dz,
      xs.map((x) => x.shape[axis]),
      axis,
    ),
});

/**
 * The tensors behind each other along `axis`.
 * @throws PopeError where there is none, or their other axes differ.
 */
export function concat(xs: readonly Tensor[], axis = 0): Tensor {
  if (xs.length === 0) throw new PopeError('concat got no tensors; expected at least one.', { argument: 'xs' });
  const at = normalizeAxis(axis, xs[0].rank);
  const rest = (shape: Shape): Shape => shape.map((n, i) => (i === at ? -1 : n));
  for (const x of xs) {
    if (!sameShape(rest(x.shape), rest(xs[0].shape))) {
      throw new PopeError(
        `concat got shapes ${showShape(xs[0].shape)} and ${showShape(x.shape)}; expected equal sizes beside axis ${at}.`,
        { argument: 'xs', got: x.shape },
      );
    }
  }
  return run(concatOp, xs, { axis: at });
}

/** Tensors of one shape along a new axis. */
export function stack(xs: readonly Tensor[], axis = 0): Tensor {
  return concat(
    xs.map((x) => unsqueeze(x, axis)),
    axis,
  );
}
