import { estimateOf, type RoundTermArrays } from '../stats/index.js';
import { assertInteger, invalid } from '../util/index.js';

/**
 * The share of the rounds that each stratum (logger) made, [strata].
 * @throws PopeError where an index is not from 0 to strata - 1, there are no rounds, or a stratum has none.
 */
export function stratumShares(stratumOf: Int32Array, strata: number): number[] {
  return Array.from(stratumCounts(stratumOf, strata), (n) => n / stratumOf.length);
}

/** How many rounds each stratum has, each at least 1. @throws PopeError as `stratumShares`. */
export function stratumCounts(stratumOf: Int32Array, strata: number): Float64Array {
  assertInteger('strata', strata, 1);
  const counts = new Float64Array(strata);
  stratumOf.forEach((k, i) => {
    if (k < 0 || k >= strata) throw invalid(`stratumOf[${i}]`, k, `an integer from 0 to ${strata - 1}`);
    counts[k]++;
  });
  const empty = counts.indexOf(0);
  if (empty >= 0) throw invalid('strata', strata, 'strata that each have a round', `Stratum ${empty} has none.`);
  return counts;
}

/** @throws PopeError unless there is one stratum a row. */
export function assertOneStratumARow(terms: RoundTermArrays, stratumOf: Int32Array): void {
  const rows = terms.numerator.length;
  if (stratumOf.length !== rows) throw invalid('stratumOf.length', stratumOf.length, `${rows}, one a round`);
}

/**
 * The terms of a plain mean, t_i = a_i + c_i.
 * @throws PopeError where the terms are a ratio or of whole clusters, or are not finite.
 */
export function plainTerms(terms: RoundTermArrays): Float64Array {
  if (terms.denominator !== null) throw invalid('terms.denominator', terms.denominator, 'null: terms of a plain mean');
  if (terms.count) throw invalid('terms.count', terms.count, 'null: one row a round');
  estimateOf(terms);
  return terms.numerator.map((a, i) => a + (terms.baseline?.[i] ?? 0));
}

/** The variance of x within each stratum, divisor n_k - `lost`. Exactly 0 where x does not vary. */
export function varianceWithin(x: Float64Array, stratumOf: Int32Array, strata: number, lost: 0 | 1): Float64Array {
  const counts = stratumCounts(stratumOf, strata);
  const first = counts.map((_, k) => x[stratumOf.indexOf(k)]);
  const mean = new Float64Array(strata);
  const squares = new Float64Array(strata);
  for (const [i, k] of stratumOf.entries()) mean[k] += (x[i] - first[k]) / counts[k];
  for (const [i, k] of stratumOf.entries()) squares[k] += (x[i] - first[k] - mean[k]) ** 2;
  return squares.map((s, k) => s / (counts[k] - lost));
}
