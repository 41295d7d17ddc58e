import { momentsOf, standardErrorOf, valueOfMoments } from '../stats/index.js';
import { assertFinite, invalid } from '../util/index.js';
import type { TuningCandidate } from './slope.js';

export interface MseRow {
  readonly value: number;
  readonly estimate: number;
  /** The sample variance (divisor n) of the terms, over n. */
  readonly variance: number;
  readonly bias: number;
  /** variance + bias^2. */
  readonly score: number;
}

/**
 * The candidate with the smallest variance + bias^2; of equals the first.
 * @param candidates at least one, each with the bias it is thought to have: `weightBias`, `weightBiasBound` or your own.
 * @throws PopeError on none, or where an estimate or bias is not finite.
 */
export function tuneByMse(candidates: readonly (TuningCandidate & { readonly bias: number })[]): {
  readonly selected: MseRow;
  readonly rows: readonly MseRow[];
} {
  if (candidates.length === 0) throw invalid('candidates', candidates, 'at least one candidate');
  const rows = candidates.map(({ value, terms, bias }, i): MseRow => {
    assertFinite(`candidates[${i}].bias`, bias);
    const moments = momentsOf(terms);
    const estimate = valueOfMoments(moments);
    const variance = standardErrorOf(moments) ** 2 * (1 - 1 / moments.rows);
    if (!Number.isFinite(estimate) || !Number.isFinite(variance))
      throw invalid(`candidates[${i}].terms`, estimate, 'at least 2 rounds and a finite estimate and standard error');
    return { value, estimate, variance, bias, score: variance + bias * bias };
  });
  return { selected: rows.reduce((best, row) => (row.score < best.score ? row : best)), rows };
}
