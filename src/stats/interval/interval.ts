import type { Random } from '../../random/index.js';
import { invalid } from '../../util/index.js';
import type { Resampler, Resampling } from '../resampling/index.js';
import { clusterSums, columnsOf, type RoundTermArrays, type TermColumns } from '../terms.js';

/** An estimate with its uncertainty. What does not exist is NaN (one round; sum of weights 0); an open end is infinite. */
export interface Interval {
  readonly estimate: number;
  /** The analytic, cluster-robust standard error, whatever the method. */
  readonly stdError: number;
  readonly lower: number;
  readonly upper: number;
}

/** What interval methods share; each says in its docstring which of the optional ones it uses. */
export interface IntervalOptions {
  /** Level of confidence, above 0 and below 1. */
  readonly level: number;
  /** The cluster of every round, 0 .. clusters - 1; absent or null: every round is independent. */
  readonly clusterOf?: Int32Array | null;
  readonly clusters?: number;
  /** Needed by bootstrap and bca; advanced by four draws a resample, which seed it. */
  readonly random?: Random;
  /** Of bootstrap and bca; default 2000. */
  readonly resamples?: number;
  /** Of bootstrap and bca; default multinomial. */
  readonly resampling?: Resampling;
  /** Who computes the resampled sums of bootstrap and bca; default plain JavaScript. The figures do not depend on it. */
  readonly resampler?: Resampler;
  /** Declared range [lo, hi] of a round's term, known without the data; for bernstein, hoeffding, betting. */
  readonly range?: readonly [number, number] | null;
  /** Of log-smoothing, fixed before the data are seen; default 1/sqrt(rounds). */
  readonly lambda?: number | null;
}

/** @throws PopeError unless 0 < level < 1. */
export function checkLevel(level: number): void {
  if (!(level > 0 && level < 1)) throw invalid('level', level, 'a number above 0 and below 1');
}

/** The columns by independent unit: rounds, or whole clusters. */
export function unitsOf(terms: RoundTermArrays, options: IntervalOptions): TermColumns {
  const { clusterOf } = options;
  if (!clusterOf) return columnsOf(terms);
  if (options.clusters === undefined) throw invalid('clusters', undefined, 'the number of clusters, with clusterOf');
  return columnsOf(clusterSums(terms, clusterOf, options.clusters));
}
