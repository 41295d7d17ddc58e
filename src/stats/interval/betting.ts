import type { RoundTermArrays } from '../terms.js';
import type { Interval, IntervalOptions } from './interval.js';
import { declaredRange, plainUnits } from './plain.js';

/**
 * The bet on each unit, from those before it only: lambda = l / (1 - l mu), where l = sqrt(2 log(1/alpha) / (G s^2)) is
 * the usual plug-in bet on Z - m, at most 1/(2 mu), mu and s^2 the mean and variance so far. 0 (no bet) until something above 0 was seen, so that only the data
 * set the scale.
 */
function predictableBets(sums: Float64Array, alpha: number): Float64Array {
  let [seen, total, squares] = [0, 0, 0];
  return sums.map((sum) => {
    let bet = 0;
    if (total > 0) {
      const mean = total / seen;
      // a pseudo-unit at distance `mean` keeps the first variances away from 0
      const variance = (Math.max(0, squares - total * mean) + mean * mean) / (seen + 1);
      const plugIn = Math.min(Math.sqrt((2 * Math.log(1 / alpha)) / (sums.length * variance)), 1 / (2 * mean));
      bet = plugIn / (1 - plugIn * mean);
    }
    seen++;
    total += sum;
    squares += sum * sum;
    return bet;
  });
}

/** The smallest m that the capital max_t prod_(g <= t) (1 + lambda_g S_g) / (1 + lambda_g n_g m) does not refute. */
function lowerBound(sums: Float64Array, counts: Float64Array, alpha: number, ceiling: number): number {
  const bets = predictableBets(sums, alpha);
  const gains = sums.map((sum, g) => Math.log1p(bets[g]! * sum));
  const goal = Math.log(1 / alpha);
  const isRefuted = (m: number) => {
    let capital = 0;
    for (let g = 0; g < gains.length; g++) {
      capital += gains[g]! - Math.log1p(bets[g]! * counts[g]! * m);
      if (capital >= goal) return true;
    }
    return false;
  };
  let [low, high] = [0, ceiling];
  if (!isRefuted(0)) return 0;
  for (let step = 0; step < 60 && high - low > 1e-12 * high; step++) {
    const middle = (low + high) / 2;
    if (isRefuted(middle)) low = middle;
    else high = middle;
  }
  return low;
}

// #region T12
/**
 * Lower bound by betting (Waudby-Smith and Ramdas) with predictable bets and Ville's inequality, for terms Z >= 0
 * without any upper bound: under the true V the capital prod (1 + lambda_g S_g) / (1 + lambda_g n_g V) is a martingale,
 * so it reaches 1/alpha with probability alpha at most, at any time; the bound refutes every m below it. `upper` is
 * Infinity. With a declared range both sides are bounded, each with alpha/2, by bets on Z - lo and hi - Z.
 * Clusters are units with S_g the total and n_g the rounds; the mean value must not depend on the cluster's size.
 * Rounds are bet on in their order in the log, which must not have been chosen by their outcomes.
 * @throws PopeError for ratio estimators, a negative term (without a range) or a term outside the range.
 * @id T12
 */
export function bettingInterval(terms: RoundTermArrays, options: IntervalOptions): Interval {
  const alpha = 1 - options.level;
  if (!options.range) {
    const { sums, counts, estimate, stdError } = plainUnits(terms, options, 'betting', [0, Infinity]);
    const ceiling = sums.reduce((most, sum, g) => Math.max(most, sum / counts[g]!), 0);
    return { estimate, stdError, lower: lowerBound(sums, counts, alpha, ceiling), upper: Infinity };
  }
  const [lo, hi] = declaredRange(options, 'betting');
  const { sums, counts, estimate, stdError } = plainUnits(terms, options, 'betting', [lo, hi]);
  const above = sums.map((sum, g) => Math.max(0, sum - lo * counts[g]!));
  const below = sums.map((sum, g) => Math.max(0, hi * counts[g]! - sum));
  return {
    estimate,
    stdError,
    lower: lo + lowerBound(above, counts, alpha / 2, hi - lo),
    upper: hi - lowerBound(below, counts, alpha / 2, hi - lo),
  };
}
// #endregion T12
