import { momentsOf, type RoundTermArrays, standardErrorOf, studentQuantile, valueOfMoments } from '../stats/index.js';
import { assertRange, invalid } from '../util/index.js';

/** A hyper-parameter's value with the round terms of the estimator that it gives, on one log. */
export interface TuningCandidate {
  readonly value: number;
  readonly terms: RoundTermArrays;
}

/** What became of a candidate. */
export interface SlopeRow {
  readonly value: number;
  readonly estimate: number;
  /** c: the reach of the one-sided Student-t bound at level 1 - delta. */
  readonly width: number;
  /** estimate - width and estimate + width. */
  readonly lower: number;
  readonly upper: number;
  /** `rejected`: the first that disagrees with one before it; `untried`: those after it. */
  readonly outcome: 'accepted' | 'selected' | 'rejected' | 'untried';
  /** Of the rejected: the value of the first candidate with which it disagrees; else null. */
  readonly against: number | null;
}

export interface SlopeReport {
  readonly selected: SlopeRow;
  /** In the order tried: widest first. */
  readonly rows: readonly SlopeRow[];
  /** One sentence: what was selected, and what stopped there. */
  readonly reason: string;
}

export interface SlopeOptions {
  /** Chance that one bound fails, in (0, 1/2); default 0.05. For all M candidates together take delta / (2M). */
  readonly delta?: number;
  /** C above 1; default sqrt(6) - 1 (Tucker and Lee 2021); sqrt(3) has the smaller worst-case factor. */
  readonly slack?: number;
}

// #region slope
/**
 * SLOPE (Su et al. 2020, in the form of Tucker and Lee 2021): from estimators whose bias grows as their width shrinks,
 * the least wide one that still agrees with all wider ones. Candidates are tried from wide to narrow (ties in the given
 * order); number i is accepted while |theta_i - theta_j| <= c_i + C c_j for every j before it, and the last accepted
 * one is selected. The order of rounds does not matter.
 * @param candidates at least one, each of at least 2 rounds with a defined estimate; of one and the same log.
 * @throws PopeError on none, on an estimate or width that is not finite, or on options outside their range.
 */
export function slope(candidates: readonly TuningCandidate[], options: SlopeOptions = {}): SlopeReport {
  const { delta = 0.05, slack = Math.sqrt(6) - 1 } = options;
  if (!(delta > 0 && delta < 0.5)) throw invalid('delta', delta, 'a number above 0 and below 1/2');
  if (!(slack > 1)) throw invalid('slack', slack, 'a number above 1');
  assertRange('slack', slack, 1, Number.MAX_VALUE);
  if (candidates.length === 0) throw invalid('candidates', candidates, 'at least one candidate');
  const tried = candidates.map((candidate, i) => measured(candidate, i, delta)).sort((a, b) => b.width - a.width);
  const disagrees = (i: number) =>
    tried.slice(0, i).find((j) => !(Math.abs(tried[i].estimate - j.estimate) <= tried[i].width + slack * j.width));
  const clash = tried.findIndex((_, i) => disagrees(i) !== undefined);
  const last = (clash < 0 ? tried.length : clash) - 1;
  const rows = tried.map((row, i): SlopeRow => {
    const outcome = i < last ? 'accepted' : i === last ? 'selected' : i === clash ? 'rejected' : 'untried';
    return { ...row, outcome, against: i === clash ? disagrees(i)!.value : null };
  });
  return { selected: rows[last], rows, reason: reasonOf(rows, last) };
}
// #endregion slope

function measured({ value, terms }: TuningCandidate, i: number, delta: number) {
  const moments = momentsOf(terms);
  const estimate = valueOfMoments(moments);
  if (moments.rows < 2) throw invalid(`candidates[${i}].terms`, moments.rows, 'at least 2 rounds, to have a width');
  const width = studentQuantile(1 - delta, moments.rows - 1) * standardErrorOf(moments);
  if (!Number.isFinite(estimate) || !Number.isFinite(width))
    throw invalid(`candidates[${i}].terms`, estimate, 'terms with a finite estimate and standard error');
  return { value, estimate, width, lower: estimate - width, upper: estimate + width };
}

function reasonOf(rows: readonly SlopeRow[], last: number): string {
  const stopped = rows[last + 1];
  const chosen = `${digits(rows[last].value)} is the narrowest that agrees with every wider candidate`;
  return stopped === undefined
    ? `${chosen}; none was rejected.`
    : `${chosen}; the next, ${digits(stopped.value)}, disagrees with ${digits(stopped.against ?? Number.NaN)}.`;
}

const digits = (x: number): string => String(Number(x.toPrecision(3)));
