import { defineOp, run } from '../autograd/index.js';
import type { Tensor } from '../tensor/index.js';
import { mul } from './arithmetic.js';
import { assertFloat } from './operands.js';
import { unaryOp } from './unary-op.js';

// y = -x      dy/dx = -1
const negOp = unaryOp('neg', (_x, dz) => neg(dz));
/** -x. */
export const neg = (x: Tensor): Tensor => run(negOp, [x]);

// y = |x|      dy/dx = sign x, 0 at 0
const absOp = unaryOp('abs', (x, dz) => mul(dz, sign(x)));
/** |x|; its gradient at 0 is 0. */
export const abs = (x: Tensor): Tensor => run(absOp, [x]);

// y = sign x      dy/dx = 0
const signOp = defineOp({
  name: 'sign',
  shape: ([shape]) => shape,
  forward: (backend, [x]) => backend.map('sign', x),
  vjp: null,
});
/** -1, 0 or 1; its gradient is 0 everywhere. */
export const sign = (x: Tensor): Tensor => run(signOp, [x]);

// y = x^2      dy/dx = 2 x
const squareOp = unaryOp('square', (x, dz) => mul(dz, mul(x, 2)));
/** x^2. */
export function square(x: Tensor): Tensor {
  assertFloat('square', x);
  return run(squareOp, [x]);
}

// y = 1/x      dy/dx = -y^2
const reciprocalOp = unaryOp('reciprocal', (_x, dz, y) => neg(mul(dz, square(y))));
/** 1/x. */
export function reciprocal(x: Tensor): Tensor {
  assertFloat('reciprocal', x);
  return run(reciprocalOp, [x]);
}
