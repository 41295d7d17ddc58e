import {
  clusterSums,
  emptyScaledMoments,
  firstNotFinite,
  type Interval,
  mergeScaledMoments,
  type RoundTermArrays,
  type ScaledMoments,
  scaledMomentsOf,
  standardErrorOfScaled,
  studentQuantile,
  valueOfScaled,
} from '../../stats/index.js';
import { PopeError } from '../../util/index.js';
import type { EvaluationRows } from '../evaluation-rows.js';

/** What a part of a log adds to one number of an evaluation. */
export interface FigureRecord {
  readonly rounds: number;
  /** Of the independent units. Empty after an overflow. */
  readonly sums: ScaledMoments;
  /** A self-normalised estimate is no mean of its rounds' terms. */
  readonly isRatio: boolean;
  /** The smallest term a + c of a round, or the smallest reward below it where the estimator is pessimistic. */
  readonly lowest: number;
  /** sum log(1 + lambda (a + c)) with the declared lambda, else 0. */
  readonly logs: number;
  /** Where a term left float64. */
  readonly overflow: string | null;
}

/**
 * The record of the terms of one figure. `logScale`: what the numerators and denominators of a ratio were divided by.
 * `floor`: the smallest reward, of an estimator that is pessimistic for rewards of at least 0.
 * @throws PopeError where cluster sums leave float64.
 */
export function figureRecord(
  terms: RoundTermArrays,
  rows: EvaluationRows,
  {
    logScale,
    lambda,
    floor = Infinity,
  }: { readonly logScale: number; readonly lambda: number | null; readonly floor?: number },
): FigureRecord {
  const rounds = terms.numerator.length;
  const isRatio = terms.denominator !== null;
  const overflow = overflowOf(terms, rows);
  if (overflow !== null) return { rounds, sums: emptyScaledMoments(), isRatio, lowest: Infinity, logs: 0, overflow };
  let [lowest, logs] = [floor, 0];
  for (let i = 0; i < rounds; i++) {
    const term = terms.numerator[i] + (terms.baseline?.[i] ?? 0);
    if (term < lowest) lowest = term;
    if (lambda !== null && !isRatio) logs += Math.log1p(lambda * Math.max(0, term));
  }
  const units = rows.clustered ? clusterSums(terms, rows.unitOfRound, rows.units) : terms;
  return { rounds, sums: scaledMomentsOf(units, isRatio ? logScale : null), isRatio, lowest, logs, overflow };
}

/** The first round (by id, so that no order of parts matters) whose terms are not finite; null where all are. */
function overflowOf(terms: RoundTermArrays, rows: EvaluationRows): string | null {
  const bad = [terms.numerator, terms.denominator, terms.baseline].flatMap((column) => {
    const i = column ? firstNotFinite(column) : -1;
    return i < 0 ? [] : [rows.log.ids[rows.roundIndex[i]]];
  });
  return bad.length === 0 ? null : bad.reduce(smaller);
}

const smaller = (x: string, y: string): string => (x < y ? x : y);

export function mergeFigures(x: FigureRecord, y: FigureRecord): FigureRecord {
  return {
    rounds: x.rounds + y.rounds,
    sums: mergeScaledMoments(x.sums, y.sums),
    isRatio: x.isRatio || y.isRatio,
    lowest: Math.min(x.lowest, y.lowest),
    logs: x.logs + y.logs,
    overflow: x.overflow === null || y.overflow === null ? (x.overflow ?? y.overflow) : smaller(x.overflow, y.overflow),
  };
}

/** Student's t interval on the units; NaN ends for one of them. Equal to `tInterval` of the terms. */
export function figureT({ sums }: FigureRecord, level: number): Interval {
  const [estimate, stdError, rows] = [valueOfScaled(sums), standardErrorOfScaled(sums), sums.moments.rows];
  if (rows < 2) return { estimate, stdError, lower: Number.NaN, upper: Number.NaN };
  const reach = studentQuantile((1 + level) / 2, rows - 1) * stdError;
  return { estimate, stdError, lower: estimate - reach, upper: estimate + reach };
}

/**
 * The one-sided bound of logarithmic smoothing (T12) at the declared lambda. Equal to `logSmoothingInterval` of the terms.
 * @throws PopeError for a ratio, or where a term is negative.
 */
export function figureLogSmoothing(figure: FigureRecord, level: number, lambda: number): Interval {
  if (figure.isRatio) {
    throw new PopeError(
      'interval log-smoothing needs a plain mean of round terms; the terms are a ratio (self-normalised). Use t.',
      { argument: 'interval' },
    );
  }
  if (figure.lowest < 0) {
    throw new PopeError(`the smallest term of a round is ${figure.lowest}; expected at least 0, for log-smoothing.`, {
      argument: 'interval',
      got: figure.lowest,
    });
  }
  const lower = Math.expm1((figure.logs + Math.log(1 - level)) / figure.rounds) / lambda;
  return {
    estimate: valueOfScaled(figure.sums),
    stdError: standardErrorOfScaled(figure.sums),
    lower: Math.max(0, lower),
    upper: Infinity,
  };
}
