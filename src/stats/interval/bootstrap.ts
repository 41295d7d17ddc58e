import { type Random, uniformInt } from '../../random/index.js';
import { assertInteger, invalid } from '../../util/index.js';
import { sortedQuantile } from '../quantile.js';
import { columnsStandardError } from '../standard-error.js';
import { columnsEstimate, type RoundTermArrays, type TermColumns, valueFromTotals } from '../terms.js';
import { checkLevel, type Interval, type IntervalOptions, unitsOf } from './interval.js';

/** How often each unit is drawn in one resample of as many units, with replacement; written into `times`. */
function drawTimes(times: Float64Array, random: Random): void {
  times.fill(0);
  for (let i = 0; i < times.length; i++) times[uniformInt(random, times.length)]!++;
}

/** The estimate on a resample. Plain sums: their rounding is far below the resampling's own noise. */
function resampledEstimate({ numerator, denominator, baseline, count }: TermColumns, times: Float64Array): number {
  let [a, b, c, n] = [0, 0, 0, 0];
  for (let i = 0; i < times.length; i++) {
    const k = times[i]!;
    a += k * numerator[i]!;
    b += k * denominator[i]!;
    c += k * baseline[i]!;
    n += k * count[i]!;
  }
  return valueFromTotals(a, b, c, n);
}

/**
 * The estimates of each of several sets of terms of one log on the same `resamples` resamples of its units, in order of
 * drawing; NaN where a resample leaves an estimate undefined.
 */
export function bootstrapReplicates(units: readonly TermColumns[], options: IntervalOptions): Float64Array[] {
  const { random, resamples = 2000 } = options;
  assertInteger('resamples', resamples, 1);
  if (random === undefined) throw invalid('random', random, 'a seeded generator, for a bootstrap');
  const rows = units[0]?.rows ?? 0;
  for (const { rows: others } of units)
    if (others !== rows) throw invalid('terms', others, `${rows} rounds or clusters, as the first terms`);
  const times = new Float64Array(rows);
  const replicates = units.map(() => new Float64Array(resamples));
  for (let r = 0; r < resamples; r++) {
    drawTimes(times, random);
    units.forEach((columns, k) => {
      replicates[k]![r] = resampledEstimate(columns, times);
    });
  }
  return replicates;
}

/** The defined replicates, ascending. */
export function definedAscending(replicates: Float64Array): Float64Array {
  return replicates.filter((value) => !Number.isNaN(value)).sort();
}

/**
 * Percentile bootstrap of several estimates of one log, all on the same resamples of rounds (or whole clusters): one
 * draw serves them all, and their differences stay paired. Resamples in which an estimate is undefined (all weights 0)
 * are left out for it. NaN ends for fewer than 2 units. Uses random and resamples.
 * @throws PopeError without `random`, on bad options, or where the terms have different numbers of rounds.
 */
export function bootstrapMany(termsList: readonly RoundTermArrays[], options: IntervalOptions): Interval[] {
  checkLevel(options.level);
  const units = termsList.map((terms) => unitsOf(terms, options));
  const replicates = bootstrapReplicates(units, options);
  return units.map((columns, k) => {
    const ends = { lower: Number.NaN, upper: Number.NaN };
    if (columns.rows >= 2) {
      const sorted = definedAscending(replicates[k]!);
      ends.lower = sortedQuantile(sorted, (1 - options.level) / 2);
      ends.upper = sortedQuantile(sorted, (1 + options.level) / 2);
    }
    return { estimate: columnsEstimate(columns), stdError: columnsStandardError(columns), ...ends };
  });
}

/** `bootstrapMany` of one set of terms. */
export function bootstrapInterval(terms: RoundTermArrays, options: IntervalOptions): Interval {
  return bootstrapMany([terms], options)[0]!;
}
