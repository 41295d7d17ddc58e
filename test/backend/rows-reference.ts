import type { Bounded } from './attention-reference.js';

const U = 2 ** -24;
/** Exponentials below 2^-126 of the largest are 0. */
const TINY = 2 ** -120;
/** An exponential and the roundings about it. */
const EXP = 8 * U;
/** Sums in eight or in four lanes, and across them. */
const eight = (n: number): number => (n / 8 + 10) * U;
const four = (n: number): number => (n / 4 + 10) * U;

type Numbers = ArrayLike<number>;
const rowOf = (x: Numbers, row: number, n: number): number[] => Array.from({ length: n }, (_, j) => x[row * n + j]);
const sumOf = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0);

function byRows(
  rows: number,
  width: number,
  fill: (row: number, set: (j: number, value: number, bound: number) => void) => void,
): Bounded {
  const value = new Float64Array(rows * width);
  const bound = new Float64Array(rows * width);
  for (let row = 0; row < rows; row++) {
    fill(row, (j, v, b) => {
      value[row * width + j] = v;
      bound[row * width + j] = b;
    });
  }
  return { value, bound };
}

/**
 * One row's softmax p, its logarithm, and how far off float32 may be: a difference d from the maximum is rounded by
 * u |d|, which is relative in its exponential; the sum errs by the mean of these and by its lanes.
 */
function distribution(x: readonly number[]): { p: number[]; log: number[]; relative: number[]; absolute: number[] } {
  const max = Math.max(...x);
  const d = x.map((v) => v - max);
  const e = d.map(Math.exp);
  const total = sumOf(e);
  const p = e.map((v) => v / total);
  const log = d.map((v) => v - Math.log(total));
  const ofSum = sumOf(p.map((q, j) => (q === 0 ? 0 : q * -d[j]))) * U + EXP + eight(x.length);
  const relative = d.map((v) => (Number.isFinite(v) ? Math.abs(v) * U : 0) + ofSum + EXP);
  const absolute = d.map((v, j) => (Math.abs(v) + Math.abs(log[j]) + 3 * Math.log(total)) * U + ofSum);
  return { p, log, relative, absolute };
}

export const softmaxRows = (x: Numbers, rows: number, n: number): Bounded =>
  byRows(rows, n, (row, set) => {
    const { p, relative } = distribution(rowOf(x, row, n));
    for (let j = 0; j < n; j++) set(j, p[j], relative[j] * p[j] + TINY);
  });

export const logSoftmaxRows = (x: Numbers, rows: number, n: number): Bounded =>
  byRows(rows, n, (row, set) => {
    const { log, absolute } = distribution(rowOf(x, row, n));
    for (let j = 0; j < n; j++) set(j, log[j], absolute[j]);
  });

/** dx = y (dy - sum(y dy)). */
export const softmaxGradRows = (y: Numbers, dy: Numbers, rows: number, n: number): Bounded =>
  byRows(rows, n, (row, set) => {
    const [p, d] = [rowOf(y, row, n), rowOf(dy, row, n)];
    const terms = p.map((q, j) => q * d[j]);
    const dot = sumOf(terms);
    const off = four(n) * sumOf(terms.map(Math.abs));
    for (let j = 0; j < n; j++) {
      set(j, p[j] * (d[j] - dot), Math.abs(p[j]) * (4 * U * (Math.abs(d[j]) + Math.abs(dot)) + off) + TINY);
    }
  });

/** dx = dy - e^y sum(dy). */
export const logSoftmaxGradRows = (y: Numbers, dy: Numbers, rows: number, n: number): Bounded =>
  byRows(rows, n, (row, set) => {
    const [log, d] = [rowOf(y, row, n), rowOf(dy, row, n)];
    const total = sumOf(d);
    const off = four(n) * sumOf(d.map(Math.abs));
    for (let j = 0; j < n; j++) {
      const e = Math.exp(log[j]);
      set(
        j,
        d[j] - e * total,
        e * (EXP * Math.abs(total) + off) + 2 * U * (Math.abs(d[j]) + e * Math.abs(total)) + TINY,
      );
    }
  });

/** logSoftmax(x)[target], 0 where the target is -1. */
export const gatherLogProbRows = (x: Numbers, targets: Numbers, rows: number, n: number): Bounded =>
  byRows(rows, 1, (row, set) => {
    const { log, absolute } = distribution(rowOf(x, row, n));
    const target = targets[row];
    set(0, target < 0 ? 0 : log[target], target < 0 ? 0 : absolute[target]);
  });

