import { assertFinite } from '../util/index.js';
import { add, type DoubleDouble, divide, multiply, negate, productError } from './double-double.js';
import { columnsOf, type RoundTermArrays, valueFromTotals } from './terms.js';

/**
 * The sums of a set of rows (rounds, or clusters) that the value and its standard error need: mergeable, and constant in
 * size. Of the columns (a, b, c, n) it holds the 4 sums, then the 10 sums of products aa, ab, ac, an, bb, bc, bn, cc,
 * cn, nn, each as an unevaluated sum high + low of two float64 (products too are added with their rounding error):
 * about 106 bits, so neither the order of rows nor the cancellation in a variance shows.
 */
export interface Moments {
  readonly rows: number;
  readonly high: Float64Array;
  readonly low: Float64Array;
}

const COLUMNS = 4;
const SUMS = 14;

/** The moments of no rows: the identity of `mergeMoments`. */
export function emptyMoments(): Moments {
  return { rows: 0, high: new Float64Array(SUMS), low: new Float64Array(SUMS) };
}

function accumulate({ high, low }: Moments, k: number, value: number, error: number): void {
  const before = high[k]!;
  const sum = before + value;
  const part = sum - before;
  low[k]! += before - (sum - part) + (value - part) + error;
  high[k] = sum;
}

/** Adds one row in place; only to a record that nobody else has seen yet. */
function addInto(moments: Moments, row: readonly number[]): void {
  let k = COLUMNS;
  for (let i = 0; i < COLUMNS; i++) {
    accumulate(moments, i, row[i]!, 0);
    for (let j = i; j < COLUMNS; j++) {
      const product = row[i]! * row[j]!;
      accumulate(moments, k++, product, productError(row[i]!, row[j]!, product));
    }
  }
}

/** Adds the sum of a column, or of the products of two, in place. */
function addColumn(moments: Moments, k: number, x: Float64Array, y?: Float64Array): void {
  const { high, low } = moments;
  let total = high[k]!;
  let rest = low[k]!;
  for (let i = 0; i < x.length; i++) {
    const value = y === undefined ? x[i]! : x[i]! * y[i]!;
    const error = y === undefined ? 0 : productError(x[i]!, y[i]!, value);
    const sum = total + value;
    const part = sum - total;
    rest += total - (sum - part) + (value - part) + error;
    total = sum;
  }
  high[k] = total;
  low[k] = rest;
}

/** Where the sum of the products of columns i and j stands. */
const at = (i: number, j: number): number => COLUMNS + i * COLUMNS - (i * (i - 1)) / 2 + (j - i);

/**
 * The moments of all rows of the terms. A column of zeros adds nothing, and a product with a count of 1 is the other
 * column: neither is summed, and the sums are the same bit for bit.
 * @throws PopeError where the columns are not finite or of different lengths.
 */
export function momentsOf(terms: RoundTermArrays): Moments {
  const { rows, numerator, denominator, baseline, count } = columnsOf(terms);
  const moments = { ...emptyMoments(), rows };
  const columns = [numerator, denominator, baseline, count];
  const ones = terms.count == null;
  const same = denominator === count;
  /** Column that stands for column i: the count stands for an absent denominator. */
  const own = (i: number): number => (i === 1 && same ? 3 : i);
  const isZero = (i: number): boolean => i === 2 && terms.baseline === null;
  const copy = (to: number, from: number): void => {
    moments.high[to] = moments.high[from]!;
    moments.low[to] = moments.low[from]!;
  };
  for (const i of [0, 3, 1, 2]) {
    if (isZero(i)) continue;
    if (own(i) !== i) copy(i, own(i));
    else addColumn(moments, i, columns[i]!);
  }
  for (let i = 0; i < COLUMNS; i++) {
    for (let j = i; j < COLUMNS; j++) {
      if (isZero(i) || isZero(j)) continue;
      if (ones && own(j) === 3) copy(at(i, j), i);
      else if (ones && own(i) === 3) copy(at(i, j), j);
      else addColumn(moments, at(i, j), columns[i]!, columns[j]!);
    }
  }
  return moments;
}

/**
 * The moments with one more round: numerator a, denominator b, baseline c, all finite.
 * @throws PopeError where one is not finite.
 */
export function addRound(moments: Moments, numerator: number, denominator = 1, baseline = 0): Moments {
  assertFinite('numerator', numerator);
  assertFinite('denominator', denominator);
  assertFinite('baseline', baseline);
  const more = { rows: moments.rows + 1, high: moments.high.slice(), low: moments.low.slice() };
  addInto(more, [numerator, denominator, baseline, 1]);
  return more;
}

// #region T17
/**
 * The moments of the rows of x and of y together: commutative and associative to rounding, `emptyMoments()` its
 * identity. Rows that are clusters must be whole: a cluster split between x and y would count as two.
 * @id T17
 */
export function mergeMoments(x: Moments, y: Moments): Moments {
  const merged = { rows: x.rows + y.rows, high: x.high.slice(), low: x.low.slice() };
  for (let k = 0; k < SUMS; k++) accumulate(merged, k, y.high[k]!, y.low[k]!);
  return merged;
}
// #endregion T17

/** V = C/N + A/B; NaN where undefined, as `estimateOf`. */
export function valueOfMoments(moments: Moments): number {
  const [a, b, c, n] = [0, 1, 2, 3].map((k) => moments.high[k]! + moments.low[k]!) as [number, number, number, number];
  return valueFromTotals(a, b, c, n);
}

/**
 * The standard error of the value, sqrt(G/(G-1) sum psi^2) / N over G rows and N rounds, equal to `standardError` of the
 * terms. psi is linear in the row, so the sum of psi^2 is a quadratic form in the second moments.
 * NaN for fewer than 2 rows, where the value is undefined, and where squares of the terms overflow.
 */
export function standardErrorOf(moments: Moments): number {
  const { rows, high, low } = moments;
  if (rows < 2) return Number.NaN;
  const sum = (k: number) => add([high[k]!, 0], [low[k]!, 0]);
  const [a, b, c, n] = [sum(0), sum(1), sum(2), sum(3)];
  // psi = (N/B) a_i - (A N / B^2) b_i + c_i - (C/N) n_i
  const perDenominator = divide(n, b);
  const row = [perDenominator, negate(multiply(divide(a, b), perDenominator)), [1, 0] as const, negate(divide(c, n))];
  let squares: DoubleDouble = [0, 0];
  let k = COLUMNS;
  for (let i = 0; i < COLUMNS; i++) {
    for (let j = i; j < COLUMNS; j++) {
      const factor = multiply(row[i]!, multiply(row[j]!, [i === j ? 1 : 2, 0]));
      squares = add(squares, multiply(factor, sum(k++)));
    }
  }
  const error = Math.sqrt((rows / (rows - 1)) * Math.max(0, squares[0])) / n[0];
  return Number.isFinite(error) ? error : Number.NaN;
}
