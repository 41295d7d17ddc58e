import type { RoundTermArrays } from '../terms.js';
import type { Interval, IntervalOptions } from './interval.js';
import { declaredRange, plainUnits } from './plain.js';

/**
 * Hoeffding's interval on the declared range [lo, hi] of a round's term:
 * V_hat +- (hi - lo) sqrt(log(2/alpha) sum_g n_g^2 / 2) / N, cut to the range; without clusters
 * (hi - lo) sqrt(log(2/alpha) / (2N)). Cluster sizes n_g are taken as given. Valid for every N.
 * @throws PopeError for ratio estimators, without a range, or where a term lies outside it.
 */
export function hoeffdingInterval(terms: RoundTermArrays, options: IntervalOptions): Interval {
  const [lo, hi] = declaredRange(options, 'hoeffding');
  const { counts, rounds, estimate, stdError } = plainUnits(terms, options, 'hoeffding', [lo, hi]);
  const squares = counts.reduce((sum, n) => sum + n * n, 0);
  const reach = ((hi - lo) * Math.sqrt((Math.log(2 / (1 - options.level)) * squares) / 2)) / rounds;
  return { estimate, stdError, lower: Math.max(lo, estimate - reach), upper: Math.min(hi, estimate + reach) };
}
