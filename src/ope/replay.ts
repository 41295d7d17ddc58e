import { selfNormalized } from './aggregate.js';
import { type Estimator, estimator, local } from './estimator.js';
import { subGaussian } from './weight.js';

/**
 * Replay (Li et al. 2011): the mean reward over the responses that the target, which must be deterministic, would have
 * given too (log-ratio above -Infinity). An estimate of the target's value only where the logging policy chose
 * uniformly: otherwise a context counts in proportion to the chance of a match. NaN where nothing matches.
 */
export const replay: Estimator = estimator({ weight: subGaussian(1), reward: local, aggregate: selfNormalized });
