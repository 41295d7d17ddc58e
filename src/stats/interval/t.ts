import { studentQuantile } from '../special/index.js';
import { columnsStandardError } from '../standard-error.js';
import { columnsEstimate, type RoundTermArrays } from '../terms.js';
import { checkLevel, type Interval, type IntervalOptions, unitsOf } from './interval.js';

/**
 * Student's t interval on the influence, with (rounds or clusters) - 1 degrees of freedom. NaN ends for one of them.
 * @throws PopeError on a level outside (0, 1) or terms that are not finite.
 */
export function tInterval(terms: RoundTermArrays, options: IntervalOptions): Interval {
  checkLevel(options.level);
  const units = unitsOf(terms, options);
  const estimate = columnsEstimate(units);
  const stdError = columnsStandardError(units);
  if (units.rows < 2) return { estimate, stdError, lower: Number.NaN, upper: Number.NaN };
  const reach = studentQuantile((1 + options.level) / 2, units.rows - 1) * stdError;
  return { estimate, stdError, lower: estimate - reach, upper: estimate + reach };
}