/** dx = dy (onehot(target) - softmax(x)), 0 where the target is -1. */
export const gatherLogProbGradRows = (x: Numbers, targets: Numbers, dy: Numbers, rows: number, n: number): Bounded =>
  byRows(rows, n, (row, set) => {
    const { p, relative } = distribution(rowOf(x, row, n));
    const d = targets[row] < 0 ? 0 : dy[row];
    const size = Math.abs(d);
    for (let j = 0; j < n; j++) {
      const hit = j === targets[row];
      set(j, d * (+hit - p[j]), size * ((relative[j] + 2 * U) * p[j] + (hit ? U : 0) + TINY));
    }
  });

interface Normal {
  readonly h: number[];
  readonly scale: number;
  /** Of h: the mean's last digit in units of the deviation, the sums, and the roundings. */
  readonly off: number[];
}

function normalised(x: readonly number[], epsilon: number): Normal {
  const n = x.length;
  const mean = sumOf(x) / n;
  const scale = 1 / Math.sqrt(sumOf(x.map((v) => (v - mean) ** 2)) / n + epsilon);
  const h = x.map((v) => (v - mean) * scale);
  // the first mean's own error is squared into the variance and taken off again
  const first = eight(n) * (sumOf(x.map(Math.abs)) / n) * scale;
  const ofScale = (eight(n) + 4 * U) * (1 + first * first);
  const ofMean = 2 * U * Math.abs(mean) * scale + eight(n) * (1 + first);
  return { h, scale, off: h.map((v) => ofMean + (ofScale + 3 * U) * Math.abs(v)) };
}

/** h gain + bias with h = (x - mean)/sqrt(variance + epsilon). */
export const layerNormRows = (
  x: Numbers,
  gain: Numbers,
  bias: Numbers,
  rows: number,
  n: number,
  epsilon: number,
): Bounded =>
  byRows(rows, n, (row, set) => {
    const { h, off } = normalised(rowOf(x, row, n), epsilon);
    for (let j = 0; j < n; j++) {
      const y = h[j] * gain[j] + bias[j];
      const size = Math.abs(h[j] * gain[j]);
      set(j, y, off[j] * Math.abs(gain[j]) + 2 * U * (size + Math.abs(bias[j])));
    }
  });

/** dx, and the sums over rows of dy h and of dy. */
export function layerNormGradRows(
  x: Numbers,
  gain: Numbers,
  dy: Numbers,
  rows: number,
  n: number,
  epsilon: number,
): { dx: Bounded; dgain: Bounded; dbias: Bounded } {
  const vector = (): Bounded => ({ value: new Float64Array(n), bound: new Float64Array(n) });
  const [dgain, dbias] = [vector(), vector()];
  // 32 rows are added in float32, their sums in float64
  const rounds = 34 * U;
  const dx = byRows(rows, n, (row, set) => {
    const { h, scale, off } = normalised(rowOf(x, row, n), epsilon);
    const d = rowOf(dy, row, n);
    const g = d.map((v, j) => v * gain[j]);
    const mean = (terms: readonly number[]): number => sumOf(terms) / n;
    const [g1, gh] = [mean(g), mean(g.map((v, j) => v * h[j]))];
    const [sizeG, sizeGH] = [mean(g.map(Math.abs)), mean(g.map((v, j) => Math.abs(v * h[j])))];
    const offG = four(n) * sizeG;
    const offGH = four(n) * sizeGH + mean(g.map((v, j) => Math.abs(v) * off[j]));
    const ofScale = eight(n) + 8 * U;
    for (let j = 0; j < n; j++) {
      const size = Math.abs(g[j]) + sizeG + Math.abs(h[j]) * sizeGH;
      const bound = scale * ((ofScale + 6 * U) * size + offG + Math.abs(h[j]) * offGH + off[j] * sizeGH);
      set(j, scale * (g[j] - g1 - h[j] * gh), bound * 1.01);
      dgain.value[j] += d[j] * h[j];
      dgain.bound[j] += Math.abs(d[j]) * (rounds * Math.abs(h[j]) + 1.01 * off[j]);
      dbias.value[j] += d[j];
      dbias.bound[j] += rounds * Math.abs(d[j]);
    }
  });
  return { dx, dgain, dbias };
}
