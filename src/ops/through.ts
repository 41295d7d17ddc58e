import { grad } from '../autograd/index.js';
import type { Tensor } from '../tensor/index.js';
import { add, mul } from './arithmetic.js';
import { sum } from './sum-to.js';

/** A function made of small ops, from inputs to outputs. */
export type Composition = (inputs: readonly Tensor[]) => readonly Tensor[];

/**
 * The cotangents of `inputs` under a composition: d/dinputs of sum_i outputs_i . dz_i. A null dz_i counts as zeros.
 * It is itself made of ops, so outer gradients pass through it.
 */
export function vjpThrough(
  f: Composition,
  inputs: readonly Tensor[],
  dz: readonly (Tensor | null)[],
): readonly Tensor[] {
  const inner = (xs: readonly Tensor[]): Tensor => {
    const terms = f(xs).flatMap((z, i) => {
      const d = dz[i];
      return d === null ? [] : [sum(mul(z, d))];
    });
    return terms.reduce(add);
  };
  return grad(inner)(inputs);
}

/**
 * For a fused gradient op g(inputs, dy) that is the vjp of a fused op with composed twin `f`: the vjp of g,
 * as the vjp of the vjp of f. So a fused backward pass needs no second derivative by hand.
 */
export function vjpOfVjp(
  f: (inputs: readonly Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  dy: Tensor,
  dz: readonly (Tensor | null)[],
): readonly Tensor[] {
  const backward: Composition = (all) => vjpThrough((xs) => [f(xs)], all.slice(0, -1), [all[all.length - 1]]);
  return vjpThrough(backward, [...inputs, dy], dz);
}
