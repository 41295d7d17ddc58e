import { backendOf, fullLike, tensor } from '../backend/index.js';
import { gather, mul, sub } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import { assertFinite, assertInteger, invalid } from '../util/index.js';
import { type Aggregator, acrossRounds, type Estimator, estimator, local, slateSum } from './estimator.js';
import { importanceWeight, scaledWeight } from './weight.js';

/**
 * IPS with an additive control variate: mean of sum_j w_j rho_j (R_j - beta) + beta. Unbiased for every fixed beta where
 * the log covers the target; where mass mu of the target is not covered, beta adds beta mu to the mean.
 * @param beta finite, fixed before the rewards were seen.
 */
export function additiveBaseline(beta: number): Estimator {
  assertFinite('beta', beta);
  const aggregate: Aggregator = (weight, reward, input) => {
    const numerator = slateSum(mul(weight, sub(reward, beta)), input);
    return { numerator, denominator: null, baseline: fullLike(numerator, beta) };
  };
  return estimator({ weight: importanceWeight, reward: local, aggregate });
}

/** Folds for what is fitted on a log and then used on it. */
export interface Folds {
  /** Fold of each ROUND, 0 .. folds - 1. Rounds of one cluster must share a fold: the estimator cannot see clusters. */
  readonly foldOf: Int32Array;
  readonly folds: number;
}

// #region T16
/**
 * The additive control variate with the best baseline, cross-fitted: the rounds of a fold use beta = Cov(Z, W)/Var(W)
 * of the other folds' rounds, Z = sum_j w_j rho_j R_j, W = sum_j w_j rho_j. Unbiased where the log covers the target,
 * since beta is independent of the round that uses it. Where Var(W) is 0 there (equal weights, a single round or none)
 * beta is 0, which is IPS. For gradients beta is a constant.
 * @throws PopeError (the estimator) where `foldOf` has not one fold a round.
 * @id T16
 */
export function betaStar({ foldOf, folds }: Folds): Estimator {
  assertInteger('folds', folds, 1);
  const bad = foldOf.findIndex((fold) => fold < 0 || fold >= folds);
  if (bad >= 0) throw invalid(`foldOf[${bad}]`, foldOf[bad], `a fold from 0 to ${folds - 1}`);
  const aggregate: Aggregator = (weight, reward, input) => {
    if (foldOf.length !== input.rounds)
      throw invalid('foldOf.length', foldOf.length, `${input.rounds}, a fold for each round`);
    // a common factor of all weights cancels in beta, so that a weight beyond float64 does not spoil the other folds
    const scaled = scaledWeight(input.logRatio);
    const z = slateSum(mul(scaled, reward), input).dataSync();
    const w = slateSum(scaled, input).dataSync();
    const betas = Float64Array.from({ length: folds }, (_, fold) => slope(z, w, (i) => foldOf[i] !== fold));
    const baseline = like(
      Float64Array.from(foldOf, (fold) => betas[fold]),
      reward,
    );
    const numerator = slateSum(mul(weight, sub(reward, gather(baseline, input.roundOf, 0))), input);
    return { numerator, denominator: null, baseline };
  };
  return acrossRounds(estimator({ weight: importanceWeight, reward: local, aggregate }));
}
// #endregion T16

const like = (values: Float64Array, x: Tensor): Tensor => tensor(values, { dtype: x.dtype, backend: backendOf(x) });

/** Relative deviation of W that rounding alone may make. */
const ROUNDING = 1e-9;

/** Cov(z, w)/Var(w) over the used rows, 0 where w does not vary but for rounding. */
function slope(z: ArrayLike<number>, w: ArrayLike<number>, use: (i: number) => boolean): number {
  let [n, meanZ, meanW] = [0, 0, 0];
  for (let i = 0; i < z.length; i++) {
    if (!use(i)) continue;
    n++;
    meanZ += (z[i] - meanZ) / n;
    meanW += (w[i] - meanW) / n;
  }
  let [covariance, variance] = [0, 0];
  for (let i = 0; i < z.length; i++) {
    if (!use(i)) continue;
    covariance += (z[i] - meanZ) * (w[i] - meanW);
    variance += (w[i] - meanW) ** 2;
  }
  return variance > n * (ROUNDING * meanW) ** 2 ? covariance / variance : 0;
}
