import { assertInteger, invalid, PopeError } from '../util/index.js';
import { compensatedSum, type DoubleDouble } from './double-double.js';

/**
 * What every estimator reduces to, one row a round (or, after `clusterSums`, a cluster): V = mean(c) + sum(a) / sum(b).
 * Plain IPS has b = 1 and c = 0; SNIPS b = the round's total weight; doubly robust c = E_pi q and a = the weighted
 * residual. All columns have the same length and finite entries.
 */
export interface RoundTermArrays {
  /** a. */
  readonly numerator: Float64Array;
  /** b; null means b = count (the plain mean). */
  readonly denominator: Float64Array | null;
  /** c; null means 0. */
  readonly baseline: Float64Array | null;
  /** How many rounds each row stands for; null or absent means 1. The mean of c is over rounds: sum(c) / sum(count). */
  readonly count?: Float64Array | null;
}

/** The four columns of the terms, written out and checked. */
export interface TermColumns {
  readonly rows: number;
  readonly numerator: Float64Array;
  readonly denominator: Float64Array;
  readonly baseline: Float64Array;
  readonly count: Float64Array;
}

/** The place of the first entry that is NaN or infinite, -1 where all are finite. */
export function firstNotFinite(column: Float64Array): number {
  // x - x is 0 for finite numbers alone, and cheaper than a call on columns of millions
  for (let i = 0; i < column.length; i++) if (column[i]! - column[i]! !== 0) return i;
  return -1;
}

/** @throws PopeError where lengths differ, an entry is not finite or a count is not above 0; it names the row. */
export function columnsOf(terms: RoundTermArrays): TermColumns {
  const { numerator } = terms;
  const rows = numerator.length;
  const count = terms.count ?? new Float64Array(rows).fill(1);
  const denominator = terms.denominator ?? count;
  const baseline = terms.baseline ?? new Float64Array(rows);
  for (const name of ['numerator', 'denominator', 'baseline', 'count'] as const) {
    // what stands in for an absent column is as it should be
    const column = terms[name];
    if (column == null) continue;
    if (column.length !== rows)
      throw invalid(`terms.${name}.length`, column.length, `${rows}, the length of the numerator`);
    const bad = firstNotFinite(column);
    if (bad >= 0) throw invalid(`terms.${name}[${bad}]`, column[bad], 'a finite number');
  }
  const empty = terms.count == null ? -1 : count.findIndex((n) => n <= 0);
  if (empty >= 0) throw invalid(`terms.count[${empty}]`, count[empty], 'a number above 0');
  return { rows, numerator, denominator, baseline, count };
}

/** The totals A, B, C, N of the columns, to about twice the working precision. */
export interface TermTotals {
  readonly numerator: DoubleDouble;
  readonly denominator: DoubleDouble;
  readonly baseline: DoubleDouble;
  readonly count: DoubleDouble;
}

export function totalsOf({ numerator, denominator, baseline, count }: TermColumns): TermTotals {
  const rounds = compensatedSum(count);
  return {
    numerator: compensatedSum(numerator),
    denominator: denominator === count ? rounds : compensatedSum(denominator),
    baseline: compensatedSum(baseline),
    count: rounds,
  };
}

/** C/N + A/B, or NaN where N or B is 0 or the result overflows. */
export function valueFromTotals(a: number, b: number, c: number, n: number): number {
  const value = c / n + a / b;
  return b !== 0 && n !== 0 && Number.isFinite(value) ? value : Number.NaN;
}

/**
 * The estimate V = sum(c)/sum(count) + sum(a)/sum(b).
 * NaN only where it is undefined: no rows, sum(b) = 0 (SNIPS with all weights 0), or sums beyond float64.
 * @throws PopeError where the columns are not finite or of different lengths.
 */
export function estimateOf(terms: RoundTermArrays): number {
  return columnsEstimate(columnsOf(terms));
}

export function columnsEstimate(columns: TermColumns, totals = totalsOf(columns)): number {
  const { numerator, denominator, baseline, count } = totals;
  return valueFromTotals(numerator[0], denominator[0], baseline[0], count[0]);
}

/**
 * The influence of each row, psi_i = (c_i - C/N n_i) + (a_i - theta b_i) / (B/N), theta = A/B; it sums to 0. Summed
 * over a cluster's rounds it is the influence of the cluster.
 * All NaN where the estimate is undefined.
 */
export function influence(terms: RoundTermArrays): Float64Array {
  return columnsInfluence(columnsOf(terms));
}

