import { invalid, type PopeError } from '../../util/index.js';
import { rowLogSumExp, softmaxRow } from './softmax.js';

/** out[r] = logSoftmax(x[r])[targets[r]] over rows of n; 0 where the target is -1. */
export function gatherLogProbRows(x: Float64Array, targets: Int32Array, n: number, out: Float64Array): void {
  for (let r = 0; r < out.length; r++) {
    const target = checkedTarget(targets, r, n);
    out[r] = target < 0 ? 0 : x[r * n + target] - rowLogSumExp(x, r * n, (r + 1) * n);
  }
}

/** dx[r] = dy[r] (onehot(targets[r]) - softmax(x[r])), written into x; rows of target -1 become 0. */
export function gatherLogProbGradRows(x: Float64Array, targets: Int32Array, n: number, dy: Float64Array): void {
  for (let r = 0; r < dy.length; r++) {
    const start = r * n;
    const end = start + n;
    const target = checkedTarget(targets, r, n);
    if (target < 0) {
      x.fill(0, start, end);
      continue;
    }
    softmaxRow(x, start, end);
    const d = dy[r];
    for (let i = start; i < end; i++) x[i] *= -d;
    x[start + target] += d;
  }
}

/** What is wrong with the target of row r. */
export const targetError = (r: number, target: number, n: number): PopeError =>
  invalid(`targets[${r}]`, target, `an integer from 0 to ${n - 1}, or -1 for padding`);

function checkedTarget(targets: Int32Array, r: number, n: number): number {
  const target = targets[r];
  if (target < -1 || target >= n) throw targetError(r, target, n);
  return target;
}
