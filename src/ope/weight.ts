import { add, clip as clipTo, div, exp, lessEqual, max, minimum, mul, neg, sub, where } from '../ops/index.js';
import { stopGradient } from '../autograd/index.js';
import { zerosLike } from '../backend/index.js';
import { assertRange } from '../util/index.js';
import type { WeightTransform } from './estimator.js';

/** rho = pi / pi0 = exp(logRatio), elementwise; at most one rounding from the log-ratio. */
export const importanceWeight: WeightTransform = (logRatio) => exp(logRatio);

/**
 * The same weights divided by the largest: finite at any log-ratio. Only for aggregators in which a common factor of
 * all weights cancels (self-normalised ones), in value and in gradient.
 */
export const scaledWeight: WeightTransform = (logRatio) => {
  if (logRatio.size === 0) return exp(logRatio);
  const largest = stopGradient(clipTo(max(logRatio), -3e38, 3e38));
  return exp(sub(logRatio, largest));
};

/** min(rho, M): pessimistic for rewards >= 0 (T11). M > 0. */
export function clip(limit: number): WeightTransform {
  assertRange('limit', limit, Number.MIN_VALUE, Infinity);
  const logLimit = Math.log(limit);
  return (logRatio) => exp(minimum(logRatio, logLimit));
}

/** rho where rho <= M, else 0: the weight of the switch estimator; the boundary is kept. M >= 0. */
export function switchAt(limit: number): WeightTransform {
  assertRange('limit', limit, 0, Infinity);
  const logLimit = Math.log(limit);
  return (logRatio) => {
    const kept = lessEqual(logRatio, logLimit);
    // both branches stay finite, so that the gradient of the branch not taken is 0 and never 0 * inf
    return where(kept, exp(minimum(logRatio, Math.min(logLimit, 709))), zerosLike(logRatio));
  };
}

/** L rho / (rho^2 + L): the optimistic shrinkage of DRos; written so that huge rho give 0. L > 0. */
export function shrink(strength: number): WeightTransform {
  assertRange('strength', strength, 0, Infinity);
  if (strength === Infinity) return importanceWeight;
  // rho L / (rho^2 + L) = 1 / (rho/L + 1/rho)
  return (logRatio) => {
    const rho = exp(logRatio);
    return div(1, add(mul(rho, 1 / strength), exp(neg(logRatio))));
  };
}

/** rho / (1 - lambda + lambda rho): the power-mean weight of Metelli et al. (OBP's sub-Gaussian). lambda in [0, 1]. */
export function subGaussian(lambda: number): WeightTransform {
  assertRange('lambda', lambda, 0, 1);
  return (logRatio) => div(1, add(mul(exp(neg(logRatio)), 1 - lambda), lambda));
}

/** rho / (1 + lambda rho) = 1 / (1/rho + lambda): never above 1/lambda. lambda >= 0. */
export function implicitExploration(lambda: number): WeightTransform {
  assertRange('lambda', lambda, 0, Infinity);
  return (logRatio) => div(1, add(exp(neg(logRatio)), lambda));
}
