import { acrossRounds, type Estimator } from './estimator.js';
import { decomposedIps } from './estimators.js';
import { prefixLogRatio } from './prefix-log-ratio.js';

/** An estimator that weighs each response with the ratio of its whole prefix in place of its own. */
export function withPrefix(use: Estimator): Estimator {
  const onPrefix: Estimator = (input) => use({ ...input, logRatio: prefixLogRatio(input.logRatio, input.roundOf) });
  return use.acrossRounds === true ? acrossRounds(onPrefix) : onPrefix;
}

/**
 * Prefix IPS (RIPS, McInerney et al. 2020): mean over rounds of sum_j w_j rho(y_1 .. y_j) R_j.
 * Unbiased where R_j depends on the context and the responses up to j (a reader who goes from top to bottom), and the
 * log covers the target; between the decomposed estimator, which needs local rewards, and the joint one, which needs
 * nothing. See docs/math/slates-and-loggers.md.
 */
export const prefixIps: Estimator = withPrefix(decomposedIps);
