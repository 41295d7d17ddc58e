import { invalid } from '../../util/index.js';
import type { RoundTermArrays } from '../terms.js';
import type { Interval, IntervalOptions } from './interval.js';
import { plainUnits } from './plain.js';

// #region T12
/**
 * The one-sided lower bound of logarithmic smoothing for terms Z >= 0 without any upper bound:
 * V >= [exp((S - log(1/alpha)) / G) - 1] / lambda, S = sum log(1 + lambda Z_g), with probability `level`; never below 0.
 * `upper` is Infinity and all of alpha = 1 - level is spent below. Clusters are G independent terms
 * (G/N) sum_(i in g) Z_i, their sizes taken as given. lambda > 0 must not depend on the data; default 1/sqrt(G).
 * @throws PopeError for ratio estimators, a negative term, or lambda not above 0.
 * @id T12
 */
export function logSmoothingInterval(terms: RoundTermArrays, options: IntervalOptions): Interval {
  const { sums, rounds, estimate, stdError } = plainUnits(terms, options, 'log-smoothing', [0, Infinity]);
  const units = sums.length;
  const lambda = options.lambda ?? 1 / Math.sqrt(units);
  if (!(lambda > 0 && lambda < Infinity)) throw invalid('lambda', lambda, 'a finite number above 0');
  const logs = sums.reduce((total, sum) => total + Math.log1p(lambda * ((sum * units) / rounds)), 0);
  const lower = Math.expm1((logs + Math.log(1 - options.level)) / units) / lambda;
  return { estimate, stdError, lower: Math.max(0, lower), upper: Infinity };
}
// #endregion T12
