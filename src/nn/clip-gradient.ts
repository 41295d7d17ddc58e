import { add, div, maximum, mul, sqrt, square, sum } from '../ops/index.js';
import { leavesOf, mapTree, type Tensor, type Tree } from '../tensor/index.js';
import { invalid } from '../util/index.js';

/** The Euclidean norm of all numbers of a tree together: a scalar tensor. @throws PopeError where the tree is empty. */
export function globalNorm(tree: Tree): Tensor {
  const squares = leavesOf(tree).map((leaf) => sum(square(leaf)));
  if (squares.length === 0) throw invalid('tree', tree, 'a tree with at least one tensor');
  return sqrt(squares.reduce((total, part) => add(total, part)));
}

/**
 * The gradient scaled by min(1, maxNorm / norm), so that its direction stays; and its norm before.
 * A norm that is NaN or Infinity comes out as it is and spoils the gradient: look at it before the step.
 * @param maxNorm above 0.
 */
export function clipGradient<G extends Tree>(gradient: G, maxNorm: number): { gradient: G; norm: Tensor } {
  if (!(maxNorm > 0)) throw invalid('maxNorm', maxNorm, 'a number above 0');
  const norm = globalNorm(gradient);
  // maxNorm / max(norm, maxNorm) is min(1, maxNorm / norm) without a division by a norm of 0.
  const factor = div(maxNorm, maximum(norm, maxNorm));
  return { gradient: mapTree(gradient, (leaf) => mul(leaf, factor)), norm };
}
