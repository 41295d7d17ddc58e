import { defineOp, run } from '../autograd/index.js';
import { backendOf } from '../backend/index.js';
import type { Tensor } from '../tensor/index.js';
import { mul, sub } from './arithmetic.js';
import { logSoftmaxComposed, softmaxComposed } from './composed.js';
import { exp } from './exponential.js';
import { alongAxis } from './last-axis.js';
import { sum } from './sum-to.js';
import { neg } from './unary.js';

const rowSum = (x: Tensor): Tensor => sum(x, -1, { keepDims: true });

// y = softmax(x)      dx = y (dy - sum(dy y))
const softmaxOp = defineOp({
  name: 'softmax',
  shape: ([shape]) => shape,
  forward: (backend, [x]) => backend.softmax!(x),
  vjp: (_inputs, dy, { out }) => [softmaxGrad(out, dy)],
});

// z = y (dy - sum(dy y))      d(y) = dz (dy - sum(dy y)) - dy sum(dz y),  d(dy) = y (dz - sum(dz y))
const softmaxGradOp = defineOp({
  name: 'softmaxGrad',
  shape: ([shape]) => shape,
  forward: (backend, [y, dy]) => backend.softmaxGrad!(y, dy),
  vjp: ([y, dy], dz, { needs }) => [
    needs[0] ? sub(mul(dz, sub(dy, rowSum(mul(dy, y)))), mul(dy, rowSum(mul(dz, y)))) : null,
    needs[1] ? softmaxGrad(y, dz) : null,
  ],
});

function softmaxGrad(y: Tensor, dy: Tensor): Tensor {
  return backendOf(y).softmaxGrad ? run(softmaxGradOp, [y, dy]) : mul(y, sub(dy, rowSum(mul(dy, y))));
}

// y = x - log sum exp x      dx = dy - exp(y) sum(dy)
const logSoftmaxOp = defineOp({
  name: 'logSoftmax',
  shape: ([shape]) => shape,
  forward: (backend, [x]) => backend.logSoftmax!(x),
  vjp: (_inputs, dy, { out }) => [logSoftmaxGrad(out, dy)],
});

// z = dy - exp(y) sum(dy)      d(y) = -dz exp(y) sum(dy),  d(dy) = dz - sum(dz exp(y))
const logSoftmaxGradOp = defineOp({
  name: 'logSoftmaxGrad',
  shape: ([shape]) => shape,
  forward: (backend, [y, dy]) => backend.logSoftmaxGrad!(y, dy),
  vjp: ([y, dy], dz, { needs }) => {
    const weighted = mul(dz, exp(y));
    return [needs[0] ? neg(mul(weighted, rowSum(dy))) : null, needs[1] ? sub(dz, rowSum(weighted)) : null];
  },
});

function logSoftmaxGrad(y: Tensor, dy: Tensor): Tensor {
  return backendOf(y).logSoftmaxGrad ? run(logSoftmaxGradOp, [y, dy]) : sub(dy, mul(exp(y), rowSum(dy)));
}

/** Which axis sums to one; the last by default. */
export interface SoftmaxOptions {
  readonly axis?: number;
}

/**
 * exp(x) / sum exp(x) along an axis, stable for any finite x. A row of -Infinity alone gives NaN.
 * @param x floats of at least one axis.
 * @throws PopeError where x is a scalar or int32, or has no such axis.
 */
export function softmax(x: Tensor, { axis = -1 }: SoftmaxOptions = {}): Tensor {
  return alongAxis('softmax', x, axis, (rows) =>
    backendOf(rows).softmax ? run(softmaxOp, [rows]) : softmaxComposed(rows),
  );
}

/**
 * x - log sum exp(x) along an axis, stable for any finite x. A row of -Infinity alone gives NaN.
 * @param x floats of at least one axis.
 * @throws PopeError where x is a scalar or int32, or has no such axis.
 */
export function logSoftmax(x: Tensor, { axis = -1 }: SoftmaxOptions = {}): Tensor {
  return alongAxis('logSoftmax', x, axis, (rows) =>
    backendOf(rows).logSoftmax ? run(logSoftmaxOp, [rows]) : logSoftmaxComposed(rows),
  );
}
