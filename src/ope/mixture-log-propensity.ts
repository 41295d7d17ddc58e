import { invalid } from '../util/index.js';

// #region mixture
/**
 * log pi_avg(y|x) = log sum_k s_k pi_k(y|x): the propensity of responses of which it is forgotten which of several
 * loggers said them. Weights pi / pi_avg are those of the balanced estimator.
 * @param logPropensities log pi_k(y|x) of each logger for the same M responses, [K][M], in nats, -Infinity allowed.
 * @param shares s_k, each logger's share of the rounds, [K]: at least 0, with sum 1; see `stratumShares`.
 * @returns [M]; -Infinity where no logger says the response.
 * @throws PopeError where lengths differ, a log-propensity is above 0 or NaN, or the shares are no distribution.
 */
export function mixtureLogPropensity(
  logPropensities: readonly Float64Array[],
  shares: readonly number[],
): Float64Array {
  const total = shares.reduce((sum, s) => sum + s, 0);
  if (!shares.every((s) => s >= 0) || !(Math.abs(total - 1) < 1e-9))
    throw invalid('shares', shares, 'non-negative numbers with sum 1, one a logger');
  if (logPropensities.length !== shares.length)
    throw invalid('logPropensities.length', logPropensities.length, `${shares.length}, one column a logger`);
  const m = logPropensities[0].length;
  logPropensities.forEach((column, k) => {
    if (column.length !== m) throw invalid(`logPropensities[${k}].length`, column.length, `${m}, as of logger 0`);
    const wrong = column.findIndex((b) => !(b <= 0));
    if (wrong >= 0) throw invalid(`logPropensities[${k}][${wrong}]`, column[wrong], 'a log-probability of at most 0');
  });
  const logShares = shares.map(Math.log);
  return Float64Array.from({ length: m }, (_, j) => {
    const parts = logShares.map((logShare, k) => logShare + logPropensities[k][j]);
    const top = Math.max(...parts);
    return top === -Infinity ? top : Math.min(0, top + Math.log(parts.reduce((sum, b) => sum + Math.exp(b - top), 0)));
  });
}
// #endregion mixture
