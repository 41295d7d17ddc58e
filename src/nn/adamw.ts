import { zerosLike } from '../backend/index.js';
import { adamw } from '../ops/index.js';
import { leavesOf, mapTree, sameShape, type Tensor, type Tree } from '../tensor/index.js';
import { assertRange, invalid, PopeError } from '../util/index.js';

/** What AdamW remembers between steps: running means of the gradient and of its square, in the shape of the parameters. */
export interface OptimizerState<P extends Tree = Tree> {
  /** Steps taken so far. */
  readonly step: number;
  readonly firstMoment: P;
  readonly secondMoment: P;
}

export interface AdamwStepOptions {
  /** At least 0. */
  readonly learningRate: number;
  /** In [0, 1); default 0.9. */
  readonly beta1?: number;
  /** In [0, 1); default 0.999. */
  readonly beta2?: number;
  /** Above 0; default 1e-8. */
  readonly epsilon?: number;
  /** At least 0; default 0. Acts on tensors of rank 2 and more: not on biases and gains. */
  readonly weightDecay?: number;
}

/** The state before the first step: zeros. */
export function adamwInit<P extends Tree>(params: P): OptimizerState<P> {
  return { step: 0, firstMoment: mapTree(params, zerosLike), secondMoment: mapTree(params, zerosLike) };
}

/**
 * One AdamW step with decoupled decay (Loshchilov and Hutter): m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2,
 * p = p - lr (mhat / (sqrt(vhat) + eps) + decay p) with the moments corrected for their start at 0.
 * Nothing is changed in place; parameters, state and gradients must have one structure.
 * @throws PopeError where the structures differ or an option is outside its domain.
 */
export function adamwStep<P extends Tree>(
  params: P,
  gradients: P,
  state: OptimizerState<P>,
  options: AdamwStepOptions,
): { params: P; state: OptimizerState<P> } {
  const leaves = leavesOf(params);
  const [g, m, v] = [gradients, state.firstMoment, state.secondMoment].map(leavesOf) as [Tensor[], Tensor[], Tensor[]];
  for (const [name, other] of [
    ['gradients', g],
    ['state.firstMoment', m],
    ['state.secondMoment', v],
  ] as const) {
    if (other.length !== leaves.length) {
      throw invalid(name, other.length, `as many tensors as params, ${leaves.length}`);
    }
    other.forEach((leaf, i) => {
      if (!sameShape(leaf.shape, leaves[i]!.shape)) {
        throw new PopeError(`tensor ${i} of ${name} is ${leaf}; expected the shape of the parameter, ${leaves[i]}.`, {
          argument: name,
        });
      }
    });
  }
  const { learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 } = options;
  assertRange('weightDecay', weightDecay, 0, Number.MAX_VALUE); // the op sees it for matrices only
  const step = state.step + 1;
  const next = leaves.map((leaf, i) =>
    adamw(leaf, g[i]!, m[i]!, v[i]!, {
      learningRate,
      beta1,
      beta2,
      epsilon,
      weightDecay: leaf.rank >= 2 ? weightDecay : 0,
      step,
    }),
  );
  return {
    params: mapTree(params, (_, i) => next[i]!.parameter),
    state: {
      step,
      firstMoment: mapTree(state.firstMoment, (_, i) => next[i]!.firstMoment),
      secondMoment: mapTree(state.secondMoment, (_, i) => next[i]!.secondMoment),
    },
  };
}
