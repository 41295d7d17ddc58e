import { stopGradient } from '../autograd/index.js';
import { backendOf, tensor } from '../backend/index.js';
import { add, exp } from '../ops/index.js';
import { paretoSmoothing } from '../stats/index.js';
import type { Tensor } from '../tensor/index.js';
import { roundMean, selfNormalized } from './aggregate.js';
import { acrossRounds, estimator, local, type WeightTransform } from './estimator.js';
import { scaledWeight } from './weight.js';

/**
 * log rho with its largest values Pareto-smoothed (T14), all responses of the log together. For a gradient the factor
 * smoothed/raw of each weight is held constant: exact for a common factor of all weights, an approximation otherwise.
 * @throws PopeError where a log-ratio is NaN or Infinity.
 */
export function smoothedLogRatio(logRatio: Tensor): Tensor {
  const raw = Float64Array.from(logRatio.dataSync());
  const { logWeights } = paretoSmoothing(raw);
  const moved = raw.map((l, j) => (logWeights[j] === l ? 0 : logWeights[j] - l));
  return add(logRatio, stopGradient(tensor(moved, { dtype: logRatio.dtype, backend: backendOf(logRatio) })));
}

/** Pareto-smoothed importance weights (Vehtari et al.): rho, but for the tail. A weight depends on all others of the log. */
export const paretoSmoothedWeight: WeightTransform = (logRatio) => exp(smoothedLogRatio(logRatio));

/** IPS with Pareto-smoothed weights: biased, of lower variance; plain IPS on a log without a tail. */
export const paretoSmoothedIps = acrossRounds(
  estimator({ weight: paretoSmoothedWeight, reward: local, aggregate: roundMean }),
);

/** Self-normalised with Pareto-smoothed weights: finite at any log-ratio. */
export const paretoSmoothedSnips = acrossRounds(
  estimator({
    weight: (logRatio) => scaledWeight(smoothedLogRatio(logRatio)),
    reward: local,
    aggregate: selfNormalized,
  }),
);
