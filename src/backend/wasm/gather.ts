import { bytesPerElement, sizeOf } from '../../tensor/index.js';
import type { Backend, Operand } from '../backend.js';
import { indexError } from '../js/gather.js';
import { type Engine, suffixOf } from './engine.js';
import type { Kernels } from './kernels.js';
import { addressOf } from './memory.js';

/** Bytes of a piece that is worth another thread's while. */
const BYTES = 1 << 17;

/** `gather` of any dtype and `scatterAdd` of floats as copies and sums of rows; int32 goes to `other`. */
export function gatherVerbs(
  { memory, dispatch }: Engine,
  kernels: Kernels,
  other: Pick<Backend, 'scatterAdd'>,
): Pick<Backend, 'gather' | 'scatterAdd'> {
  const check = (indices: Operand, size: number, axis: number): void => {
    const bad = kernels.firstOutside(addressOf(indices), indices.size, 0, size);
    if (bad >= 0) throw indexError(bad, memory.int32[addressOf(indices) / 4 + bad], size, axis);
  };
  return {
    gather(x, indices, axis) {
      const size = x.shape[axis];
      check(indices, size, axis);
      const outer = sizeOf(x.shape.slice(0, axis));
      const bytes = sizeOf(x.shape.slice(axis + 1)) * bytesPerElement[x.dtype];
      const rows = outer * indices.size;
      const out = memory.allocate(rows * bytes);
      const args = [addressOf(x), size, addressOf(indices), indices.size, bytes, out.address];
      if (rows * bytes > 0) dispatch('gatherRows', rows, Math.ceil(BYTES / bytes), args);
      return out;
    },
    scatterAdd(shape, indices, updates, axis) {
      if (updates.dtype === 'int32') return other.scatterAdd(shape, indices, updates, axis);
      const size = shape[axis];
      check(indices, size, axis);
      const outer = sizeOf(shape.slice(0, axis));
      const inner = sizeOf(shape.slice(axis + 1));
      const out = memory.allocate(outer * size * inner * bytesPerElement[updates.dtype]);
      const args = [addressOf(updates), size, addressOf(indices), indices.size, inner, out.address];
      if (outer * size * inner > 0) dispatch(`scatterRows_${suffixOf(updates.dtype)}`, outer, 1, args);
      return out;
    },
  };
}
