import { defineOp, identity, run } from '../autograd/index.js';
import { type DType, isFloat, type Tensor } from '../tensor/index.js';

// z = x in another dtype      dz/dx = 1 between floats, none from or to int32
const castOp = defineOp<{ dtype: DType }>({
  name: 'cast',
  dtype: (_inputs, { dtype }) => dtype,
  shape: ([shape]) => shape,
  forward: (backend, [x], { dtype }) => backend.cast(x, dtype),
  vjp: ([x], dz) => [isFloat(x.dtype) && isFloat(dz.dtype) ? cast(dz, x.dtype) : null],
});

/**
 * x in another dtype; to int32 floats truncate toward zero. The gradient passes between float32 and float64.
 * @throws PopeError where a float has no int32 (NaN, infinite, or beyond 32 bits).
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? identity(x) : run(castOp, [x], { dtype });
}
