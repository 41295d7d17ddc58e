import { invalid } from '../util/index.js';
import { assertProblem, type FiniteProblem } from './finite-problem.js';

export interface OptimalBaseline {
  /** beta* = Cov(Z, W)/Var(W) of one round's totals; 0 where W does not vary. */
  readonly beta: number;
  /** What beta* takes off the variance of one round: beta*^2 Var(W). Divide by N for the mean over N rounds. */
  readonly saving: number;
}

/**
 * The best additive baseline of a finite problem, exactly: Z = sum_j w_j rho_j R_j, W = sum_j w_j rho_j of a round whose
 * responses are drawn independently. Where the log covers the target beta* does not depend on the slate weights, and the
 * saving is proportional to sum_j w_j^2.
 * @param slateWeights w_j >= 0 with sum 1; one response by default. @throws PopeError where the problem is none.
 */
export function optimalBaseline(problem: FiniteProblem, slateWeights: readonly number[] = [1]): OptimalBaseline {
  assertProblem(problem);
  const total = slateWeights.reduce((sum, w) => sum + w, 0);
  if (!slateWeights.every((w) => w >= 0) || !(Math.abs(total - 1) < 1e-9))
    throw invalid('slateWeights', slateWeights, 'non-negative numbers with sum 1');
  const squares = slateWeights.reduce((sum, w) => sum + w * w, 0);
  const rows = problem.contextProb.map((_, x) => contextMoments(problem, x));
  const over = (f: (x: number) => number) => problem.contextProb.reduce((sum, p, x) => sum + (p > 0 ? p * f(x) : 0), 0);
  // within contexts the draws are independent; across contexts the conditional means vary
  const [meanZ, meanW] = [over((x) => rows[x].z), over((x) => rows[x].w)];
  const between = over((x) => (rows[x].z - meanZ) * (rows[x].w - meanW));
  const betweenW = over((x) => (rows[x].w - meanW) ** 2);
  const covariance = squares * over((x) => rows[x].covariance) + between;
  const variance = squares * over((x) => rows[x].variance) + betweenW;
  if (!(variance > (ROUNDING * meanW) ** 2)) return { beta: 0, saving: 0 };
  return { beta: covariance / variance, saving: (covariance / variance) * covariance };
}

/** Relative deviation of W that rounding alone may make. */
const ROUNDING = 1e-9;

/** Means, variance and covariance of rho R and rho under the logging policy in one context, centred before squaring. */
function contextMoments({ logging, target, reward }: FiniteProblem, x: number) {
  const under = (f: (rho: number, r: number) => number) =>
    logging[x].reduce((sum, p, y) => sum + (p > 0 ? p * f(target[x][y] / p, reward[x][y]) : 0), 0);
  const z = under((rho, r) => rho * r);
  const w = under((rho) => rho);
  return {
    z,
    w,
    covariance: under((rho, r) => (rho * r - z) * (rho - w)),
    variance: under((rho) => (rho - w) ** 2),
  };
}
