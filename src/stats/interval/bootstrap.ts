import { assertInteger, assertOneOf, invalid } from '../../util/index.js';
import { sortedQuantile } from '../quantile.js';
import { jsResampler, poissonTables, resampleKeys, resamplings } from '../resampling/index.js';
import { columnsStandardError } from '../standard-error.js';
import { columnsEstimate, type RoundTermArrays, type TermColumns, valueFromTotals } from '../terms.js';
import { checkLevel, type Interval, type IntervalOptions, unitsOf } from './interval.js';

/** Where the resampled sum of a column stands: the number of draws times a constant, or a column of the sums. */
type Source = { readonly constant: number } | { readonly index: number };

const isSame = (x: Float64Array, y: Float64Array): boolean => x === y || x.every((value, i) => value === y[i]);

/** The columns that are resampled, each once however many estimates have it; constant ones need no sum. */
function gatherColumns(units: readonly TermColumns[]): {
  readonly columns: readonly Float64Array[];
  readonly sources: readonly (readonly [Source, Source, Source, Source])[];
} {
  const columns: Float64Array[] = [];
  const sourceOf = (column: Float64Array): Source => {
    if (column.every((value) => value === column[0])) return { constant: column[0]! };
    const known = columns.findIndex((other) => isSame(other, column));
    return { index: known >= 0 ? known : columns.push(column) - 1 };
  };
  const sources = units.map(
    ({ numerator, denominator, baseline, count }) =>
      [sourceOf(numerator), sourceOf(denominator), sourceOf(baseline), sourceOf(count)] as const,
  );
  return { columns, sources };
}

/**
 * The estimates of each of several sets of terms of one log on the same `resamples` resamples of its units, in order of
 * drawing; NaN where a resample leaves an estimate undefined. Plain sums: their rounding is far below the resampling's
 * own noise. `random` gives four words a resample, its seed.
 */
export function bootstrapReplicates(units: readonly TermColumns[], options: IntervalOptions): Float64Array[] {
  const { random, resamples = 2000, resampling = 'multinomial', resampler = jsResampler } = options;
  assertInteger('resamples', resamples, 1);
  assertOneOf('resampling', resampling, resamplings);
  if (random === undefined) throw invalid('random', random, 'a seeded generator, for a bootstrap');
  const rows = units[0]?.rows ?? 0;
  for (const { rows: others } of units)
    if (others !== rows) throw invalid('terms', others, `${rows} rounds or clusters, as the first terms`);
  const keys = resampleKeys(random, resamples);
  if (rows === 0) return units.map(() => new Float64Array(resamples).fill(Number.NaN));
  const { columns, sources } = gatherColumns(units);
  const sums = resampler({ resampling, rows, columns, keys, tables: poissonTables(rows) });
  const width = columns.length + 1;
  return sources.map(([a, b, c, n]) => {
    const sumOf = (source: Source, at: number): number =>
      'index' in source ? sums[at + source.index]! : source.constant * sums[at + columns.length]!;
    return Float64Array.from({ length: resamples }, (_, r) => {
      const at = r * width;
      return valueFromTotals(sumOf(a, at), sumOf(b, at), sumOf(c, at), sumOf(n, at));
    });
  });
}

/** The defined replicates, ascending. */
export function definedAscending(replicates: Float64Array): Float64Array {
  return replicates.filter((value) => !Number.isNaN(value)).sort();
}

/**
 * Percentile bootstrap of several estimates of one log, all on the same resamples of rounds (or whole clusters): one
 * draw serves them all, and their differences stay paired. Resamples in which an estimate is undefined (all weights 0)
 * are left out for it. NaN ends for fewer than 2 units. Uses random, resamples, resampling and resampler.
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

/**
 * `bootstrapMany` with independent Poisson(1) counts in the place of multinomial ones (Chamandy and others 2012): about
 * twice as fast, and the size of a resample varies. The value, a ratio of sums or a mean over the rounds drawn, does not
 * move with that size, so the replicates have the same spread in the limit; on few units (say fewer than 100) take the
 * exact one.
 * @throws PopeError as `bootstrapMany`.
 */
export function poissonBootstrapMany(termsList: readonly RoundTermArrays[], options: IntervalOptions): Interval[] {
  return bootstrapMany(termsList, { ...options, resampling: 'poisson' });
}

/** `poissonBootstrapMany` of one set of terms. */
export function poissonBootstrap(terms: RoundTermArrays, options: IntervalOptions): Interval {
  return poissonBootstrapMany([terms], options)[0]!;
}
