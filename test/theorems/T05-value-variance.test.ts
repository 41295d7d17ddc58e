import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { decomposedIps, exactMoments, type FiniteProblem, ips, snips } from '../../src/ope/index.js';
import { valueVariance } from '../../src/pope/index.js';
import {
  clusterRobustStandardError,
  combineTerms,
  type RoundTermArrays,
  standardError,
} from '../../src/stats/index.js';
import { finiteProblem, slateWeights } from '../arbitraries/finite-problem.js';
import { inputOf, sampleLogs } from '../arbitraries/sample-log.js';
import { expectClose } from './close.js';
import { everyRound } from './enumerate.js';

/** The problem with another reward: here u, d and u + tau d. */
const rewarded = (problem: Required<FiniteProblem>, reward: (x: number, y: number) => number): FiniteProblem => ({
  ...problem,
  reward: problem.reward.map((row, x) => row.map((_, y) => reward(x, y))),
});

const taus = fc.constantFrom(0, 0.5, 1, 3);

// #region T5
test.prop([finiteProblem({ contexts: 2, responses: 2 }), fc.integer({ min: 1, max: 2 }).chain(slateWeights), taus])(
  'T5: the estimated variances and covariance of utility and diversity are unbiased, over every log of two rounds',
  (problem, w, tau) => {
    const [u, d] = [problem.reward, problem.predicted];
    const varianceOf = (reward: (x: number, y: number) => number) =>
      exactMoments(decomposedIps, rewarded(problem, reward), { slate: w.length, slateWeights: w, rounds: 2 }).variance;
    const [varU, varD] = [varianceOf((x, y) => u[x][y]), varianceOf((x, y) => d[x][y])];
    const whole = varianceOf((x, y) => u[x][y] + tau * d[x][y]);
    const covariance = (varianceOf((x, y) => u[x][y] + d[x][y]) - varU - varD) / 2;
    const scale = 1 + varU + tau * tau * varD;
    expectClose(whole, varU + tau * tau * varD + 2 * tau * covariance, scale);

    const rounds = everyRound(problem, w.length);
    const term = ({ context, slate }: (typeof rounds)[number], reward: readonly (readonly number[])[]) =>
      slate.reduce(
        (sum, y, j) => sum + (w[j] * problem.target[context][y] * reward[context][y]) / problem.logging[context][y],
        0,
      );
    const expected = { utility: 0, diversity: 0, covariance: 0, value: 0 };
    for (const a of rounds)
      for (const b of rounds) {
        const terms = (reward: readonly (readonly number[])[]): RoundTermArrays => ({
          numerator: Float64Array.of(term(a, reward), term(b, reward)),
          denominator: null,
          baseline: null,
        });
        const found = valueVariance(terms(u), terms(d), tau);
        for (const key of ['utility', 'diversity', 'covariance', 'value'] as const)
          expected[key] += a.probability * b.probability * found[key];
      }
    expectClose(expected.utility, varU, scale);
    expectClose(expected.diversity, varD, scale);
    expectClose(expected.covariance, covariance, scale);
    expectClose(expected.value, whole, scale);
  },
);
// #endregion T5

test.prop([
  sampleLogs({ minRounds: 2, zeros: false }),
  taus,
  fc.constantFrom(ips, snips),
  fc.integer({ min: 2, max: 3 }),
])(
  'T5: the parts add up to the squared standard error of the value, by round and by cluster',
  (log, tau, use, clusters) => {
    const input = inputOf(log);
    const read = (reward: typeof input.reward): RoundTermArrays => {
      const { numerator, denominator } = use({ ...input, reward });
      return {
        numerator: numerator.dataSync() as Float64Array,
        denominator: (denominator?.dataSync() as Float64Array | undefined) ?? null,
        baseline: null,
      };
    };
    const [u, d] = [read(input.reward), read(input.predictedReward!)];
    const value = combineTerms(u, d, tau);
    const found = valueVariance(u, d, tau);
    expectClose(found.utility, standardError(u) ** 2);
    expectClose(found.diversity, standardError(d) ** 2);
    expectClose(found.value, standardError(value) ** 2, found.utility + tau * tau * found.diversity);
    const count = Math.min(clusters, log.length);
    const clusterOf = Int32Array.from(log, (_, i) => i % count);
    const grouped = valueVariance(u, d, tau, { clusterOf, clusters: count });
    expectClose(
      grouped.value,
      clusterRobustStandardError(value, clusterOf, count) ** 2,
      grouped.utility + tau * tau * grouped.diversity,
    );
  },
);

test('T5: one round has no variance; terms of two logs are refused', () => {
  const terms = (...numerator: number[]): RoundTermArrays => ({
    numerator: Float64Array.from(numerator),
    denominator: null,
    baseline: null,
  });
  expect(valueVariance(terms(1), terms(2), 1).value).toBeNaN();
  expect(() => valueVariance(terms(1, 2), terms(1), 1)).toThrow(/^diversity is 1; expected 2 rows/);
});
