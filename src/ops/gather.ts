import { defineOp, run } from '../autograd/index.js';
import {
  assertShape,
  type DType,
  normalizeAxis,
  type Shape,
  sameShape,
  showShape,
  type Tensor,
} from '../tensor/index.js';
import { assertInteger, invalid } from '../util/index.js';

// z[.., i.., ..] = x[.., indices[i..], ..]      dz/dx = scatterAdd
const gatherOp = defineOp<{ axis: number }>({
  name: 'gather',
  dtype: ([x]) => x.dtype,
  show: ({ axis }) => `axis ${axis}`,
  shape: ([x, indices], { axis }) => [...x.slice(0, axis), ...indices, ...x.slice(axis + 1)],
  forward: (backend, [x, indices], { axis }) => backend.gather(x, indices, axis),
  vjp: ([x, indices], dz, { attrs: { axis } }) => [scatterAdd(x.shape, indices, dz, axis), null],
});

// z = zeros with updates[.., i.., ..] added at [.., indices[i..], ..]      dz/dupdates = gather
const scatterAddOp = defineOp<{ axis: number; shape: Shape }>({
  name: 'scatterAdd',
  dtype: ([updates]) => updates.dtype,
  show: ({ axis }) => `axis ${axis}`,
  shape: (_shapes, { shape }) => shape,
  forward: (backend, [updates, indices], { axis, shape }) => backend.scatterAdd(shape, indices, updates, axis),
  vjp: ([, indices], dz, { attrs: { axis } }) => [gather(dz, indices, axis), null],
});

export function assertIndexDType(indices: { readonly dtype: DType }): void {
  if (indices.dtype !== 'int32') throw invalid('indices', indices.dtype, 'an int32 tensor', 'Convert it with cast().');
}

/**
 * Entries of x along `axis` by index; the axis is replaced by the axes of `indices` (int32, 0 to size - 1).
 * @throws PopeError where an index is out of range, naming it and the size.
 */
export function gather(x: Tensor, indices: Tensor, axis = 0): Tensor {
  assertIndexDType(indices);
  return run(gatherOp, [x, indices], { axis: normalizeAxis(axis, x.rank) });
}

/**
 * The transpose of `gather`: zeros of `shape` to which `updates` are added at `indices` along `axis`; repeats add up.
 * @throws PopeError where an index is out of range, or the shape of `updates` is not that of a gather.
 */
export function scatterAdd(shape: Shape, indices: Tensor, updates: Tensor, axis = 0): Tensor {
  assertShape('shape', shape);
  assertIndexDType(indices);
  const at = normalizeAxis(axis, shape.length);
  const expected = [...shape.slice(0, at), ...indices.shape, ...shape.slice(at + 1)];
  if (!sameShape(updates.shape, expected)) throw invalid('updates.shape', updates.shape, showShape(expected));
  return run(scatterAddOp, [updates, indices], { axis: at, shape: [...shape] });
}

/** Rows of a table [N, ...] by index [...]: `gather` along axis 0. */
export const embedding = (table: Tensor, indices: Tensor): Tensor => gather(table, indices, 0);

/** x [M, ...] -> [segments, ...]: the sum of the rows of each segment; segmentOf is int32 [M]. */
export function segmentSum(x: Tensor, segmentOf: Tensor, segments: number): Tensor {
  assertInteger('segments', segments, 0);
  if (x.rank < 1) throw invalid('x', x.shape, 'a tensor of at least 1 axis');
  return scatterAdd([segments, ...x.shape.slice(1)], segmentOf, x, 0);
}
