import { studentQuantile } from '../special/index.js';
import { columnsStandardError } from '../standard-error.js';
import { columnsEstimate, type RoundTermArrays, totalsOf } from '../terms.js';
import { checkLevel, type Interval, type IntervalOptions, unitsOf } from './interval.js';

/**
 * Student's t interval on the influence, with (rounds or clusters) - 1 degrees of freedom. NaN ends for one of them.
 * @throws PopeError on a level outside (0, 1) or terms that are not finite.
 */
export function tInterval(terms: RoundTermArrays, options: IntervalOptions): Interval {
  checkLevel(options.level);
  const units = unitsOf(terms, options);
  const totals = totalsOf(units);
  const estimate = columnsEstimate(units, totals);
  const stdError = columnsStandardError(units, totals);
  if (units.rows < 2) return { estimate, stdError, lower: Number.NaN, upper: Number.NaN };
  const reach = studentQuantile((1 + options.level) / 2, units.rows - 1) * stdError;
  return { estimate, stdError, lower: estimate - reach, upper: estimate + reach };
}
