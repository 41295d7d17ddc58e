import { defineOp, run } from '../autograd/index.js';
import {
  assertShape,
  normalizeAxes,
  normalizeAxis,
  type Shape,
  showShape,
  sizeOf,
  type Tensor,
} from '../tensor/index.js';
import { invalid } from '../util/index.js';

// z = x under another shape      dz/dx = 1
const reshapeOp = defineOp<{ shape: Shape }>({
  name: 'reshape',
  shape: (_shapes, { shape }) => shape,
  forward: null,
  vjp: ([x], dz) => [reshape(dz, x.shape)],
});

/**
 * The same numbers in row-major order under another shape; shares the buffer.
 * @param shape sizes, one of which may be -1 and is then found from the others.
 * @throws PopeError where the sizes do not agree.
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const unknown = shape.indexOf(-1);
  const known = sizeOf(shape.filter((_, i) => i !== unknown));
  const full = unknown < 0 ? [...shape] : shape.map((n, i) => (i === unknown ? x.size / known : n));
  if (unknown >= 0 && !Number.isInteger(full[unknown])) {
    throw invalid('shape', shape, `sizes that divide the ${x.size} elements of ${showShape(x.shape)}`);
  }
  assertShape('shape', full);
  if (sizeOf(full) !== x.size)
    throw invalid('shape', shape, `a shape of ${x.size} elements, as ${showShape(x.shape)} has`);
  return run(reshapeOp, [x], { shape: full });
}

/** x without its axes of size 1, or without the given ones. @throws PopeError where a given axis has another size. */
export function squeeze(x: Tensor, axes?: number | readonly number[]): Tensor {
  const list = axes === undefined ? x.shape.flatMap((n, i) => (n === 1 ? [i] : [])) : normalizeAxes(axes, x.rank);
  for (const axis of list)
    if (x.shape[axis] !== 1) throw invalid('axes', axes, `axes of size 1 of ${showShape(x.shape)}`);
  return reshape(
    x,
    x.shape.filter((_, i) => !list.includes(i)),
  );
}

/** x with a new axis of size 1 at `axis` of the result. */
export function unsqueeze(x: Tensor, axis: number): Tensor {
  const at = normalizeAxis(axis, x.rank + 1);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}
