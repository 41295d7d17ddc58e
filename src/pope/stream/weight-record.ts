import { type Diagnostics, fewestUnits, largestLogRatio } from '../../ope/index.js';
import {
  emptyMoments,
  type LargestLogs,
  largestLogs,
  type Moments,
  mergeLargestLogs,
  mergeMoments,
  momentsOf,
  paretoLimit,
  standardErrorOf,
  tailOfLargest,
  valueOfMoments,
} from '../../stats/index.js';

/** A weight and the round in which it stands. */
export interface NamedWeight {
  readonly logRatio: number;
  readonly id: string;
}

/** What a part of a log adds to the diagnostics of one target's weights. */
export interface WeightRecord {
  readonly count: number;
  readonly zero: number;
  /** The largest log-ratio; the two sums are of weights relative to it. */
  readonly top: number;
  readonly sum: number;
  readonly squares: number;
  /** The three largest, largest first. */
  readonly largest: readonly NamedWeight[];
  readonly tail: LargestLogs;
  /** By unit: the sum of its weights over their number, a ratio. null beyond float64. */
  readonly mean: Moments | null;
}

const named = 3;
/** A weight beyond this is no float64. */
const largestExponent = 709;

/** The record of weights. `unitOf`: the independent unit of each; `idOf`: the round of each. */
export function weightRecord(
  logRatio: Float64Array,
  unitOf: Int32Array,
  units: number,
  idOf: (row: number) => string,
  capacity: number,
): WeightRecord {
  const top = largestLogRatio(logRatio);
  const unitSum = new Float64Array(units);
  const unitSize = new Float64Array(units);
  let [zero, sum, squares] = [0, 0, 0];
  logRatio.forEach((l, j) => {
    const rho = Math.exp(l);
    if (rho === 0) zero++;
    unitSum[unitOf[j]] += rho;
    unitSize[unitOf[j]]++;
    if (l === -Infinity) return;
    const relative = Math.exp(l - top);
    sum += relative;
    squares += relative * relative;
  });
  const finite = top <= largestExponent && unitSum.every(Number.isFinite);
  return {
    count: logRatio.length,
    zero,
    top,
    sum,
    squares,
    largest: largestNamed(logRatio, idOf),
    tail: largestLogs(logRatio, capacity),
    mean: finite ? momentsOf({ numerator: unitSum, denominator: unitSize, baseline: null }) : null,
  };
}

export const emptyWeights = (capacity: number): WeightRecord => ({
  count: 0,
  zero: 0,
  top: -Infinity,
  sum: 0,
  squares: 0,
  largest: [],
  tail: largestLogs(new Float64Array(0), capacity),
  mean: emptyMoments(),
});

export function mergeWeights(x: WeightRecord, y: WeightRecord): WeightRecord {
  const top = Math.max(x.top, y.top);
  const factor = (top_: number): number => (top_ === -Infinity ? 0 : Math.exp(top_ - top));
  const [fx, fy] = [factor(x.top), factor(y.top)];
  return {
    count: x.count + y.count,
    zero: x.zero + y.zero,
    top,
    sum: x.sum * fx + y.sum * fy,
    squares: x.squares * fx * fx + y.squares * fy * fy,
    largest: [...x.largest, ...y.largest].sort(byWeight).slice(0, named),
    tail: mergeLargestLogs(x.tail, y.tail),
    mean: x.mean && y.mean && mergeMoments(x.mean, y.mean),
  };
}

/** Largest first; equal weights by the id of their round, so that no order of parts matters. */
const byWeight = (x: NamedWeight, y: NamedWeight): number =>
  x.logRatio === y.logRatio ? (x.id < y.id ? -1 : 1) : y.logRatio - x.logRatio;

function largestNamed(logRatio: Float64Array, idOf: (row: number) => string): NamedWeight[] {
  let rows: NamedWeight[] = [];
  for (let j = 0; j < logRatio.length; j++) {
    if (rows.length === named && logRatio[j] < rows[named - 1].logRatio) continue;
    rows = [...rows, { logRatio: logRatio[j], id: idOf(j) }].sort(byWeight).slice(0, named);
  }
  return rows;
}

/**
 * The diagnostics that `diagnose` gives for the same weights; `largest` are positions in `record.largest`.
 * @param units how many rounds or clusters the weights are of.
 */
export function diagnosticsOf(record: WeightRecord, units: number): Diagnostics & { readonly shortened: boolean } {
  const { count, zero, sum, squares, mean } = record;
  const tail = tailOfLargest(record.tail);
  const value = mean === null ? Number.NaN : valueOfMoments(mean);
  const meanWeight = Number.isFinite(value) ? value : null;
  const error = mean === null || units < fewestUnits ? Number.NaN : standardErrorOf(mean);
  return {
    meanWeight,
    meanWeightError: meanWeight !== null && Number.isFinite(error) ? error : null,
    units,
    effectiveSampleSize: sum === 0 ? 0 : (sum * sum) / squares,
    maxWeightShare: sum === 0 ? 0 : 1 / sum,
    paretoK: tail.k,
    paretoReason: tail.reason,
    paretoLimit: paretoLimit(Math.max(2, count)),
    zeroWeightShare: zero / count,
    largest: record.largest.map((_, k) => k),
    shortened: tail.shortened,
  };
}
