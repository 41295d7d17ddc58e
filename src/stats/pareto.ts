import { assertInteger, invalid } from '../util/index.js';

/** A generalised Pareto distribution fitted to exceedances. */
export interface GeneralisedPareto {
  /** Shape k: moments of order above 1/k do not exist. */
  readonly k: number;
  readonly sigma: number;
}

/**
 * The fit of Zhang and Stephens (2009), as in Vehtari et al.: a posterior mean of the shape over a grid, with their weak
 * prior towards 0.5 worth 10 observations. `exceedances`: ascending, positive, finite, not all equal.
 */
export function fitGeneralisedPareto(exceedances: Float64Array): GeneralisedPareto {
  const n = exceedances.length;
  const grid = 30 + Math.floor(Math.sqrt(n));
  const quartile = exceedances[Math.floor(n / 4 + 0.5) - 1]!;
  const largest = exceedances[n - 1]!;
  const shapeAt = (theta: number) => exceedances.reduce((sum, x) => sum + Math.log1p(-theta * x), 0) / n;
  const thetas = Float64Array.from(
    { length: grid },
    (_, j) => 1 / largest + (1 - Math.sqrt(grid / (j + 0.5))) / 3 / quartile,
  );
  const logLikelihoods = thetas.map((theta) => {
    const k = shapeAt(theta);
    return n * (Math.log(-theta / k) - k - 1);
  });
  const most = logLikelihoods.reduce((a, b) => Math.max(a, b), -Infinity);
  const weights = logLikelihoods.map((value) => Math.exp(value - most));
  const total = weights.reduce((a, b) => a + b, 0);
  const theta = thetas.reduce((sum, value, j) => sum + value * weights[j]!, 0) / total;
  const shape = shapeAt(theta);
  return { k: (shape * n + 5) / (n + 10), sigma: -shape / theta };
}

/** The tail index of a set of weights, or why there is none. */
export interface ParetoTail {
  /** The shape k of the fitted tail; null where there is none, for the given reason. */
  readonly k: number | null;
  /** How many of the largest weights the fit used (or found). */
  readonly tailPoints: number;
  readonly reason: string | null;
}

/** The limit min(1 - 1/log10 n, 0.7) above which a tail index is not to be trusted, for n >= 2 weights. */
export function paretoLimit(n: number): number {
  assertInteger('n', n, 2);
  return Math.min(1 - 1 / Math.log10(n), 0.7);
}

/** Nats between two log-weights that rounding alone may make. */
const ROUNDING = 1e-9;

// #region T14
/**
 * The tail index of weights given by their logarithms (-Infinity is weight 0): a generalised Pareto fitted to the
 * ceil(min(0.2 n, 3 sqrt n)) largest weights, over the next one below them. Only differences of the logarithms matter,
 * so neither scale nor size of the weights does. Weights equal to the threshold, up to rounding, do not
 * count as tail, and a tail of fewer than 5 distinct weights (few actions) has no index.
 * @throws PopeError where a log-weight is NaN or Infinity.
 * @id T14
 */
export function paretoTail(logWeights: Float64Array): ParetoTail {
  const { k, tailPoints, reason } = fitParetoTail(logWeights);
  return { k, tailPoints, reason };
}

/** The fitted tail with what smoothing needs of it: the tail's log-weights and its distribution relative to the largest weight. */
export interface FittedTail extends ParetoTail {
  readonly fit: {
    /** The largest log-weight. */
    readonly top: number;
    /** The log-weight below the tail, -Infinity for weight 0. */
    readonly cut: number;
    /** Log-weights of the tail, ascending. */
    readonly tail: Float64Array;
    /** Of exp(l - top) - exp(cut - top), l in the tail. */
    readonly distribution: GeneralisedPareto;
  } | null;
}

/** Are two neighbours in a sorted tail the same weight, up to rounding? */
export const sameWeight = (lower: number, upper: number): boolean => !(upper > lower + ROUNDING);

/** `paretoTail` with the fit itself; `fit` is null where k is. */
export function fitParetoTail(logWeights: Float64Array): FittedTail {
  const n = logWeights.length;
  const bad = logWeights.findIndex((value) => !(value < Infinity));
  if (bad >= 0) throw invalid(`logWeights[${bad}]`, logWeights[bad], 'a number or -Infinity');
  const none = (tailPoints: number, reason: string): FittedTail => ({ k: null, tailPoints, reason, fit: null });
  const sorted = logWeights.slice().sort();
  if (n > 0 && sorted[n - 1] === -Infinity) return none(0, 'all weights are 0');
  if (n > 1 && sorted[0] === sorted[n - 1]) return none(0, 'all weights are equal');
  const length = Math.ceil(Math.min(0.2 * n, 3 * Math.sqrt(n)));
  if (length < 5) return none(length, `${length} tail points, fewer than 5`);
  const top = sorted[n - 1]!;
  // a log-ratio within rounding of the threshold is a tie: the fit is scale-free, and would read noise as a tail
  const cut = sorted[n - length - 1]!;
  const threshold = Math.exp(cut - top);
  const above = sorted.subarray(n - length).filter((value) => !sameWeight(cut, value));
  if (above.length < 5) return none(above.length, `${above.length} weights above the tail's threshold, fewer than 5`);
  const distinct = above.filter((value, i) => i === 0 || !sameWeight(above[i - 1]!, value)).length;
  if (distinct === 1) return none(above.length, 'all weights in the tail are equal');
  if (distinct < 5) return none(above.length, `${distinct} distinct weights in the tail, fewer than 5`);
  const tail = above.map((value) => Math.exp(value - top) - threshold);
  const distribution = fitGeneralisedPareto(tail);
  // exceedances that underflow beside the largest leave nothing to fit
  if (!Number.isFinite(distribution.k + distribution.sigma)) {
    return none(tail.length, 'the tail spans more than the exponents of float64');
  }
  return { k: distribution.k, tailPoints: tail.length, reason: null, fit: { top, cut, tail: above, distribution } };
}
// #endregion T14
