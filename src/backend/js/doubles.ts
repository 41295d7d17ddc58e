import type { DType, TypedArray } from '../../tensor/index.js';
import type { Operand } from '../backend.js';
import type { Pool } from './pool.js';

// The fused kernels and matmul compute in float64 scratch whatever the dtype is. One kind of array keeps V8's code
// monomorphic when float32 and float64 are used in one program, and float32 results are rounded only once.

/** A float64 copy of an operand, to be overwritten at will. Give it back with `fromDoubles` or `pool.give`. */
export function toDoubles(pool: Pool, x: Operand): Float64Array {
  const doubles = takeDoubles(pool, x.size);
  doubles.set(x.handle as TypedArray);
  return doubles;
}

/** Uninitialised float64 scratch. */
export function takeDoubles(pool: Pool, size: number): Float64Array {
  return pool.take('float64', size) as Float64Array;
}

/** The result as its dtype wants it; the scratch is given back, or is itself the result. */
export function fromDoubles(pool: Pool, dtype: DType, doubles: Float64Array): TypedArray {
  if (dtype === 'float64') return doubles;
  const out = pool.take(dtype, doubles.length);
  out.set(doubles);
  pool.give(doubles);
  return out;
}
