import type { DType, TypedArray } from '../../tensor/index.js';
import { invalid } from '../../util/index.js';
import type { Operand } from '../backend.js';
import { arrayOf } from './operand.js';

/**
 * out = x in another dtype; to int32 a float truncates toward zero.
 * @throws PopeError where a float has no int32: NaN, infinite, or beyond 32 bits.
 */
export function cast(out: TypedArray, x: Operand, dtype: DType): void {
  const xs = arrayOf(x);
  if (dtype === 'int32' && x.dtype !== 'int32') {
    for (let i = 0; i < xs.length; i++) {
      if (!(xs[i] > -2147483649 && xs[i] < 2147483648)) {
        throw invalid(`element ${i} of a cast to int32`, xs[i], 'a number that truncates to a 32-bit integer');
      }
    }
  }
  out.set(xs);
}
