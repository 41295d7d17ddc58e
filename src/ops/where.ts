import { defineOp, run } from '../autograd/index.js';
import { scalarLike } from '../backend/index.js';
import { assertHolds, broadcastShapes, commonDType, type Tensor } from '../tensor/index.js';
import { invalid } from '../util/index.js';
import { mul } from './arithmetic.js';
import { cast } from './cast.js';
import { greaterEqual, lessEqual } from './compare.js';
import { type Operandish, tensorPair } from './operands.js';
import { withScratch } from './scratch.js';
import { sumTo } from './sum-to.js';

// z = c ? x : y      dz/dx = c,  dz/dy = 1 - c
const whereOp = defineOp({
  name: 'where',
  dtype: ([, x, y]) => commonDType('where', [x, y]),
  shape: broadcastShapes,
  forward: (backend, [c, x, y], _attrs, shape) => backend.where(c, x, y, shape),
  vjp: ([c, x, y], dz, { needs }) => [
    null,
    needs[1] ? sumTo(where(c, dz, 0), x.shape) : null,
    needs[2] ? sumTo(where(c, 0, dz), y.shape) : null,
  ],
});

/**
 * x where the int32 mask c is not 0, else y; all broadcast. The side that is not taken gets the gradient 0, but a
 * derivative of it that is infinite still gives NaN (0 times infinity): guard its argument, not its value.
 */
export function where(c: Tensor, x: Operandish, y: Operandish): Tensor {
  if (c.dtype !== 'int32') throw invalid('c', c.dtype, 'an int32 mask', 'Make one with a comparison.');
  return run(whereOp, [c, ...tensorPair('where', x, y)]);
}

// z = min(max(x, lo), hi)      dz/dx = 1 in [lo, hi], else 0
const clipOp = defineOp<{ lo: number; hi: number }>({
  name: 'clip',
  dtype: ([x]) => x.dtype,
  show: ({ lo, hi }) => `to [${lo}, ${hi}]`,
  shape: ([shape]) => shape,
  forward: (backend, [x, lo, hi], _attrs, shape) =>
    withScratch(backend, (hold) =>
      backend.zip('minimum', hold(backend.zip('maximum', x, lo, shape), shape, x.dtype), hi, shape),
    ),
  vjp: ([x], dz, { attrs: { lo, hi } }) => [
    mul(dz, cast(mul(greaterEqual(x, lo), lessEqual(x, hi)), dz.dtype)),
    null,
    null,
  ], // prettier-ignore
});

/**
 * x limited to [lo, hi]; -Infinity and Infinity leave an end open. The gradient is 1 inside and at the ends, 0 outside.
 * @throws PopeError unless lo <= hi, or where x is int32 and a finite end is none.
 */
export function clip(x: Tensor, lo: number, hi: number): Tensor {
  if (!(lo <= hi)) throw invalid('lo', lo, `a number of at most hi, which is ${hi}`);
  // An open end of an int32 is the end of its range, since it has no infinity.
  const least = x.dtype === 'int32' && lo === -Infinity ? -(2 ** 31) : lo;
  const most = x.dtype === 'int32' && hi === Infinity ? 2 ** 31 - 1 : hi;
  assertHolds(x.dtype, 'lo', least);
  assertHolds(x.dtype, 'hi', most);
  return run(clipOp, [x, scalarLike(x, least), scalarLike(x, most)], { lo, hi });
}
