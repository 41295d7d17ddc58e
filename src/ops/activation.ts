import { defineOp, type Op, run } from '../autograd/index.js';
import type { Tensor } from '../tensor/index.js';
import { add, mul, sub } from './arithmetic.js';
import { greater } from './compare.js';
import { assertFloat } from './operands.js';
import { square } from './unary.js';
import { unaryOp } from './unary-op.js';
import { clip, where } from './where.js';

// y = tanh x      dy/dx = 1 - y^2
const tanhOp = unaryOp('tanh', (_x, dy, y) => mul(dy, sub(1, square(y))));
/** Hyperbolic tangent of floats. */
export function tanh(x: Tensor): Tensor {
  assertFloat('tanh', x);
  return run(tanhOp, [x]);
}

// y = 1/(1 + e^-x)      dy/dx = y (1 - y)
const sigmoidOp = unaryOp('sigmoid', (_x, dy, y) => mul(dy, mul(y, sub(1, y))));
/** Logistic function; no overflow at either end. */
export function sigmoid(x: Tensor): Tensor {
  assertFloat('sigmoid', x);
  return run(sigmoidOp, [x]);
}

// y = log(1 + e^x)      dy/dx = sigmoid x
const softplusOp = unaryOp('softplus', (x, dy) => mul(dy, sigmoid(x)));
/** log(1 + e^x); no overflow at either end. */
export function softplus(x: Tensor): Tensor {
  assertFloat('softplus', x);
  return run(softplusOp, [x]);
}

// y = max(x, 0)      dy/dx = [x > 0]
const reluOp = unaryOp('relu', (x, dy) => where(greater(x, 0), dy, 0));
/** max(x, 0); its gradient at 0 is 0; NaN stays NaN. */
export function relu(x: Tensor): Tensor {
  assertFloat('relu', x);
  return run(reluOp, [x]);
}

// y = x (1 + tanh u)/2 = x s,  u = c (x + a x^3),  s = sigmoid(2u),  c = sqrt(2/pi),  a = 0.044715
const geluOp = unaryOp('gelu', (x, dy) => geluGrad(x, dy));

// z = gelu'(x) dy = (s + 2 x p u') dy,  p = s (1 - s)
//      dz/dy = gelu'(x),  dz/dx = gelu''(x) dy = p (4 u' + 2 x (2 u'^2 (1 - 2 s) + u'')) dy
const geluGradOp: Op<void> = defineOp({
  name: 'geluGrad',
  shape: ([shape]) => shape,
  forward: (backend, [x, dy], _attrs, shape) => backend.zip('geluGrad', x, dy, shape),
  vjp: ([x, dy], dz, { needs }) => [
    needs[0] ? mul(mul(dz, dy), geluSecond(x)) : null,
    needs[1] ? run(geluGradOp, [x, dz]) : null,
  ],
});

/** gelu'(x) dy: for the vjp of what ends with a gelu. */
export const geluGrad = (x: Tensor, dy: Tensor): Tensor => run(geluGradOp, [x, dy]);

const C = Math.sqrt(2 / Math.PI);
const A = 0.044715;

/** gelu''; cut at 64, where it is 0 to the last bit, so that no power overflows and none of its derivatives does. */
function geluSecond(wide: Tensor): Tensor {
  const x = clip(wide, -64, 64);
  const s = sigmoid(mul(mul(x, add(mul(square(x), A), 1)), 2 * C));
  const p = mul(s, sub(1, s));
  const u1 = mul(add(mul(square(x), 3 * A), 1), C);
  const u2 = mul(x, 6 * A * C);
  const bend = add(mul(mul(square(u1), 2), sub(1, mul(s, 2))), u2);
  return mul(p, add(mul(u1, 4), mul(mul(x, 2), bend)));
}

/** The activation of GPT-2: x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))/2. */
export function gelu(x: Tensor): Tensor {
  assertFloat('gelu', x);
  return run(geluOp, [x]);
}
