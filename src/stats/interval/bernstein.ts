import type { RoundTermArrays } from '../terms.js';
import type { Interval, IntervalOptions } from './interval.js';
import { declaredRange, plainUnits } from './plain.js';

/**
 * The empirical Bernstein interval of Maurer and Pontil (2009, theorem 11), alpha/2 on each side, on the declared range
 * [lo, hi] of a round's term: reach = sqrt(2 S^2 L / G) + 7 L R / (3 (G - 1)), L = log(4/alpha), S^2 the sample variance,
 * cut to the range. Without clusters G = N and R = hi - lo. Clusters are G independent terms (G/N) sum_(i in g)(Z_i - lo)
 * in [0, R], R = (hi - lo) G max n_g / N, their sizes taken as given.
 * @throws PopeError for ratio estimators, without a range, or where a term lies outside it.
 */
export function bernsteinInterval(terms: RoundTermArrays, options: IntervalOptions): Interval {
  const [lo, hi] = declaredRange(options, 'bernstein');
  const { sums, counts, rounds, estimate, stdError } = plainUnits(terms, options, 'bernstein', [lo, hi]);
  const units = sums.length;
  if (units < 2) return { estimate, stdError, lower: lo, upper: hi };
  const shifted = sums.map((sum, g) => ((sum - lo * counts[g]!) * units) / rounds);
  const mean = shifted.reduce((sum, value) => sum + value, 0) / units;
  const variance = shifted.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (units - 1);
  const range = ((hi - lo) * units * counts.reduce((a, b) => Math.max(a, b))) / rounds;
  const log = Math.log(4 / (1 - options.level));
  const reach = Math.sqrt((2 * variance * log) / units) + (7 * log * range) / (3 * (units - 1));
  return { estimate, stdError, lower: Math.max(lo, estimate - reach), upper: Math.min(hi, estimate + reach) };
}
