import { paretoLimit, paretoTail } from '../stats/index.js';
import { PopeError } from '../util/index.js';

/** Figures about the raw weights of all responses; null where undefined, with the reason beside it. */
export interface Diagnostics {
  /** (1/M) sum rho; its expectation is 1 less the target's mass outside of the log's support (T18). */
  readonly meanWeight: number | null;
  /** Standard error of the mean weight over rounds (or clusters); null for fewer than ten of them. */
  readonly meanWeightError: number | null;
  /** How many rounds (or clusters) there are, which alone are independent. */
  readonly units: number;
  /** (sum rho)^2 / sum rho^2, from 0 to M. */
  readonly effectiveSampleSize: number;
  /** max rho / sum rho. */
  readonly maxWeightShare: number;
  /** Index of the generalised Pareto tail of the weights (T14). */
  readonly paretoK: number | null;
  readonly paretoReason: string | null;
  readonly paretoLimit: number;
  /** Share of responses with rho = 0. */
  readonly zeroWeightShare: number;
  /** The rows of the largest weights, largest first. */
  readonly largest: readonly number[];
}

/**
 * (sum rho)^2 / sum rho^2 of the raw weights, computed from log-ratios so that no weight is too large. 0 for no weight above 0.
 * @param logRatio log rho of each response; -Infinity is weight 0. @throws PopeError for NaN or +Infinity.
 */
export function effectiveSampleSize(logRatio: ArrayLike<number>): number {
  const top = largestLogRatio(logRatio);
  if (top === -Infinity) return 0;
  let sum = 0;
  let squares = 0;
  for (let j = 0; j < logRatio.length; j++) {
    const rho = Math.exp(logRatio[j] - top);
    sum += rho;
    squares += rho * rho;
  }
  return (sum * sum) / squares;
}

/** max rho / sum rho; 1 where a single response carries all, 0 for no weight above 0. */
export function maxWeightShare(logRatio: ArrayLike<number>): number {
  const top = largestLogRatio(logRatio);
  if (top === -Infinity) return 0;
  let sum = 0;
  for (let j = 0; j < logRatio.length; j++) sum += Math.exp(logRatio[j] - top);
  return 1 / sum;
}

/** The largest log-ratio; -Infinity for none. @throws PopeError for NaN or +Infinity, naming the row. */
export function largestLogRatio(logRatio: ArrayLike<number>): number {
  let top = -Infinity;
  for (let j = 0; j < logRatio.length; j++) {
    const value = logRatio[j];
    if (Number.isNaN(value) || value === Infinity) {
      throw new PopeError(`logRatio[${j}] is ${value}; expected a number below Infinity (-Infinity is weight 0).`, {
        argument: 'logRatio',
        got: value,
      });
    }
    if (value > top) top = value;
  }
  return top;
}

/**
 * All diagnostics of one target.
 * @param unitOf the independent unit (round or cluster) of each response, 0 .. units - 1.
 */
export function diagnose(logRatio: Float64Array, unitOf: Int32Array, units: number): Diagnostics {
  const m = logRatio.length;
  const top = largestLogRatio(logRatio);
  const tail = paretoTail(logRatio);
  const order = largestRows(logRatio, 3);
  let zero = 0;
  let sum = 0;
  const unitSum = new Float64Array(units);
  const unitSize = new Float64Array(units);
  for (let j = 0; j < m; j++) {
    const rho = Math.exp(logRatio[j]);
    if (rho === 0) zero++;
    sum += rho;
    unitSum[unitOf[j]] += rho;
    unitSize[unitOf[j]]++;
  }
  const mean = sum / m;
  const meanWeight = top > 709 || !Number.isFinite(mean) ? null : mean;
  return {
    meanWeight,
    meanWeightError: meanWeight === null ? null : ratioError(unitSum, unitSize, meanWeight, m),
    units,
    effectiveSampleSize: effectiveSampleSize(logRatio),
    maxWeightShare: maxWeightShare(logRatio),
    paretoK: tail.k,
    paretoReason: tail.reason ?? null,
    paretoLimit: paretoLimit(Math.max(2, m)),
    zeroWeightShare: zero / m,
    largest: order,
  };
}

/** Units below which a standard error of the mean weight says nothing: two equal weights would have error 0. */
export const fewestUnits = 10;

/** Standard error of sum(unitSum)/m with independent units; null for fewer than ten. */
function ratioError(unitSum: Float64Array, unitSize: Float64Array, mean: number, m: number): number | null {
  const units = unitSum.length;
  if (units < fewestUnits) return null;
  let squares = 0;
  for (let g = 0; g < units; g++) squares += (unitSum[g] - mean * unitSize[g]) ** 2;
  const error = Math.sqrt((squares * units) / (units - 1)) / m;
  return Number.isFinite(error) ? error : null;
}

function largestRows(logRatio: Float64Array, count: number): number[] {
  const rows: number[] = [];
  for (let j = 0; j < logRatio.length; j++) {
    if (rows.length === count && logRatio[j] <= logRatio[rows[count - 1]]) continue;
    rows.push(j);
    rows.sort((a, b) => logRatio[b] - logRatio[a]);
    rows.length = Math.min(rows.length, count);
  }
  return rows;
}
