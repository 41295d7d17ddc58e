import type { RoundTermArrays } from '../stats/index.js';
import { invalid } from '../util/index.js';
import { assertOneStratumARow, plainTerms, stratumCounts, varianceWithin } from './strata.js';

/** Which part of t = a + c the precisions weigh: all of it, or only the importance-weighted correction a. */
export type WeighedPart = 'all' | 'correction';

// #region strata
/**
 * Strata weighed: V = sum_i l_k(i) t_i / sum_i l_k(i) for the terms t = a + c of a plain mean and a precision l_k a
 * stratum. Of all fixed precisions, those proportional to 1/Var_k(t) give the least variance. Standard errors and
 * intervals follow from the terms, with the precisions taken as fixed.
 * @param terms of a plain mean (ips, doubly robust), one row a round. @param precision at least 0, [strata].
 * @param part `correction` leaves c a plain mean over all rounds: the form of Open Bandit Pipeline for doubly robust
 * terms, whose c has the same mean in every stratum.
 * @throws PopeError where the terms are a ratio, or a precision is negative, not finite, or all are 0.
 */
export function weighStrata(
  terms: RoundTermArrays,
  stratumOf: Int32Array,
  precision: ArrayLike<number>,
  part: WeighedPart = 'all',
): RoundTermArrays {
  assertOneStratumARow(terms, stratumOf);
  const counts = stratumCounts(stratumOf, precision.length);
  const l = Array.from(precision);
  const bad = l.findIndex((value) => !(value >= 0 && value < Infinity));
  if (bad >= 0) throw invalid(`precision[${bad}]`, l[bad], 'a finite number of at least 0');
  const total = l.reduce((sum, value, k) => sum + value * counts[k], 0);
  if (!(total > 0)) throw invalid('precision', l, 'at least one above 0');
  const share = Float64Array.from(stratumOf, (k) => (l[k] * stratumOf.length) / total);
  const all = plainTerms(terms);
  return part === 'all'
    ? { numerator: all.map((t, i) => share[i] * t), denominator: share, baseline: null }
    : { numerator: terms.numerator.map((a, i) => share[i] * a), denominator: share, baseline: terms.baseline };
}
// #endregion strata

/**
 * `weighStrata` by the inverse of each stratum's own variance of t (divisor n_k), seen on the log (the weighted
 * estimator of Agarwal et al. 2017). Consistent, but no longer unbiased: docs/math/slates-and-loggers.md has a witness.
 * @throws PopeError where the terms of a stratum do not vary (one round; no click): they show no precision.
 */
export function inverseVarianceTerms(
  terms: RoundTermArrays,
  stratumOf: Int32Array,
  strata: number,
  part: WeighedPart = 'all',
): RoundTermArrays {
  const spread = stratumVariances(terms, stratumOf, strata);
  const still = spread.indexOf(0);
  if (still >= 0) {
    const hint = 'Leave the stratum out, or use the naive or the balanced form.';
    throw invalid(`the variance of stratum ${still}`, 0, 'terms that vary within every stratum', hint);
  }
  return weighStrata(
    terms,
    stratumOf,
    spread.map((v) => 1 / v),
    part,
  );
}

/**
 * The variance (divisor n_k) of the terms t = a + c within each stratum, [strata].
 * @throws PopeError where the terms are a ratio, or strata and rounds do not fit.
 */
export function stratumVariances(terms: RoundTermArrays, stratumOf: Int32Array, strata: number): Float64Array {
  assertOneStratumARow(terms, stratumOf);
  return varianceWithin(plainTerms(terms), stratumOf, strata, 0);
}
