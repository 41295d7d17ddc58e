import { normalizeAxis, showShape, type Tensor } from '../tensor/index.js';
import { invalid } from '../util/index.js';
import { permute } from './permute.js';

/**
 * Runs an op of the last axis along another one.
 * @throws PopeError where x is a scalar or int32, or has no such axis.
 */
export function alongAxis(name: string, x: Tensor, axis: number, op: (x: Tensor) => Tensor): Tensor {
  if (x.rank === 0) throw invalid(`x of ${name}`, showShape(x.shape), 'a tensor of at least one axis');
  if (x.dtype === 'int32') throw invalid(`dtype of ${name}`, x.dtype, 'float32 or float64', 'Convert with cast().');
  const last = x.rank - 1;
  const at = normalizeAxis(axis, x.rank);
  if (at === last) return op(x);
  // Swapping two axes is its own inverse.
  const swap = x.shape.map((_, i) => (i === at ? last : i === last ? at : i));
  return permute(op(permute(x, swap)), swap);
}
