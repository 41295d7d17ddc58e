/** Softmax in place of x[start .. end): the maximum is subtracted, so that rows of any size are stable. */
export function softmaxRow(x: Float64Array, start: number, end: number): void {
  const max = rowMax(x, start, end);
  let total = 0;
  for (let i = start; i < end; i++) total += x[i] = Math.exp(x[i] - max);
  const scale = 1 / total;
  for (let i = start; i < end; i++) x[i] *= scale;
}

/** log sum_i exp(x_i) over x[start .. end). */
export function rowLogSumExp(x: Float64Array, start: number, end: number): number {
  const max = rowMax(x, start, end);
  let total = 0;
  for (let i = start; i < end; i++) total += Math.exp(x[i] - max);
  return max + Math.log(total);
}

/** NaN is passed over here: it comes back through the exponentials. */
function rowMax(x: Float64Array, start: number, end: number): number {
  let max = -Infinity;
  for (let i = start; i < end; i++) if (x[i] > max) max = x[i];
  return max;
}

/** Rows of n, in place. */
export function softmaxRows(x: Float64Array, n: number): void {
  for (let start = 0; start < x.length; start += n) softmaxRow(x, start, start + n);
}

/** Rows of n, in place. */
export function logSoftmaxRows(x: Float64Array, n: number): void {
  for (let start = 0; start < x.length; start += n) {
    const lse = rowLogSumExp(x, start, start + n);
    for (let i = start; i < start + n; i++) x[i] -= lse;
  }
}

/** dx = y (dy - sum(dy y)), written into dy. */
export function softmaxGradRows(y: Float64Array, dy: Float64Array, n: number): void {
  for (let start = 0; start < y.length; start += n) {
    let dot = 0;
    for (let i = start; i < start + n; i++) dot += dy[i] * y[i];
    for (let i = start; i < start + n; i++) dy[i] = y[i] * (dy[i] - dot);
  }
}

/** dx = dy - exp(y) sum(dy), written into dy. */
export function logSoftmaxGradRows(y: Float64Array, dy: Float64Array, n: number): void {
  for (let start = 0; start < y.length; start += n) {
    let total = 0;
    for (let i = start; i < start + n; i++) total += dy[i];
    for (let i = start; i < start + n; i++) dy[i] -= Math.exp(y[i]) * total;
  }
}
