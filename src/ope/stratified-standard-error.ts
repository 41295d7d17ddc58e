import { influence, type RoundTermArrays } from '../stats/index.js';
import { assertOneStratumARow, stratumCounts, varianceWithin } from './strata.js';

/**
 * The standard error of `estimateOf(terms)` where each stratum's number of rounds was fixed beforehand:
 * sqrt(sum_k n_k s_k^2) / N with s_k^2 the sample variance (divisor n_k - 1) of the influence within stratum k. For
 * plain means its square is unbiased. `standardError` also counts as noise what the strata differ by on average; that is
 * too wide for balanced terms. NaN where a stratum has one round or the estimate is undefined.
 * @throws PopeError where strata and rounds do not fit.
 */
export function stratifiedStandardError(terms: RoundTermArrays, stratumOf: Int32Array, strata: number): number {
  assertOneStratumARow(terms, stratumOf);
  const counts = stratumCounts(stratumOf, strata);
  const variance = varianceWithin(influence(terms), stratumOf, strata, 1);
  return Math.sqrt(variance.reduce((sum, v, k) => sum + counts[k] * v, 0)) / stratumOf.length;
}
