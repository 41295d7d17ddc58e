import type { Backend, Operand } from '../backend/index.js';
import { type DType, type Handle, type Shape, sizeOf } from '../tensor/index.js';

/**
 * For a forward of several verbs: `hold` turns the result of one verb into an operand of the next,
 * and what was held is freed at the end.
 */
export function withScratch<T>(
  backend: Backend,
  fn: (hold: (handle: Handle, shape: Shape, dtype: DType) => Operand) => T,
): T {
  const held: Operand[] = [];
  try {
    return fn((handle, shape, dtype) => {
      const operand = { handle, shape, dtype, size: sizeOf(shape) };
      held.push(operand);
      return operand;
    });
  } finally {
    for (const { handle, dtype, size } of held) backend.free(handle, dtype, size);
  }
}
