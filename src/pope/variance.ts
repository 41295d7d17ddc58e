import { PopeError } from '../util/index.js';

/** The variance of one weighted reward and how far the log is from what the target rewards. */
export interface VarianceBound {
  /** sigma^2 = Var_{pi0}(rho R), by the identity T3. */
  readonly variance: number;
  /** Z^2 exp(KL(q||pi0)) - v^2, never above the variance (T4). */
  readonly lowerBound: number;
  /** Z = E_pi |R|. */
  readonly z: number;
  /** v = E_pi R. */
  readonly v: number;
  /** KL(q||pi0) of the reward-tilted target q = pi |R| / Z, nats. */
  readonly kl: number;
  /** chi^2(q||pi0). */
  readonly chi2: number;
}

/**
 * The variance of rho R and its lower bound, from the distribution of (weight, reward) under the logging policy:
 * sigma^2 = Z^2 (1 + chi2(q||pi0)) - v^2 >= Z^2 exp(KL(q||pi0)) - v^2 >= Z^2 - v^2 >= 0.
 * With `probability` the draws are a finite problem's and the statement is exact; without, they are a sample and this
 * is the plug-in, for which the inequalities hold too.
 * @param logRatio log rho, [M]. @param reward R, [M], finite. @param probability of each draw, sum 1; default 1/M.
 * @throws PopeError where rho R leaves float64.
 * @id T4
 */
export function varianceLowerBound(
  logRatio: ArrayLike<number>,
  reward: ArrayLike<number>,
  probability?: ArrayLike<number>,
): VarianceBound {
  const m = logRatio.length;
  let z = 0;
  let v = 0;
  let second = 0;
  let tilted = 0;
  for (let j = 0; j < m; j++) {
    const p = probability?.[j] ?? 1 / m;
    const magnitude = Math.exp(logRatio[j]) * Math.abs(reward[j]);
    if (p === 0 || magnitude === 0) continue;
    z += p * magnitude;
    v += p * magnitude * Math.sign(reward[j]);
    second += p * magnitude * magnitude;
    tilted += p * magnitude * (logRatio[j] + Math.log(Math.abs(reward[j])));
  }
  if (!Number.isFinite(second)) {
    throw new PopeError('a weight times reward exceeds float64; expected log-ratios below 350.', { argument: 'logRatio' });
  }
  if (z === 0) return { variance: 0, lowerBound: 0, z: 0, v: 0, kl: 0, chi2: 0 };
  // q/pi0 = rho |R| / Z, so KL = E_q log(rho |R|) - log Z and 1 + chi2 = E_pi0 (rho |R|)^2 / Z^2
  const kl = Math.max(0, tilted / z - Math.log(z));
  const chi2 = Math.max(0, second / (z * z) - 1);
  return { variance: varianceIdentity(z, chi2, v), lowerBound: z * z * Math.exp(kl) - v * v, z, v, kl, chi2 };
}

/**
 * sigma^2 = Z^2 (1 + chi2(q||pi0)) - v^2.
 * @id T3
 */
export const varianceIdentity = (z: number, chi2: number, v: number): number => z * z * (1 + chi2) - v * v;
