import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { decomposedIps, exactMoments, type FiniteProblem } from '../../src/ope/index.js';
import { varianceAcrossContexts, varianceIdentity, varianceLowerBound } from '../../src/pope/index.js';
import { finiteProblem, slateWeights } from '../arbitraries/finite-problem.js';
import { sampleLogs } from '../arbitraries/sample-log.js';
import { expectAtLeast, expectClose } from './close.js';

/** Z, v and the two divergences of the tilted target from the logging policy, by their definitions. */
function byDefinition({ logging, target, reward }: FiniteProblem, x: number) {
  const supported = logging[x].map((p0, y) => ({ p0, p: target[x][y], r: reward[x][y] })).filter(({ p0 }) => p0 > 0);
  const z = supported.reduce((sum, { p, r }) => sum + p * Math.abs(r), 0);
  const v = supported.reduce((sum, { p, r }) => sum + p * r, 0);
  const q = supported.map(({ p, r }) => (z === 0 ? 0 : (p * Math.abs(r)) / z));
  const chi2 = z === 0 ? 0 : supported.reduce((sum, { p0 }, i) => sum + (q[i] - p0) ** 2 / p0, 0);
  const kl = supported.reduce((sum, { p0 }, i) => sum + (q[i] > 0 ? q[i] * Math.log(q[i] / p0) : 0), 0);
  const second = supported.reduce((sum, { p0, p, r }) => sum + p0 * ((p / p0) * r) ** 2, 0);
  return { z, v, chi2, kl, second, variance: second - v * v };
}

/** The rows of one context that can be logged. */
function boundOf({ logging, target, reward }: FiniteProblem, x: number) {
  const kept = logging[x].map((_, y) => y).filter((y) => logging[x][y] > 0);
  return varianceLowerBound(
    kept.map((y) => Math.log(target[x][y]) - Math.log(logging[x][y])),
    kept.map((y) => reward[x][y]),
    kept.map((y) => logging[x][y]),
  );
}

const oneContext = fc.oneof(finiteProblem({ contexts: 1 }), finiteProblem({ contexts: 1, support: 'deficient' }));

// #region T3
test.prop([oneContext])('T3: the variance of a weighted reward is Z^2 (1 + chi2(q||pi0)) - v^2', (problem) => {
  const { z, v, chi2, kl, second, variance } = byDefinition(problem, 0);
  expectClose(varianceIdentity(z, chi2, v), variance, second);
  const bound = boundOf(problem, 0);
  expectClose(bound.variance, variance, second);
  expectClose(bound.z, z);
  expectClose(bound.v, v);
  expectClose(bound.kl, z === 0 ? 0 : kl);
  expectClose(bound.chi2, chi2);
  expectClose(exactMoments(decomposedIps, problem).variance, variance, second);
});
// #endregion T3

// #region T4
test.prop([oneContext])('T4: variance >= Z^2 exp(KL(q||pi0)) - v^2 >= Z^2 - v^2 >= 0', (problem) => {
  const { variance, lowerBound, z, v } = boundOf(problem, 0);
  const scale = z * z + Math.abs(lowerBound);
  expectAtLeast(variance, lowerBound, scale);
  expectAtLeast(lowerBound, z * z - v * v, scale);
  expectAtLeast(z * z - v * v, 0, scale);
});

test.prop([finiteProblem({ contexts: 1, reward: 'nonnegative' })])(
  'T4: for rewards of one sign the variance is v^2 chi2, at least v^2 (exp(KL) - 1)',
  (problem) => {
    const { variance, lowerBound, v, chi2, kl, z } = boundOf(problem, 0);
    const scale = z * z * (1 + chi2);
    expectClose(variance, v * v * chi2, scale);
    expectClose(lowerBound, v * v * Math.expm1(kl), scale);
    expectAtLeast(variance, v * v * Math.expm1(kl), scale);
  },
);

test.prop([finiteProblem({ contexts: 1 })])(
  'T4: equality at a logging policy proportional to pi|R|, and only there',
  (problem) => {
    const tilted = problem.target[0].map((p, y) => p * Math.abs(problem.reward[0][y]));
    const z = tilted.reduce((a, b) => a + b, 0);
    fc.pre(z > 0);
    const best = boundOf({ ...problem, logging: [tilted.map((m) => m / z)] }, 0);
    const floor = best.z ** 2 - best.v ** 2;
    expectClose(best.variance, floor, z * z);
    expectClose(best.lowerBound, floor, z * z);
    // any other logging policy that is visibly different is worse
    const other = boundOf(problem, 0);
    const far = tilted.some((m, y) => Math.abs(m / z - problem.logging[0][y]) > 0.01);
    if (far) expect(other.variance).toBeGreaterThan(floor + 1e-6 * z * z);
  },
);
// #endregion T4

test.prop([sampleLogs({ maxSlate: 1 })])('T4: on a sample it is the plug-in of the population variance', (log) => {
  const rows = log.flatMap((round) => round.responses);
  const weighted = rows.map(({ logRatio, reward }) => Math.exp(logRatio) * reward);
  const mean = weighted.reduce((a, b) => a + b, 0) / rows.length;
  const second = weighted.reduce((sum, x) => sum + x * x, 0) / rows.length;
  const { variance, lowerBound, z, v } = varianceLowerBound(
    rows.map((r) => r.logRatio),
    rows.map((r) => r.reward),
  );
  expectClose(v, mean, Math.sqrt(second));
  expectClose(variance, second - mean * mean, second);
  expectAtLeast(variance, lowerBound, second);
  expectAtLeast(lowerBound, z * z - v * v, second);
});

test('T4: weights that are all tiny, all zero or beyond float64', () => {
  const tiny = varianceLowerBound([-500, -501], [1, 2]);
  const moderate = varianceLowerBound([0, -1], [1, 2]);
  expectClose(tiny.kl, moderate.kl);
  expectClose(tiny.chi2, moderate.chi2);
  expectClose(tiny.z / Math.exp(-500), moderate.z);
  expect(varianceLowerBound([-Infinity, 0], [1, 0])).toEqual({
    variance: 0,
    lowerBound: 0,
    z: 0,
    v: 0,
    kl: 0,
    chi2: 0,
  });
  expect(() => varianceLowerBound([0, 400], [1, 1])).toThrow(/row 1/);
  expect(() => varianceLowerBound([0], [Number.NaN])).toThrow(/row 0/);
});

test.prop([
  fc.oneof(finiteProblem({ contexts: 2 }), finiteProblem({ contexts: 2, support: 'deficient' })),
  fc.integer({ min: 1, max: 2 }).chain(slateWeights),
])('T5: across contexts the variance is (Var_x v(x) + E_x[sum w_j^2 sigma^2(x)])/N', (problem, w) => {
  const parts = problem.contextProb.map((px, x) => ({ px, ...byDefinition(problem, x) }));
  const mean = parts.reduce((sum, { px, v }) => sum + px * v, 0);
  const w2 = w.reduce((sum, weight) => sum + weight * weight, 0);
  const single = parts.reduce((sum, { px, v, variance }) => sum + px * ((v - mean) ** 2 + w2 * variance), 0);
  const scale = parts.reduce((sum, { px, second }) => sum + px * second, 0);
  const options = { slate: w.length, slateWeights: w };
  expectClose(exactMoments(decomposedIps, problem, options).variance, single, scale);
  expectClose(varianceAcrossContexts(problem, w).variance, single, scale);
  if (w.length === 1)
    expectClose(
      exactMoments(decomposedIps, problem, { ...options, rounds: 2 }).variance,
      varianceAcrossContexts(problem, w, 2).variance,
      scale,
    );
});