export function columnsInfluence(columns: TermColumns, totals = totalsOf(columns)): Float64Array {
  const { rows, numerator, denominator, baseline, count } = columns;
  const theta = totals.numerator[0] / totals.denominator[0];
  const meanDenominator = totals.denominator[0] / totals.count[0];
  const meanBaseline = totals.baseline[0] / totals.count[0];
  const psi = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    psi[i] = baseline[i]! - meanBaseline * count[i]! + (numerator[i]! - theta * denominator[i]!) / meanDenominator;
  }
  return psi;
}

/**
 * The terms summed within clusters: one row a cluster, `count` its rounds, so the value (a mean over rounds) is the
 * same and rows are the independent units. `clusterOf`: the cluster of every row, 0 .. clusters - 1, each used.
 * @throws PopeError where an index is out of range or a cluster has no row.
 */
export function clusterSums(terms: RoundTermArrays, clusterOf: Int32Array, clusters: number): RoundTermArrays {
  const columns = columnsOf(terms);
  assertInteger('clusters', clusters, 0);
  if (clusterOf.length !== columns.rows)
    throw invalid('clusterOf.length', clusterOf.length, `${columns.rows}, one a round`);
  clusterOf.forEach((g, i) => {
    if (g < 0 || g >= clusters) throw invalid(`clusterOf[${i}]`, g, `an integer from 0 to ${clusters - 1}`);
  });
  const within = (column: Float64Array) => {
    const sums = new Float64Array(clusters);
    for (let i = 0; i < column.length; i++) sums[clusterOf[i]!]! += column[i]!;
    return sums;
  };
  const count = within(columns.count);
  const empty = count.indexOf(0);
  if (empty >= 0) throw invalid('clusters', clusters, 'clusters that each have a round', `Cluster ${empty} has none.`);
  return {
    numerator: within(columns.numerator),
    denominator: terms.denominator === null ? null : within(columns.denominator),
    baseline: terms.baseline === null ? null : within(columns.baseline),
    count,
  };
}

/** Numbers the clusters by first appearance. */
export function clusterIndex(names: readonly string[]): { readonly clusterOf: Int32Array; readonly clusters: number } {
  const numbers = new Map<string, number>();
  const clusterOf = Int32Array.from(names, (name) => {
    if (!numbers.has(name)) numbers.set(name, numbers.size);
    return numbers.get(name)!;
  });
  return { clusterOf, clusters: numbers.size };
}

function sameColumn(x: Float64Array | null | undefined, y: Float64Array | null | undefined): boolean {
  if (!x || !y) return !x && !y;
  return x === y || (x.length === y.length && x.every((value, i) => value === y[i]));
}

/**
 * The terms of the value of x plus `scale` times the value of y, row by row (so differences are paired): tau times the
 * diversity added to the utility, or the logging policy's value taken off with scale = -1. One of the two may be a
 * plain mean (denominator null); two ratios need the same denominators.
 * @throws PopeError where lengths, counts or two denominators differ.
 */
export function combineTerms(x: RoundTermArrays, y: RoundTermArrays, scale = 1): RoundTermArrays {
  if (x.numerator.length !== y.numerator.length) {
    throw invalid('y.numerator.length', y.numerator.length, `${x.numerator.length}, the rows of x`);
  }
  if (!sameColumn(x.count, y.count)) throw invalid('y.count', y.count, 'the counts of x');
  const count = x.count ?? null;
  const baselineOf = (f: (i: number) => number) => x.numerator.map((_, i) => f(i));
  const xBase = (i: number) => x.baseline?.[i] ?? 0;
  const yBase = (i: number) => scale * (y.baseline?.[i] ?? 0);
  if (sameColumn(x.denominator, y.denominator)) {
    const baseline = x.baseline === null && y.baseline === null ? null : baselineOf((i) => xBase(i) + yBase(i));
    const numerator = x.numerator.map((a, i) => a + scale * y.numerator[i]!);
    return { numerator, denominator: x.denominator, baseline, count };
  }
  if (y.denominator === null) {
    return { ...x, baseline: baselineOf((i) => xBase(i) + yBase(i) + scale * y.numerator[i]!), count };
  }
  if (x.denominator === null) {
    const baseline = baselineOf((i) => xBase(i) + yBase(i) + x.numerator[i]!);
    return { numerator: y.numerator.map((a) => scale * a), denominator: y.denominator, baseline, count };
  }
  throw new PopeError(
    'x and y are ratios with different denominators; expected the same denominators, or one plain mean.',
    {
      argument: 'y',
    },
  );
}
