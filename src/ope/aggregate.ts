import { exp, mul, segmentSum } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import { type Aggregator, type Estimator, type EstimatorInput, need, slateSum } from './estimator.js';

/** V = (1/N) sum_i sum_j w_j rho_ij R_ij. */
export const roundMean: Aggregator = (weight, reward, input) => ({
  numerator: slateSum(mul(weight, reward), input),
  denominator: null,
  baseline: null,
});

/** V = sum_ij w_j rho_ij R_ij / sum_ij w_j rho_ij: invariant to a common factor of all weights. */
export const selfNormalized: Aggregator = (weight, reward, input) => ({
  numerator: slateSum(mul(weight, reward), input),
  denominator: slateSum(weight, input),
  baseline: null,
});

/** Adds the model's value of the target, E_pi q, to the weighted part: the doubly robust form (T15). */
export const withModel =
  (aggregate: Aggregator): Aggregator =>
  (weight, reward, input) => ({ ...aggregate(weight, reward, input), baseline: need(input, 'predictedValue') });

/** R(S): the slate's own reward, or sum_j w_j R_j where the reward is local. */
export const slateReward = (input: EstimatorInput): Tensor => input.slateReward ?? slateSum(input.reward, input);

// #region E1
/**
 * E1, the joint estimator: V = (1/N) sum_i prod_j rho_ij R(S_i). Unbiased for every reward of a slate whose responses
 * were drawn independently, at the price of a product of weights.
 * @id E1
 */
export const jointIps: Estimator = (input) => ({
  numerator: mul(exp(jointLogRatio(input)), slateReward(input)),
  denominator: null,
  baseline: null,
});
// #endregion E1

/** log rho(S) = sum_j log rho_j, [N]. */
export const jointLogRatio = (input: Pick<EstimatorInput, 'logRatio' | 'roundOf' | 'rounds'>): Tensor =>
  segmentSum(input.logRatio, input.roundOf, input.rounds);
