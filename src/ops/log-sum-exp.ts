import { defineOp, run } from '../autograd/index.js';
import { normalizeAxes, reducedShape, showShape, type Tensor } from '../tensor/index.js';
import { mul, sub } from './arithmetic.js';
import { equal } from './compare.js';
import { exp } from './exponential.js';
import { assertFloat } from './operands.js';
import { reshape } from './reshape.js';
import { withScratch } from './scratch.js';
import type { Axes, ReduceOptions } from './sum-to.js';
import { where } from './where.js';

// z = log sum e^x over axes = m + log sum e^(x - m),  m the maximum      dz/dx = e^(x - z)
// Where the maximum is infinite nothing is subtracted: of -Infinity alone the sum is 0, its logarithm -Infinity,
// and its gradient 0. Beside +Infinity every finite entry has the gradient 0, and +Infinity itself NaN.
const logSumExpOp = defineOp<{ axes: readonly number[] }>({
  name: 'logSumExp',
  show: ({ axes }) => `axes ${showShape(axes)}`,
  shape: ([shape], { axes }) => reducedShape(shape, axes, false),
  forward: (backend, [x], { axes }, shape) =>
    withScratch(backend, (hold) => {
      const kept = reducedShape(x.shape, axes, true);
      const { dtype } = x;
      const zero = hold(backend.fill(dtype, 1, 0), [], dtype);
      const largest = hold(backend.reduce('max', x, axes), kept, dtype);
      const finite = hold(backend.map('isFinite', largest), kept, 'int32');
      const m = hold(backend.where(finite, largest, zero, kept), kept, dtype);
      const shifted = hold(backend.zip('sub', x, m, x.shape), x.shape, dtype);
      const powers = hold(backend.map('exp', shifted), x.shape, dtype);
      const total = hold(backend.reduce('sum', powers, axes), kept, dtype);
      return backend.zip('add', hold(backend.map('log', total), shape, dtype), { ...m, shape }, shape);
    }),
  vjp: ([x], dz, { out, attrs: { axes } }) => {
    const kept = reducedShape(x.shape, axes, true);
    const z = reshape(out, kept);
    return [mul(reshape(dz, kept), exp(sub(x, where(equal(z, -Infinity), 0, z))))];
  },
});

/**
 * log of the sum of e^x over `axes`, without overflow; -Infinity (with gradient 0, never NaN) where all are -Infinity
 * or there are none. An entry of +Infinity has no gradient (NaN: infinity less infinity, as in `softmax`), those beside
 * it 0; an entry of NaN makes value and gradient NaN.
 */
export function logSumExp(x: Tensor, axes?: Axes, { keepDims = false }: ReduceOptions = {}): Tensor {
  assertFloat('logSumExp', x);
  const list = normalizeAxes(axes, x.rank);
  const z = run(logSumExpOp, [x], { axes: list });
  return keepDims ? reshape(z, reducedShape(x.shape, list, true)) : z;
}
