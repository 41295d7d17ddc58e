import { defineOp, type Op, run } from '../autograd/index.js';
import type { ZipName } from '../backend/index.js';
import { broadcastShapes, commonDType, type Tensor } from '../tensor/index.js';
import { type Operandish, tensorPair } from './operands.js';

// z = 1 where the comparison holds, else 0; int32, without derivative. Every comparison with NaN but notEqual is 0.
const comparison = (name: ZipName): Op<void> =>
  defineOp({
    name,
    dtype: (inputs) => commonDType(name, inputs) && 'int32',
    shape: broadcastShapes,
    forward: (backend, [x, y], _attrs, shape) => backend.zip(name, x, y, shape),
    vjp: null,
  });

const equalOp = comparison('equal');
const notEqualOp = comparison('notEqual');
const lessOp = comparison('less');
const lessEqualOp = comparison('lessEqual');
const greaterOp = comparison('greater');
const greaterEqualOp = comparison('greaterEqual');

/** int32 mask of x = y, with broadcasting. */
export const equal = (x: Operandish, y: Operandish): Tensor => run(equalOp, tensorPair('equal', x, y));
/** int32 mask of x != y. */
export const notEqual = (x: Operandish, y: Operandish): Tensor => run(notEqualOp, tensorPair('notEqual', x, y));
/** int32 mask of x < y. */
export const less = (x: Operandish, y: Operandish): Tensor => run(lessOp, tensorPair('less', x, y));
/** int32 mask of x <= y. */
export const lessEqual = (x: Operandish, y: Operandish): Tensor => run(lessEqualOp, tensorPair('lessEqual', x, y));
/** int32 mask of x > y. */
export const greater = (x: Operandish, y: Operandish): Tensor => run(greaterOp, tensorPair('greater', x, y));
/** int32 mask of x >= y. */
export const greaterEqual = (x: Operandish, y: Operandish): Tensor =>
  run(greaterEqualOp, tensorPair('greaterEqual', x, y));

// z = 1 where x is neither infinite nor NaN
const isFiniteOp = defineOp({
  name: 'isFinite',
  dtype: () => 'int32',
  shape: ([shape]) => shape,
  forward: (backend, [x]) => backend.map('isFinite', x),
  vjp: null,
});

/** int32 mask of the finite elements. */
const finiteMask = (x: Tensor): Tensor => run(isFiniteOp, [x]);

export { finiteMask as isFinite };
