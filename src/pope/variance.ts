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

// #region T4
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
  const probabilityOf = (j: number): number => probability?.[j] ?? 1 / m;
  // log(rho |R|), and everything relative to the largest: weights that are all tiny must not underflow to 0/0
  const logMagnitude = Float64Array.from({ length: m }, (_, j) => logRatio[j] + Math.log(Math.abs(reward[j])));
  let top = -Infinity;
  logMagnitude.forEach((value, j) => {
    if (!(value < 354)) {
      throw new PopeError(`the weight times reward of row ${j} is exp(${value}); its square exceeds float64.`, {
        argument: 'logRatio',
      });
    }
    if (probabilityOf(j) > 0 && value > top) top = value;
  });
  if (top === -Infinity) return { variance: 0, lowerBound: 0, z: 0, v: 0, kl: 0, chi2: 0 };
  let z = 0;
  let v = 0;
  let second = 0;
  let tilted = 0;
  for (let j = 0; j < m; j++) {
    const [p, relative] = [probabilityOf(j), logMagnitude[j] - top];
    const magnitude = Math.exp(relative);
    if (p === 0 || magnitude === 0) continue;
    z += p * magnitude;
    v += p * magnitude * Math.sign(reward[j]);
    second += p * magnitude * magnitude;
    tilted += p * magnitude * relative;
  }
  // q/pi0 = rho |R| / Z, so KL = E_q log(rho |R|) - log Z and 1 + chi2 = E_pi0 (rho |R|)^2 / Z^2
  const kl = Math.max(0, tilted / z - Math.log(z));
  const chi2 = Math.max(0, second / (z * z) - 1);
  const scale = Math.exp(top);
  const [Z, V] = [z * scale, v * scale];
  return { variance: varianceIdentity(Z, chi2, V), lowerBound: Z * Z * Math.exp(kl) - V * V, z: Z, v: V, kl, chi2 };
}
// #endregion T4

// #region T3
/**
 * sigma^2 = Z^2 (1 + chi2(q||pi0)) - v^2.
 * @id T3
 */
export const varianceIdentity = (z: number, chi2: number, v: number): number => z * z * (1 + chi2) - v * v;
// #endregion T3
