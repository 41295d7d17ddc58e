import { fitParetoTail, type GeneralisedPareto, type ParetoTail, sameWeight } from './pareto.js';

/** Smoothed log-weights, and the tail of the raw ones: effective sample size and verdict are of the raw weights. */
export interface SmoothedWeights {
  readonly logWeights: Float64Array;
  readonly tail: ParetoTail;
}

// #region T14-smoothing
/**
 * Pareto smoothing (Vehtari et al.): the z-th smallest of the m tail weights becomes the quantile at (z - 1/2)/m of the
 * generalised Pareto fitted to the tail, none above the largest raw weight. Equal weights (up to rounding) get the mean
 * of their quantiles, so that the order of the rows does not matter. The order of the weights is kept, and a common
 * factor of all weights passes through. Without a tail (k null) the weights are returned as they are.
 * @param logWeights -Infinity is weight 0. @throws PopeError where one is NaN or Infinity.
 * @id T14
 */
export function paretoSmoothing(logWeights: Float64Array): SmoothedWeights {
  const { fit, ...tail } = fitParetoTail(logWeights);
  if (fit === null) return { logWeights: logWeights.slice(), tail };
  const m = fit.tail.length;
  const threshold = Math.exp(fit.cut - fit.top);
  const smoothed = new Map<number, number>();
  for (let start = 0, end = 1; start < m; start = end, end++) {
    while (end < m && sameWeight(fit.tail[end - 1]!, fit.tail[end]!)) end++;
    let sum = 0;
    for (let z = start; z < end; z++) sum += threshold + paretoQuantile(fit.distribution, (z + 0.5) / m);
    const value = Math.min(0, Math.log(sum / (end - start))) + fit.top;
    for (let z = start; z < end; z++) smoothed.set(fit.tail[z]!, value);
  }
  return { logWeights: logWeights.map((l) => smoothed.get(l) ?? l), tail };
}
// #endregion T14-smoothing

/** The p-quantile of a generalised Pareto distribution of exceedances, 0 <= p < 1. */
export const paretoQuantile = ({ k, sigma }: GeneralisedPareto, p: number): number => {
  const survival = -Math.log1p(-p);
  return k === 0 ? sigma * survival : (sigma * Math.expm1(k * survival)) / k;
};
