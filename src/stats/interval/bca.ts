import { sortedQuantile } from '../quantile.js';
import { normalCdf, normalQuantile } from '../special/index.js';
import { columnsStandardError } from '../standard-error.js';
import {
  columnsEstimate,
  columnsInfluence,
  type RoundTermArrays,
  type TermColumns,
  totalsOf,
  valueFromTotals,
} from '../terms.js';
import { bootstrapReplicates, definedAscending } from './bootstrap.js';
import { checkLevel, type Interval, type IntervalOptions, unitsOf } from './interval.js';

/** The estimate without each unit in turn, from the totals in O(n); NaN where it is undefined. */
export function leaveOneOut(columns: TermColumns): Float64Array {
  const totals = totalsOf(columns);
  // high - x + low: a unit that dwarfs the rest does not take their sum with it
  const without = (key: 'numerator' | 'denominator' | 'baseline' | 'count', i: number) =>
    totals[key][0] - columns[key][i]! + totals[key][1];
  return columns.numerator.map((_, i) =>
    valueFromTotals(without('numerator', i), without('denominator', i), without('baseline', i), without('count', i)),
  );
}

/**
 * sum d^3 / (6 (sum d^2)^(3/2)), d_i = the mean of the leave-one-out estimates minus the i-th. Where one of those does
 * not exist, d is the influence, its first-order twin. 0 where nothing varies.
 */
export function acceleration(columns: TermColumns): number {
  const jackknife = leaveOneOut(columns);
  const mean = jackknife.reduce((sum, value) => sum + value, 0) / jackknife.length;
  const deviations = Number.isFinite(mean) ? jackknife.map((value) => mean - value) : columnsInfluence(columns);
  const scale = deviations.reduce((most, d) => Math.max(most, Math.abs(d)), 0);
  if (!(scale > 0)) return 0;
  const squares = deviations.reduce((sum, d) => sum + (d / scale) ** 2, 0);
  const cubes = deviations.reduce((sum, d) => sum + (d / scale) ** 3, 0);
  return cubes / (6 * squares ** 1.5);
}

/** The ends [lower, upper] from ascending replicates. */
export function bcaEnds(
  sorted: Float64Array,
  estimate: number,
  acceleration: number,
  level: number,
): readonly [number, number] {
  if (sorted.length === 0 || Number.isNaN(estimate)) return [Number.NaN, Number.NaN];
  let below = 0;
  const tie = 1e-12 * (sorted[sorted.length - 1]! - sorted[0]!); // equal but for the order of summing
  for (const value of sorted) below += Math.abs(value - estimate) <= tie ? 0.5 : value < estimate ? 1 : 0;
  // all replicates on one side would put the bias correction at infinity: keep it within half a replicate
  const share = Math.min(1 - 0.5 / sorted.length, Math.max(0.5 / sorted.length, below / sorted.length));
  const bias = normalQuantile(share);
  const end = (p: number) => {
    const z = bias + normalQuantile(p);
    const stretch = 1 - acceleration * z;
    const moved = stretch > 0 ? normalCdf(bias + z / stretch) : z > 0 ? 1 : 0;
    return sortedQuantile(sorted, moved);
  };
  return [end((1 - level) / 2), end((1 + level) / 2)];
}

/**
 * Bias-corrected and accelerated bootstrap (Efron 1987) of several estimates of one log on the same resamples; as
 * `bootstrapMany` otherwise. Replicates equal to the estimate count half in the bias correction.
 * @throws PopeError as `bootstrapMany`.
 */
export function bcaMany(termsList: readonly RoundTermArrays[], options: IntervalOptions): Interval[] {
  checkLevel(options.level);
  const units = termsList.map((terms) => unitsOf(terms, options));
  const replicates = bootstrapReplicates(units, options);
  return units.map((columns, k) => {
    const estimate = columnsEstimate(columns);
    const stdError = columnsStandardError(columns);
    if (columns.rows < 2) return { estimate, stdError, lower: Number.NaN, upper: Number.NaN };
    const [lower, upper] = bcaEnds(definedAscending(replicates[k]!), estimate, acceleration(columns), options.level);
    return { estimate, stdError, lower, upper };
  });
}

/** `bcaMany` of one set of terms. */
export function bcaInterval(terms: RoundTermArrays, options: IntervalOptions): Interval {
  return bcaMany([terms], options)[0]!;
}
