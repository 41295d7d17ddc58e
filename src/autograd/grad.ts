import { onesLike, zerosLike } from '../backend/index.js';
import {
  giveToScope,
  isFloat,
  leavesOf,
  mapTree,
  ownedScope,
  sameShape,
  scope,
  showShape,
  Tensor,
  type Tree,
} from '../tensor/index.js';
import { invalid, PopeError } from '../util/index.js';
import { backward } from './backward.js';
import { identity } from './identity.js';
import { freeWithScope, record, releaseTape } from './tape.js';

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
      // Judged inside, so that the scope frees what a refused function returned.
      const scalar = (): Tensor => {
        const result = f(variables, ...rest);
        assertScalar(result);
        return result;
      };
      const { tape, result: value } = record(leaves, () => ownedScope(scalar));
      giveToScope(value);
      try {
        const found = backward(tape, [[value, onesLike(value)]], leaves, true);
        return { value, gradient: collect(variables, found) };
      } finally {
        releaseTape(tape);
      }
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
 * @throws PopeError where f returns no tensor, or x holds an int32 tensor; the pullback throws where the cotangent has
 * another shape or dtype than the value, and after its scope ended.
 */
export function vjp<X extends Tree>(f: (x: X) => Tensor, x: X): { value: Tensor; pullback: (cotangent: Tensor) => X } {
  const variables = freshVariables(x);
  const leaves = leavesOf(variables);
  const { tape, result: value } = record(leaves, () => f(variables));
  freeWithScope(tape);
  if (!(value instanceof Tensor)) throw invalid('the value of the function to differentiate', value, 'a tensor');
  const pullback = (cotangent: Tensor): X => {
    if (tape.released) {
      throw new PopeError(
        'a pullback was used after its scope ended; expected a call inside of the scope in which vjp was called. Return what the pullback gives from the scope, not the pullback.',
        { argument: 'pullback', code: 'freed_tensor' },
      );
    }
    assertCotangent(cotangent, value);
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

function assertCotangent(cotangent: unknown, { shape, dtype }: Tensor): asserts cotangent is Tensor {
  if (!(cotangent instanceof Tensor)) throw invalid('cotangent', cotangent, 'a tensor');
  if (!sameShape(cotangent.shape, shape)) {
    throw new PopeError(
      `cotangent has shape ${showShape(cotangent.shape)}; expected the shape of the value, ${showShape(shape)}.`,
      { argument: 'cotangent', got: cotangent.shape, expected: showShape(shape) },
    );
  }
  if (cotangent.dtype !== dtype) {
    throw new PopeError(
      `cotangent has dtype ${cotangent.dtype}; expected the dtype of the value, ${dtype}. Convert it with cast().`,
      { argument: 'cotangent', got: cotangent.dtype, expected: dtype },
    );
  }
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
