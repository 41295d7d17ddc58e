import { stopGradient } from '../autograd/index.js';
import { onesLike, zerosLike } from '../backend/index.js';
import { add, clip as clipTo, exp, greater, lessEqual, max, minimum, mul, softplus, sub, where } from '../ops/index.js';
import { assertRange } from '../util/index.js';
import type { WeightTransform } from './estimator.js';

/** rho = pi / pi0 = exp(logRatio), elementwise; at most one rounding from the log-ratio. */
export const importanceWeight: WeightTransform = (logRatio) => exp(logRatio);

/**
 * The same weights divided by the largest: finite at any log-ratio. Only for aggregators in which a common factor of
 * all weights cancels (self-normalised ones), in value and in gradient.
 */
export const scaledWeight: WeightTransform = (logRatio) => {
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
  // both branches stay finite, so that the gradient of the branch not taken is 0 and never 0 * inf
  return (logRatio) => where(lessEqual(logRatio, logLimit), exp(minimum(logRatio, logLimit)), zerosLike(logRatio));
}

/**
 * rho^alpha: 0 <= alpha <= 1 goes from the log's own mean (every weight 1) to rho. At alpha = 0 a response that the
 * target never gives still weighs 0, as for every other alpha. Finite in value and gradient while alpha log rho < 709.
 */
export function exponentialWeight(alpha: number): WeightTransform {
  assertRange('alpha', alpha, 0, 1);
  if (alpha === 0) return positiveAsOne;
  return (logRatio) => exp(mul(logRatio, alpha));
}

/** 1 where rho > 0, else 0: what a weight flattened altogether comes to. */
const positiveAsOne: WeightTransform = (logRatio) =>
  where(greater(logRatio, -Infinity), onesLike(logRatio), zerosLike(logRatio));

// The three below are quotients in rho, written as exp(log rho - softplus(...)): finite in value and gradient at any
// log-ratio, where rho itself overflows or is 0.

/** L rho / (rho^2 + L): the optimistic shrinkage of DRos; huge rho give 0. L >= 0; at 0 every weight is 0. */
export function shrink(strength: number): WeightTransform {
  assertRange('strength', strength, 0, Infinity);
  if (strength === 0) return zerosLike;
  const logStrength = Math.log(strength);
  // rho / (1 + rho^2 / L)
  return (logRatio) => exp(sub(logRatio, softplus(sub(mul(logRatio, 2), logStrength))));
}

/**
 * rho / (1 - lambda + lambda rho): the power-mean weight of Metelli et al. (OBP's sub-Gaussian). lambda in [0, 1];
 * at 1 the weight is 1, but for rho = 0, where it is 0 as for every other lambda.
 */
export function subGaussian(lambda: number): WeightTransform {
  assertRange('lambda', lambda, 0, 1);
  if (lambda === 1) return positiveAsOne;
  const [logOdds, logRest] = [Math.log(lambda) - Math.log1p(-lambda), Math.log1p(-lambda)];
  return (logRatio) => exp(sub(logRatio, add(softplus(add(logRatio, logOdds)), logRest)));
}

/**
 * The harmonic weight rho / (1 + lambda rho) = pi / (pi0 + lambda pi): never above 1/lambda; the implicit exploration of
 * Neu (2015) where pi = 1. lambda >= 0, finite.
 */
export function implicitExploration(lambda: number): WeightTransform {
  assertRange('lambda', lambda, 0, Number.MAX_VALUE);
  const logLambda = Math.log(lambda);
  return (logRatio) => exp(sub(logRatio, softplus(add(logRatio, logLambda))));
}
