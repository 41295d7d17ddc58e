import { sub } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import { roundMean, selfNormalized, withModel } from './aggregate.js';
import { type Estimator, type EstimatorInput, estimator, local, need, type WeightTransform } from './estimator.js';
import { clip, importanceWeight, scaledWeight, shrink, switchAt } from './weight.js';

/** u - q: what the reward model leaves unexplained, [M]. */
const residual = (input: EstimatorInput): Tensor => sub(input.reward, need(input, 'predictedReward'));

// #region E2
/**
 * Decomposed IPS: mean over rounds of sum_j w_j rho_j R_j.
 * Unbiased for local rewards where the log covers the target; see the property `T1:`.
 * @id E2
 */
export const decomposedIps = estimator({ weight: importanceWeight, reward: local, aggregate: roundMean });
// #endregion E2

/** The usual name of `decomposedIps`: with slates of one it is inverse propensity scoring. */
export const ips = decomposedIps;

/** Self-normalised IPS: consistent, invariant to a constant error of the propensities, within the range of the rewards. */
export const snips = estimator({ weight: scaledWeight, reward: local, aggregate: selfNormalized });

/** IPS with weights min(rho, M). */
export const clippedIps = (limit: number): Estimator =>
  estimator({ weight: clip(limit), reward: local, aggregate: roundMean });

/** IPS with any weight transform. */
export const weightedIps = (weight: WeightTransform): Estimator =>
  estimator({ weight, reward: local, aggregate: roundMean });

/** Direct method: mean over rounds of E_pi q(x, y). As good as its model, and no better. */
export const directMethod: Estimator = (input) => ({
  numerator: need(input, 'predictedValue'),
  denominator: null,
  baseline: null,
});

/** The doubly robust form with any weight transform. */
export const doublyRobustWith = (weight: WeightTransform): Estimator =>
  estimator({ weight, reward: residual, aggregate: withModel(roundMean) });

// #region T15
/**
 * Doubly robust: mean over rounds of E_pi q + sum_j w_j rho_j (R_j - q_j). Unbiased where propensities or model are
 * right; the model must not have been fitted on the rounds that it is used on.
 * @throws PopeError (the estimator) for an input without predictions.
 * @id T15
 */
export const doublyRobust = doublyRobustWith(importanceWeight);
// #endregion T15

/** Doubly robust with self-normalised weights. */
export const selfNormalizedDoublyRobust = estimator({
  weight: scaledWeight,
  reward: residual,
  aggregate: withModel(selfNormalized),
});

/** Doubly robust that trusts the model alone where rho > M. */
export const switchDoublyRobust = (limit: number): Estimator => doublyRobustWith(switchAt(limit));

/** Doubly robust with optimistically shrunk weights L rho / (rho^2 + L) (Su et al. 2020). */
export const doublyRobustShrinkage = (strength: number): Estimator => doublyRobustWith(shrink(strength));
