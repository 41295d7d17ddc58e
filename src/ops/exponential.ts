import { run } from '../autograd/index.js';
import type { Tensor } from '../tensor/index.js';
import { add, div, mul } from './arithmetic.js';
import { assertFloat } from './operands.js';
import { square } from './unary.js';
import { unaryOp } from './unary-op.js';

// y = e^x      dy/dx = y
const expOp = unaryOp('exp', (_x, dy, y) => mul(dy, y));
/** e^x of floats. */
export function exp(x: Tensor): Tensor {
  assertFloat('exp', x);
  return run(expOp, [x]);
}

// y = log x      dy/dx = 1/x
const logOp = unaryOp('log', (x, dy) => div(dy, x));
/** Natural logarithm of floats; -Infinity at 0, NaN below. */
export function log(x: Tensor): Tensor {
  assertFloat('log', x);
  return run(logOp, [x]);
}

// y = log(1 + x)      dy/dx = 1/(1 + x)
const log1pOp = unaryOp('log1p', (x, dy) => div(dy, add(x, 1)));
/** log(1 + x), exact near 0. */
export function log1p(x: Tensor): Tensor {
  assertFloat('log1p', x);
  return run(log1pOp, [x]);
}

// y = e^x - 1      dy/dx = e^x
const expm1Op = unaryOp('expm1', (x, dy) => mul(dy, exp(x)));
/** e^x - 1, exact near 0. */
export function expm1(x: Tensor): Tensor {
  assertFloat('expm1', x);
  return run(expm1Op, [x]);
}

// y = sqrt x      dy/dx = 1/(2 y)
const sqrtOp = unaryOp('sqrt', (_x, dy, y) => div(dy, mul(y, 2)));
/** Square root of floats; its gradient at 0 is infinite. */
export function sqrt(x: Tensor): Tensor {
  assertFloat('sqrt', x);
  return run(sqrtOp, [x]);
}

// y = 1/sqrt x      dy/dx = -y^3/2
const rsqrtOp = unaryOp('rsqrt', (_x, dy, y) => mul(mul(dy, -0.5), mul(square(y), y)));
/** 1/sqrt(x) of floats. */
export function rsqrt(x: Tensor): Tensor {
  assertFloat('rsqrt', x);
  return run(rsqrtOp, [x]);
}
