import { invalid } from '../util/index.js';

/** Second moments of weight and reward under the logging policy of one context. */
export interface WeightMoments {
  /** E_pi0 rho^2 */
  readonly a: number;
  /** E_pi0 rho^2 R */
  readonly b: number;
  /** E_pi0 rho^2 R^2 */
  readonly c: number;
  /** E_pi R */
  readonly v: number;
}

/** The moments of one context of a finite problem: rows over its responses. */
export function weightMoments(
  logging: readonly number[],
  target: readonly number[],
  reward: readonly number[],
): WeightMoments {
  let [a, b, c, v] = [0, 0, 0, 0];
  logging.forEach((p0, y) => {
    if (p0 === 0) return;
    const rho = target[y] / p0;
    a += p0 * rho * rho;
    b += p0 * rho * rho * reward[y];
    c += p0 * rho * rho * reward[y] * reward[y];
    v += target[y] * reward[y];
  });
  return { a, b, c, v };
}

// #region T6
/**
 * How much variance decomposing takes off the joint estimator in one context: E[joint^2] - E[decomposed^2], with
 * E[joint^2] = W2 c a^(n-1) + Wx b^2 a^(n-2), E[decomposed^2] = W2 c + Wx v^2, W2 = sum w_j^2, Wx = 1 - W2.
 * At least 0 whenever the log covers the target (so that a >= 1) and |b| >= |v|, and for w = 1/n whenever
 * a^(n-1) >= n; NOT always: at n = 2, pi0 = (1/2, 1/2), pi = (1/4, 3/4), R = (1, 0) the decomposed estimator has the
 * larger variance.
 * @param slateWeights w_j >= 0 with sum 1.
 * @id T6
 */
export function decompositionGap({ a, b, c, v }: WeightMoments, slateWeights: readonly number[]): number {
  const total = slateWeights.reduce((sum, w) => sum + w, 0);
  if (!slateWeights.every((w) => w >= 0) || !(Math.abs(total - 1) < 1e-9)) {
    throw invalid('slateWeights', slateWeights, 'non-negative numbers with sum 1');
  }
  const n = slateWeights.length;
  const w2 = slateWeights.reduce((sum, w) => sum + w * w, 0);
  const wx = 1 - w2;
  const joint = w2 * c * a ** (n - 1) + (n === 1 ? 0 : wx * b * b * a ** (n - 2));
  const decomposed = w2 * c + (n === 1 ? 0 : wx * v * v);
  return joint - decomposed;
}
// #endregion T6
