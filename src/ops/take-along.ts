import { defineOp, run } from '../autograd/index.js';
import { assertShape, normalizeAxis, type Shape, showShape, type Tensor } from '../tensor/index.js';
import { invalid } from '../util/index.js';
import { assertIndexDType } from './gather.js';

// z[.., i, ..] = x[.., indices[.., i, ..], ..]      dz/dx = putAlongAdd
const takeAlongOp = defineOp<{ axis: number }>({
  name: 'takeAlong',
  dtype: ([x]) => x.dtype,
  show: ({ axis }) => `axis ${axis}`,
  shape: ([, indices]) => indices,
  forward: (backend, [x, indices], { axis }) => backend.takeAlong(x, indices, axis),
  vjp: ([x, indices], dz, { attrs: { axis } }) => [putAlongAdd(x.shape, indices, dz, axis), null],
});

// z = zeros with updates[.., i, ..] added at [.., indices[.., i, ..], ..]      dz/dupdates = takeAlong
const putAlongAddOp = defineOp<{ axis: number; shape: Shape }>({
  name: 'putAlongAdd',
  dtype: ([updates]) => updates.dtype,
  show: ({ axis }) => `axis ${axis}`,
  shape: (_shapes, { shape }) => shape,
  forward: (backend, [updates, indices], { axis, shape }) => backend.putAlongAdd(shape, indices, updates, axis),
  vjp: ([, indices], dz, { attrs: { axis } }) => [takeAlong(dz, indices, axis), null],
});

/**
 * One entry of x along `axis` for each element of `indices` (int32, of x's shape but for that axis).
 * @throws PopeError where an index is out of range or the other axes differ.
 */
export function takeAlong(x: Tensor, indices: Tensor, axis: number): Tensor {
  const at = normalizeAxis(axis, x.rank);
  assertAlong(x.shape, indices, at);
  return run(takeAlongOp, [x, indices], { axis: at });
}

/** The transpose of `takeAlong`: zeros of `shape` with `updates` (of the shape of `indices`) added; repeats add up. */
export function putAlongAdd(shape: Shape, indices: Tensor, updates: Tensor, axis: number): Tensor {
  assertShape('shape', shape);
  const at = normalizeAxis(axis, shape.length);
  assertAlong(shape, indices, at);
  if (showShape(updates.shape) !== showShape(indices.shape)) {
    throw invalid('updates.shape', updates.shape, `that of indices, ${showShape(indices.shape)}`);
  }
  return run(putAlongAddOp, [updates, indices], { axis: at, shape: [...shape] });
}

function assertAlong(shape: Shape, indices: Tensor, axis: number): void {
  assertIndexDType(indices);
  if (indices.rank !== shape.length || indices.shape.some((n, i) => i !== axis && n !== shape[i])) {
    throw invalid('indices.shape', indices.shape, `that of ${showShape(shape)} but for axis ${axis}`);
  }
}
