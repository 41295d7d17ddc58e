import { onesLike, zerosLike } from '../backend/index.js';
import {
  giveToScope,
  isFloat,
  leavesOf,
  mapTree,
  ownedScope,
  scope,
  showShape,
  Tensor,
  type Tree,
} from '../tensor/index.js';
import { invalid, PopeError } from '../util/index.js';
import { backward } from './backward.js';
import { identity } from './identity.js';
import { freeWithScope, record } from './tape.js';

/**
 * f -> (x, ...rest) -> { value: f(x, ...rest), gradient: df/dx }, the gradient with the structure of x.
 * Only the first argument is differentiated; it may be a tensor or a nested record or list of float tensors.
 * All that f makes and does not return is freed; activations go as the backward walk consumes them.
 * @throws PopeError where f does not return a scalar tensor, or x holds an int32 tensor.
 */
export function valueAndGrad<X extends Tree, R extends readonly unknown[]>(
  f: (x: X, ...rest: R) => Tensor,
): (x: X, ...rest: R) => { value: Tensor; gradient: X } {
  return (x, ...rest) =>
    scope(() => {
      const variables = freshVariables(x);
      const leaves = leavesOf(variables);
      const { tape, result: value } = record(leaves, () => ownedScope(() => f(variables, ...rest)));
      assertScalar(value);
      giveToScope(value);
      const found = backward(tape, [[value, onesLike(value)]], leaves, true);
      return { value, gradient: collect(variables, found) };
    });
}

/** f -> (x, ...rest) -> df/dx; see `valueAndGrad`. Nests to any depth. */
export function grad<X extends Tree, R extends readonly unknown[]>(
  f: (x: X, ...rest: R) => Tensor,
): (x: X, ...rest: R) => X {
  const both = valueAndGrad(f);
  return (x, ...rest) =>
    scope(() => {
      const { gradient } = both(x, ...rest);
      return gradient;
    });
}

/**
 * The value of f at x, and its pullback: cotangent of the value -> cotangent of x. The value may have any shape;
 * the pullback may be called any number of times until the scope around ends.
 */
export function vjp<X extends Tree>(f: (x: X) => Tensor, x: X): { value: Tensor; pullback: (cotangent: Tensor) => X } {
  const variables = freshVariables(x);
  const leaves = leavesOf(variables);
  const { tape, result: value } = record(leaves, () => f(variables));
  freeWithScope(tape);
  const pullback = (cotangent: Tensor): X => {
    if (cotangent.size !== value.size || cotangent.rank !== value.rank) {
      throw invalid('cotangent', cotangent.shape, `the shape of the value, ${showShape(value.shape)}`);
    }
    return collect(variables, backward(tape, [[value, cotangent]], leaves, false));
  };
  return { value, pullback };
}

/**
 * New variables with the numbers of x. Without them an inner gradient at a variable of an outer function
 * would also count the ways in which the outer function uses it.
 */
function freshVariables<X extends Tree>(x: X): X {
  return mapTree(x, (leaf) => {
    if (!isFloat(leaf.dtype)) throw invalid('x', leaf.dtype, 'float32 or float64 tensors to differentiate');
    return identity(leaf);
  });
}

function collect<X extends Tree>(variables: X, found: readonly (Tensor | null)[]): X {
  const given = new Set<Tensor>();
  return mapTree(variables, (leaf, i) => {
    const d = found[i];
    if (d === null) return zerosLike(leaf);
    if (given.has(d)) d.release();
    else giveToScope(d);
    given.add(d);
    return d;
  });
}

function assertScalar(value: unknown): asserts value is Tensor {
  if (!(value instanceof Tensor) || value.size !== 1 || !isFloat(value.dtype)) {
    const got = value instanceof Tensor ? `a ${value.dtype} tensor of shape ${showShape(value.shape)}` : value;
    throw new PopeError(
      `the function to differentiate returned ${got instanceof Object ? 'no tensor' : got}; expected one float tensor of one element. Reduce it with sum or mean.`,
      {
        argument: 'f',
      },
    );
  }
}
