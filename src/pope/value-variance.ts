import { assertProblem, type FiniteProblem } from '../ope/index.js';
import { clusterSums, influence, type RoundTermArrays } from '../stats/index.js';
import { assertFinite, assertInteger, invalid } from '../util/index.js';

/** Variances of estimates from one log, in the units of the estimates, squared. */
export interface ValueVariance {
  /** Var of the utility's estimate, the square of its standard error. */
  readonly utility: number;
  /** Var of the diversity's estimate, without tau. */
  readonly diversity: number;
  /** Cov of the two. */
  readonly covariance: number;
  /** Var_utility + tau^2 Var_diversity + 2 tau Cov, the square of the value's standard error. */
  readonly value: number;
}

// #region T5
/**
 * The variance of V = V_cu + tau V_div and its parts, from the rounds (or clusters) of one log:
 * Var = Var_cu + tau^2 Var_div + 2 tau Cov, the covariance from the same influences as the variances. NaN for fewer than
 * two units or undefined estimates.
 * @param unitOf the independent unit of each round, 0 .. units - 1; absent: every round.
 * @throws PopeError where the terms have different lengths.
 * @id T5
 */
export function valueVariance(
  utility: RoundTermArrays,
  diversity: RoundTermArrays,
  tau: number,
  unitOf?: { readonly clusterOf: Int32Array; readonly clusters: number },
): ValueVariance {
  if (utility.numerator.length !== diversity.numerator.length)
    throw invalid('diversity', diversity.numerator.length, `${utility.numerator.length} rows, as the utility`);
  assertFinite('tau', tau);
  const grouped = (terms: RoundTermArrays): RoundTermArrays =>
    unitOf === undefined ? terms : clusterSums(terms, unitOf.clusterOf, unitOf.clusters);
  const [u, d] = [grouped(utility), grouped(diversity)].map(influence);
  const rounds = utility.numerator.length;
  const between = (x: Float64Array, y: Float64Array): number => {
    const g = x.length;
    if (g < 2) return Number.NaN;
    // influences sum to 0, so no mean has to be taken off
    return (x.reduce((sum, v, i) => sum + v * y[i], 0) * g) / (g - 1) / rounds ** 2;
  };
  const [varU, varD, covariance] = [between(u, u), between(d, d), between(u, d)];
  return { utility: varU, diversity: varD, covariance, value: varU + tau * tau * varD + 2 * tau * covariance };
}
// #endregion T5

/**
 * The same exactly, across the contexts of a finite problem: the variance of decomposed IPS over N rounds is
 * (1/N)(Var_x v(x) + E_x[sum_j w_j^2 sigma^2(x)]), v(x) = E_pi0[rho R | x], sigma^2(x) = Var_pi0(rho R | x).
 * @param slateWeights w_j. @returns the part between contexts, the part within them, and their sum.
 * @throws PopeError where the problem is none or rounds is below 1.
 */
export function varianceAcrossContexts(
  problem: FiniteProblem,
  slateWeights: readonly number[] = [1],
  rounds = 1,
): { readonly between: number; readonly within: number; readonly variance: number } {
  assertProblem(problem);
  assertInteger('rounds', rounds, 1);
  if (slateWeights.length === 0 || !slateWeights.every((w) => w >= 0 && w < Infinity))
    throw invalid('slateWeights', slateWeights, 'finite numbers of at least 0, one a response');
  const w2 = slateWeights.reduce((sum, w) => sum + w * w, 0);
  const parts = problem.contextProb.map((px, x) => {
    let [v, second] = [0, 0];
    problem.logging[x].forEach((p0, y) => {
      if (p0 === 0) return;
      const weighted = (problem.target[x][y] / p0) * problem.reward[x][y];
      v += p0 * weighted;
      second += p0 * weighted * weighted;
    });
    return { px, v, sigma2: second - v * v };
  });
  const mean = parts.reduce((sum, { px, v }) => sum + px * v, 0);
  const between = parts.reduce((sum, { px, v }) => sum + px * (v - mean) ** 2, 0) / rounds;
  const within = parts.reduce((sum, { px, sigma2 }) => sum + px * w2 * sigma2, 0) / rounds;
  return { between, within, variance: between + within };
}
