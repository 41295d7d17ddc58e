import { invalid } from '../util/index.js';

/**
 * An off-policy problem small enough to be enumerated: X contexts, K responses. Rows of `logging` and `target` are
 * distributions over the K responses (logging may be 0 where support is lacking), `contextProb` one over the contexts.
 */
export interface FiniteProblem {
  readonly contextProb: readonly number[];
  /** pi0(y|x), [X][K] */
  readonly logging: readonly (readonly number[])[];
  /** pi(y|x), [X][K] */
  readonly target: readonly (readonly number[])[];
  /** R(x, y), [X][K], finite */
  readonly reward: readonly (readonly number[])[];
  /** q(x, y), [X][K]: a reward model, right or wrong. */
  readonly predicted?: readonly (readonly number[])[];
}

/** @throws PopeError where shapes differ, a probability is negative, or a distribution does not sum to 1 within 1e-9. */
export function assertProblem(problem: FiniteProblem): void {
  const { contextProb, logging, target, reward, predicted } = problem;
  assertDistribution('contextProb', contextProb);
  const k = logging[0].length;
  for (const [name, table] of Object.entries({ logging, target, reward, predicted })) {
    if (table === undefined) continue;
    if (table.length !== contextProb.length)
      throw invalid(`${name}.length`, table.length, `${contextProb.length}, one row a context`);
    table.forEach((row, x) => {
      if (row.length !== k) throw invalid(`${name}[${x}].length`, row.length, `${k}, one number a response`);
      if (!row.every(Number.isFinite)) throw invalid(`${name}[${x}]`, row, 'finite numbers');
      if (name === 'logging' || name === 'target') assertDistribution(`${name}[${x}]`, row);
    });
  }
}

function assertDistribution(name: string, p: readonly number[]): void {
  const total = p.reduce((sum, q) => sum + q, 0);
  if (!p.every((q) => q >= 0) || !(Math.abs(total - 1) < 1e-9))
    throw invalid(name, p, 'non-negative numbers with sum 1');
}

/** E_x E_{y ~ pi} f(x, y), exactly. */
export function expectUnder(
  problem: FiniteProblem,
  policy: readonly (readonly number[])[],
  f: (context: number, response: number) => number,
): number {
  let total = 0;
  problem.contextProb.forEach((px, x) => {
    policy[x].forEach((p, y) => {
      if (px * p > 0) total += px * p * f(x, y);
    });
  });
  return total;
}

/** The true value E_x E_{y ~ target} R. */
export const exactValue = (problem: FiniteProblem): number =>
  expectUnder(problem, problem.target, (x, y) => problem.reward[x][y]);

/** The value over the logged support alone: what importance weighting can reach when the log does not cover the target. */
export const supportedValue = (problem: FiniteProblem): number =>
  expectUnder(problem, problem.target, (x, y) => (problem.logging[x][y] > 0 ? problem.reward[x][y] : 0));

// #region T1
/**
 * The exact bias of importance weighting where the log does not cover the target: -E_x sum_{y: pi0 = 0} pi R, and 0 where
 * it does.
 * @id T1
 */
export const unsupportedBias = (problem: FiniteProblem): number =>
  -expectUnder(problem, problem.target, (x, y) => (problem.logging[x][y] > 0 ? 0 : problem.reward[x][y]));
// #endregion T1

// #region T1b
/**
 * What one ratio a response estimates when rewards look at the whole slate: the mixed value E[sum_j w_j R_j(S)] with
 * y_j ~ pi and the other responses ~ pi0. Equal to the value for local rewards; for others neither the target's value
 * nor the log's.
 * @param slateWeights w_j, one a response of the slate. @param reward R_j of a slate of response indices.
 * @throws PopeError where the problem is none.
 * @id T1b
 */
export function mixedValue(
  problem: FiniteProblem,
  slateWeights: readonly number[],
  reward: (context: number, slate: readonly number[], position: number) => number,
): number {
  assertProblem(problem);
  const { contextProb, logging, target } = problem;
  const [n, k] = [slateWeights.length, logging[0].length];
  let total = 0;
  contextProb.forEach((px, x) => {
    for (let code = 0; code < k ** n; code++) {
      const slate = slateWeights.map((_, j) => Math.floor(code / k ** j) % k);
      slateWeights.forEach((w, j) => {
        const probability = slate.reduce((p, y, l) => p * (l === j ? target : logging)[x][y], px);
        if (w * probability > 0) total += w * probability * reward(x, slate, j);
      });
    }
  });
  return total;
}
// #endregion T1b
