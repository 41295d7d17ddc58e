import { invalid, PopeError } from '../../util/index.js';
import { columnsStandardError } from '../standard-error.js';
import { columnsEstimate, columnsOf, type RoundTermArrays } from '../terms.js';
import { checkLevel, type IntervalOptions, unitsOf } from './interval.js';

/** Independent units of a plain mean: the total of each, and of how many rounds. */
export interface PlainUnits {
  readonly sums: Float64Array;
  readonly counts: Float64Array;
  readonly rounds: number;
  readonly estimate: number;
  readonly stdError: number;
}

/**
 * The units of a plain mean V = mean of (a + c), with every round checked against `bounds`.
 * @throws PopeError for a ratio estimator (its value is no mean of independent terms), no rounds, or a term outside.
 */
export function plainUnits(
  terms: RoundTermArrays,
  options: IntervalOptions,
  method: string,
  bounds: readonly [number, number],
): PlainUnits {
  checkLevel(options.level);
  const rounds = columnsOf(terms);
  if (rounds.rows === 0) throw invalid('terms', 'empty', 'at least one round');
  // a term on the declared end may be off it by rounding
  const slack = bounds[1] === Infinity ? 0 : 1e-12 * Math.max(Math.abs(bounds[0]), Math.abs(bounds[1]));
  for (let i = 0; i < rounds.rows; i++) {
    const n = rounds.count[i]!;
    if (rounds.denominator[i] !== n) {
      throw new PopeError(
        `interval ${method} needs a plain mean of round terms; the terms are a ratio (self-normalised). Use t, bootstrap or bca.`,
        { argument: 'terms' },
      );
    }
    const term = rounds.numerator[i]! + rounds.baseline[i]!;
    if (term < (bounds[0] - slack) * n || term > (bounds[1] + slack) * n) {
      const expected =
        bounds[1] === Infinity
          ? `at least ${bounds[0]}, for ${method}`
          : `in the declared range [${bounds[0]}, ${bounds[1]}]`;
      throw invalid(`term of round ${i}`, term, expected);
    }
  }
  const units = unitsOf(terms, options);
  return {
    sums: units.numerator.map((a, g) => a + units.baseline[g]!),
    counts: units.count,
    rounds: units.count.reduce((sum, n) => sum + n, 0),
    estimate: columnsEstimate(units),
    stdError: columnsStandardError(units),
  };
}

/** @throws PopeError unless a finite range lo < hi was declared. */
export function declaredRange(options: IntervalOptions, method: string): readonly [number, number] {
  const { range } = options;
  if (!range || !Number.isFinite(range[0]) || !Number.isFinite(range[1]) || range[0] >= range[1]) {
    throw invalid(
      'range',
      range,
      `a declared range [lo, hi] of a round's term, for ${method}`,
      'The largest value seen is not one.',
    );
  }
  return range;
}
