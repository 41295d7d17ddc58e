import { scalarLike } from '../backend/index.js';
import { assertHolds, isFloat, Tensor } from '../tensor/index.js';
import { invalid, PopeError } from '../util/index.js';

/** A side of a binary op: a tensor, or a number that becomes a scalar of the other side's dtype and backend. */
export type Operandish = Tensor | number;

/**
 * Both sides as tensors.
 * @throws PopeError where both are numbers, or a number that is no int32 meets an int32 tensor.
 */
export function tensorPair(name: string, x: Operandish, y: Operandish): [Tensor, Tensor] {
  if (x instanceof Tensor) return [x, y instanceof Tensor ? y : scalarFor(name, x, y)];
  if (y instanceof Tensor) return [scalarFor(name, y, x), y];
  throw new PopeError(`${name} got no tensor; expected at least one. Make one with tensor().`, {
    argument: 'x',
    got: x,
  });
}

function scalarFor(name: string, like: Tensor, value: number): Tensor {
  if (typeof value !== 'number') throw invalid(`an operand of ${name}`, value, 'a tensor or a number');
  assertHolds(like.dtype, `the number given to ${name}`, value);
  return scalarLike(like, value);
}

/** @throws PopeError where an int32 tensor meets an op of floats. */
export function assertFloat(name: string, x: Tensor): void {
  if (!isFloat(x.dtype)) {
    throw new PopeError(`${name} got a tensor of dtype int32; expected float32 or float64. Convert it with cast().`, {
      argument: 'dtype',
      got: x.dtype,
      expected: 'float32 or float64',
    });
  }
}
