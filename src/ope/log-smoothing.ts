import { add, div, greater, log, softplus, where } from '../ops/index.js';
import { assertRange, invalid } from '../util/index.js';
import { type Aggregator, type Estimator, estimator, local, slateSum } from './estimator.js';

// #region T11
/**
 * Logarithmic smoothing (Sakhi et al. 2024): mean over rounds of sum_j w_j log(1 + lambda rho_j R_j)/lambda, for R >= 0.
 * Never above `decomposedIps`, round by round, and a slate's term is at most the log of its total that the bound of T12
 * uses, log(1 + lambda sum_j w_j rho_j R_j)/lambda. Finite at any finite log-ratio. Where R = 0 the term is 0 and constant.
 * @param lambda > 0, finite. @throws PopeError (the estimator) for a negative reward.
 * @id T11
 */
export function logSmoothing(lambda: number): Estimator {
  assertRange('lambda', lambda, Number.MIN_VALUE, Number.MAX_VALUE);
  return estimator({ weight: (logRatio) => logRatio, reward: local, aggregate: logSmoothedMean(lambda) });
}
// #endregion T11

/** Its aggregator: takes log rho in the place of the weight, since rho may be beyond float64. */
const logSmoothedMean =
  (lambda: number): Aggregator =>
  (logRatio, reward, input) => {
    const bad = reward.dataSync().findIndex((r) => !(r >= 0));
    if (bad >= 0) {
      throw invalid(
        `reward[${bad}]`,
        reward.dataSync()[bad],
        'a reward of at least 0: log(1 + lambda rho R) is pessimistic for those alone',
        'Add a constant to all rewards and take it off the estimate, or use another estimator.',
      );
    }
    const positive = greater(reward, 0);
    const logReward = add(log(where(positive, reward, 1)), Math.log(lambda));
    // log(1 + e^l); -Infinity, for R = 0 or rho = 0, gives 0 with slope 0
    const smoothed = softplus(where(positive, add(logRatio, logReward), -Infinity));
    return { numerator: slateSum(div(smoothed, lambda), input), denominator: null, baseline: null };
  };
