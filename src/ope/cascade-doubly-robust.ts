import { exp, mul, sub } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import { invalid } from '../util/index.js';
import { type Estimator, need, slateSum } from './estimator.js';
import { prefixLogRatio, priorLogRatio } from './prefix-log-ratio.js';

/**
 * Doubly robust along the slate (Cascade-DR, Kiyohara et al. 2022): the mean over rounds of
 * sum_j w_j [rho(y_1 .. y_j) (R_j - q_j(y_1 .. y_j)) + rho(y_1 .. y_{j-1}) E_{y ~ pi} q_j(y_1 .. y_{j-1}, y)].
 * Unbiased under the conditions of `prefixIps` whatever the model q says; where q is exact, what is left is the noise of
 * the prefixes before each slot. Reads q_j at the logged response from `predictedReward`, [M].
 * @param expected E_{y ~ pi} q_j(y_1 .. y_{j-1}, y), the model's value of each slot given what stands before it, [M].
 * @throws PopeError where the input has no predictions, or `expected` has another length.
 */
export const cascadeDoublyRobust =
  (expected: Tensor): Estimator =>
  (input) => {
    const { logRatio, reward, roundOf } = input;
    if (expected.rank !== 1 || expected.size !== logRatio.size)
      throw invalid('expected', expected.shape, `shape [${logRatio.size}], one number a response`);
    const residual = sub(reward, need(input, 'predictedReward'));
    return {
      numerator: slateSum(mul(exp(prefixLogRatio(logRatio, roundOf)), residual), input),
      denominator: null,
      baseline: slateSum(mul(exp(priorLogRatio(logRatio, roundOf)), expected), input),
    };
  };
