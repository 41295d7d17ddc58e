import { defineOp, run } from '../autograd/index.js';
import { zerosLike } from '../backend/index.js';
import { broadcastShapes, type Tensor } from '../tensor/index.js';
import { equal, greater, less } from './compare.js';
import { log } from './exponential.js';
import { assertFloat, type Operandish, tensorPair } from './operands.js';
import { sumTo } from './sum-to.js';
import { neg } from './unary.js';
import { where } from './where.js';

// z = x + y   (elementwise, broadcast)      dz/dx = dz/dy = 1
const addOp = defineOp({
  name: 'add',
  shape: broadcastShapes,
  forward: (backend, [x, y], _attrs, shape) => backend.zip('add', x, y, shape),
  vjp: ([x, y], dz, { needs }) => [needs[0] ? sumTo(dz, x.shape) : null, needs[1] ? sumTo(dz, y.shape) : null],
});

/** Elementwise sum with broadcasting. @throws PopeError where shapes or dtypes do not agree. */
export const add = (x: Operandish, y: Operandish): Tensor => run(addOp, tensorPair('add', x, y));

// z = x - y      dz/dx = 1,  dz/dy = -1
const subOp = defineOp({
  name: 'sub',
  shape: broadcastShapes,
  forward: (backend, [x, y], _attrs, shape) => backend.zip('sub', x, y, shape),
  vjp: ([x, y], dz, { needs }) => [needs[0] ? sumTo(dz, x.shape) : null, needs[1] ? neg(sumTo(dz, y.shape)) : null],
});

/** Elementwise difference with broadcasting. @throws PopeError where shapes or dtypes do not agree. */
export const sub = (x: Operandish, y: Operandish): Tensor => run(subOp, tensorPair('sub', x, y));

// z = x * y      dz/dx = y,  dz/dy = x
const mulOp = defineOp({
  name: 'mul',
  shape: broadcastShapes,
  forward: (backend, [x, y], _attrs, shape) => backend.zip('mul', x, y, shape),
  vjp: ([x, y], dz, { needs }) => [
    needs[0] ? sumTo(mul(dz, y), x.shape) : null,
    needs[1] ? sumTo(mul(dz, x), y.shape) : null,
  ],
});

/** Elementwise product with broadcasting. @throws PopeError where shapes or dtypes do not agree. */
export const mul = (x: Operandish, y: Operandish): Tensor => run(mulOp, tensorPair('mul', x, y));

// z = x / y      dz/dx = 1/y,  dz/dy = -z/y
const divOp = defineOp({
  name: 'div',
  shape: broadcastShapes,
  forward: (backend, [x, y], _attrs, shape) => backend.zip('div', x, y, shape),
  vjp: ([x, y], dz, { needs, out }) => [
    needs[0] ? sumTo(div(dz, y), x.shape) : null,
    needs[1] ? neg(sumTo(div(mul(dz, out), y), y.shape)) : null,
  ],
});

/** Elementwise quotient of floats with broadcasting. @throws PopeError where shapes or dtypes do not agree. */
export function div(x: Operandish, y: Operandish): Tensor {
  const pair = tensorPair('div', x, y);
  assertFloat('div', pair[0]);
  return run(divOp, pair);
}

// z = x^y      dz/dx = y x^(y - 1),  dz/dy = z log x, and 0 at x = 0.  x^0 is 1 everywhere, so its slope is 0.
const powOp = defineOp<{ exponent: number | null }>({
  name: 'pow',
  shape: broadcastShapes,
  forward: (backend, [x, y], _attrs, shape) => backend.zip('pow', x, y, shape),
  vjp: ([x, y], dz, { needs, out, attrs: { exponent } }) => [
    needs[0] ? sumTo(mul(dz, exponent === null ? slopeInBase(x, y) : constantSlope(x, exponent)), x.shape) : null,
    needs[1] ? sumTo(mul(dz, mul(out, log(where(equal(x, 0), 1, x)))), y.shape) : null,
  ],
});

const constantSlope = (x: Tensor, exponent: number): Tensor =>
  exponent === 0 ? zerosLike(x) : exponent === 2 ? mul(x, 2) : mul(pow(x, exponent - 1), exponent);
const slopeInBase = (x: Tensor, y: Tensor): Tensor =>
  mul(y, pow(x, sub(where(mul(equal(x, 0), equal(y, 0)), 1, y), 1)));

/** Elementwise power of floats with broadcasting; NaN for a negative base with a fractional exponent. */
export function pow(x: Operandish, y: Operandish): Tensor {
  const pair = tensorPair('pow', x, y);
  assertFloat('pow', pair[0]);
  return run(powOp, pair, { exponent: typeof y === 'number' ? y : null });
}

// z = max(x, y)      dz/dx = [x > y] + [x = y]/2, likewise for y
const maximumOp = defineOp({
  name: 'maximum',
  shape: broadcastShapes,
  forward: (backend, [x, y], _attrs, shape) => backend.zip('maximum', x, y, shape),
  vjp: ([x, y], dz, { needs }) => [
    needs[0] ? sumTo(chosen(dz, greater(x, y), equal(x, y)), x.shape) : null,
    needs[1] ? sumTo(chosen(dz, less(x, y), equal(x, y)), y.shape) : null,
  ],
});

// z = min(x, y)      dz/dx = [x < y] + [x = y]/2, likewise for y
const minimumOp = defineOp({
  name: 'minimum',
  shape: broadcastShapes,
  forward: (backend, [x, y], _attrs, shape) => backend.zip('minimum', x, y, shape),
  vjp: ([x, y], dz, { needs }) => [
    needs[0] ? sumTo(chosen(dz, less(x, y), equal(x, y)), x.shape) : null,
    needs[1] ? sumTo(chosen(dz, greater(x, y), equal(x, y)), y.shape) : null,
  ],
});

const chosen = (dz: Tensor, wins: Tensor, ties: Tensor): Tensor => where(wins, dz, where(ties, mul(dz, 0.5), 0));

/** Elementwise larger of two; NaN wins. At a tie each side gets half of the gradient. */
export const maximum = (x: Operandish, y: Operandish): Tensor => run(maximumOp, tensorPair('maximum', x, y));

/** Elementwise smaller of two; NaN wins. At a tie each side gets half of the gradient. */
export const minimum = (x: Operandish, y: Operandish): Tensor => run(minimumOp, tensorPair('minimum', x, y));
