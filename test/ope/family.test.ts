import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { checkGradient, grad } from '../../src/autograd/index.js';
import { tensor } from '../../src/backend/index.js';
import {
  clip,
  type Estimator,
  estimate,
  estimator,
  exactMoments,
  exactValue,
  expectUnder,
  exponentialWeight,
  geometricMeanWeight,
  implicitExploration,
  importanceWeight,
  ips,
  local,
  logSmoothing,
  paretoSmoothedIps,
  paretoSmoothedSnips,
  paretoSmoothedWeight,
  roundMean,
  selfNormalized,
  shrink,
  snips,
  subGaussian,
  switchAt,
  tokenLevelWeight,
  type WeightTransform,
  weightedIps,
} from '../../src/ope/index.js';
import { sum } from '../../src/ops/index.js';
import { normal, seededRandom } from '../../src/random/index.js';
import { paretoSmoothing } from '../../src/stats/index.js';
import type { Tensor } from '../../src/tensor/index.js';
import { anySlate, finiteProblem } from '../arbitraries/finite-problem.js';
import { inputOf, type SampleRound, sampleLogs } from '../arbitraries/sample-log.js';
import { expectAllClose, expectClose } from '../theorems/close.js';

const value = (use: Estimator, log: readonly SampleRound[]): number => estimate(use, inputOf(log)).item();
const one = (logRatio: number, reward: number): SampleRound => ({
  responses: [{ logRatio, reward, slateWeight: 1, predicted: 0 }],
  slateReward: 0,
  predictedValue: 0,
});

interface Member {
  readonly weight: WeightTransform;
  readonly formula: (rho: number) => number;
  /** c with w(rho)^2 <= c rho, where there is one. */
  readonly bound?: number;
}

/** The members whose weight is a function of rho alone, with that function. */
const members: Record<string, Member> = {
  plain: { weight: importanceWeight, formula: (rho) => rho },
  'clipped at 2': { weight: clip(2), formula: (rho) => Math.min(rho, 2), bound: 2 },
  // no ratio of the generated problems lies on the cut, where rounding would decide
  'switched at 1.9371': { weight: switchAt(1.9371), formula: (rho) => (rho <= 1.9371 ? rho : 0), bound: 1.9371 },
  'shrunk at 3': { weight: shrink(3), formula: (rho) => (3 * rho) / (rho * rho + 3), bound: 9 / 16 },
  'harmonic at 0.5': { weight: implicitExploration(0.5), formula: (rho) => rho / (1 + 0.5 * rho), bound: 1 / 2 },
  'sub-Gaussian at 0.25': { weight: subGaussian(0.25), formula: (rho) => rho / (0.75 + 0.25 * rho), bound: 4 / 3 },
  'exponential at 0.5': { weight: exponentialWeight(0.5), formula: Math.sqrt, bound: 1 },
  'exponential at 0': { weight: exponentialWeight(0), formula: (rho) => (rho > 0 ? 1 : 0) },
  'geometric mean of 3 tokens': { weight: geometricMeanWeight(3), formula: Math.cbrt },
};

describe.each(Object.entries(members))('%s', (_name, { weight, formula }) => {
  // #region E3
  test.prop([sampleLogs()])('E3: an estimator is its weight transform, its reward and its aggregator', (log) => {
    const total = (f: (weight: number, reward: number) => number) =>
      log.reduce(
        (outer, { responses }) =>
          responses.reduce((sum, r) => sum + r.slateWeight * f(formula(Math.exp(r.logRatio)), r.reward), outer),
        0,
      );
    const weighted = total((w, r) => w * r);
    expectClose(value(estimator({ weight, reward: local, aggregate: roundMean }), log), weighted / log.length, 100);
    const mass = total((w) => w);
    fc.pre(mass > 0);
    expectClose(value(estimator({ weight, reward: local, aggregate: selfNormalized }), log), weighted / mass, 10);
  });

  test.prop([finiteProblem(), anySlate(2)])(
    'E3: its bias is E_pi0[(w(rho) - rho) R], and its variance that of w(rho) R times sum w_j^2, within a context',
    (problem, w) => {
      const rho = (x: number, y: number) => problem.target[x][y] / problem.logging[x][y];
      const under = (f: (x: number, y: number) => number) => expectUnder(problem, problem.logging, f);
      const term = (x: number, y: number) => formula(rho(x, y)) * problem.reward[x][y];
      const exact = exactMoments(weightedIps(weight), problem, { slate: w.length, slateWeights: w });
      expectClose(
        exact.bias,
        under((x, y) => term(x, y) - rho(x, y) * problem.reward[x][y]),
        10,
      );
      const mean = problem.logging.map((row, x) => row.reduce((sum, p, y) => sum + p * term(x, y), 0));
      const squares = w.reduce((sum, wj) => sum + wj * wj, 0);
      const between = under((x) => (mean[x] - exact.mean) ** 2);
      expectClose(exact.variance, between + squares * under((x, y) => (term(x, y) - mean[x]) ** 2), 100);
    },
  );
  // #endregion E3
});

test.each(Object.entries(members).filter(([, { bound }]) => bound !== undefined))(
  'E3: the second moment is at most c E_pi R^2, and c is reached: %s',
  (_name, { formula, bound }) => {
    const grid = Array.from({ length: 4001 }, (_, i) => Math.exp((i - 2000) / 200));
    const worst = Math.max(...grid.map((rho) => formula(rho) ** 2 / rho));
    expect(worst).toBeLessThanOrEqual(bound! * (1 + 1e-12));
    expect(worst).toBeGreaterThan(bound! * 0.99);
  },
);

test.prop([finiteProblem({ reward: 'nonnegative' }), fc.integer({ min: 1, max: 12 })])(
  'E3: the bias of logarithmic smoothing is E_pi0[log(1 + lambda rho R)/lambda - rho R]',
  (problem, q) => {
    const lambda = q / 4;
    const bias = expectUnder(problem, problem.logging, (x, y) => {
      const z = (problem.target[x][y] / problem.logging[x][y]) * problem.reward[x][y];
      return Math.log1p(lambda * z) / lambda - z;
    });
    expectClose(exactMoments(logSmoothing(lambda), problem).bias, bias, 10);
  },
);

/** Responses of two tokens, 0 or 1 each: the distribution of the first, and of the second given it. */
interface TwoTokens {
  readonly first: readonly [number, number];
  readonly second: readonly [readonly [number, number], readonly [number, number]];
}
const cells = [0, 1].flatMap((a) => [0, 1].map((b) => ({ a, b })));
const ofResponses = ({ first, second }: TwoTokens) => [cells.map(({ a, b }) => first[a] * second[a][b])];
/** E_pi0[w(y) R(y)] of a token-level surrogate, every response enumerated. */
function tokenLevelMean(target: TwoTokens, logging: TwoTokens, reward: readonly number[]): number {
  const ratios = cells.flatMap(({ a, b }) => [
    Math.log(target.first[a] / logging.first[a]),
    Math.log(target.second[a][b] / logging.second[a][b]),
  ]);
  const weight = tokenLevelWeight(tensor(Float64Array.from(ratios)), tensor(Int32Array.of(0, 0, 1, 1, 2, 2, 3, 3)));
  const weights = weight(tensor(new Float64Array(4))).dataSync();
  return ofResponses(logging)[0].reduce((total, p, y) => total + p * weights[y] * reward[y], 0);
}

// the target wants 1 twice, the log tosses coins; only (1, 1) is rewarded: the value is 0.81
const coin: TwoTokens = {
  first: [0.5, 0.5],
  second: [
    [0.5, 0.5],
    [0.5, 0.5],
  ],
}; // prettier-ignore
const sure: TwoTokens = {
  first: [0.1, 0.9],
  second: [
    [0.1, 0.9],
    [0.1, 0.9],
  ],
}; // prettier-ignore
const both = { contextProb: [1], logging: ofResponses(coin), target: ofResponses(sure), reward: [[0, 0, 0, 1]] };
const ones = { ...both, reward: [[1, 1, 1, 1]] };

test('E3: witness: the geometric-mean surrogate is biased on two tokens, and so is its mean weight', () => {
  expectClose(exactValue(both), 0.81);
  expectClose(exactMoments(weightedIps(geometricMeanWeight(2)), both).mean, 0.25 * 1.8);
  // (E sqrt of a token's ratio)^2 = ((sqrt 0.2 + sqrt 1.8)/2)^2
  expectClose(exactMoments(weightedIps(geometricMeanWeight(2)), ones).mean, 0.8);
});

test('E3: witness: the token-level surrogate is biased on two tokens, though its mean weight is 1', () => {
  expectClose(tokenLevelMean(sure, coin, both.reward[0]), 0.25 * 1.8);
  expectClose(tokenLevelMean(sure, coin, ones.reward[0]), 1);
  // a response that the target never gives keeps the weight of its other tokens
  const never: TwoTokens = {
    first: [0, 1],
    second: [
      [0.5, 0.5],
      [0.5, 0.5],
    ],
  }; // prettier-ignore
  expectClose(tokenLevelMean(never, coin, [1, 0, 0, 0]), 0.25 * 0.5);
});

const pairs = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 6, maxLength: 6 });
const twoTokens = pairs.map(([p, q, r, s, t, u]): TwoTokens => {
  const of = (x: number, y: number): [number, number] => [x / (x + y), y / (x + y)];
  return { first: of(p, q), second: [of(r, s), of(t, u)] };
});

test.prop([twoTokens, twoTokens])(
  'E3: the mean of token-level weights is 1, of geometric means at most 1',
  (target, logging) => {
    expectClose(tokenLevelMean(target, logging, [1, 1, 1, 1]), 1);
    const problem = {
      contextProb: [1],
      logging: ofResponses(logging),
      target: ofResponses(target),
      reward: [[1, 1, 1, 1]],
    };
    expect(exactMoments(weightedIps(geometricMeanWeight(2)), problem).mean).toBeLessThanOrEqual(1 + 1e-12);
  },
);

test.prop([sampleLogs()])('E3: on responses of one token both surrogates are rho', (log) => {
  const { logRatio } = inputOf(log);
  const m = logRatio.size;
  const rho = [...importanceWeight(logRatio).dataSync()];
  expectAllClose([...geometricMeanWeight(1)(logRatio).dataSync()], rho);
  expectAllClose([...geometricMeanWeight(new Int32Array(m).fill(1))(logRatio).dataSync()], rho);
  const itself = tensor(Int32Array.from({ length: m }, (_, j) => j));
  expectAllClose([...tokenLevelWeight(logRatio, itself)(logRatio).dataSync()], rho);
});

test('E3: surrogates at the extremes, their gradients, and what they refuse', () => {
  const logRatio = tensor(Float64Array.of(1000, -Infinity, 0.5, -1000));
  expect([...geometricMeanWeight(Int32Array.of(10, 3, 1, 2))(logRatio).dataSync()]).toEqual([
    Math.exp(100),
    0,
    Math.exp(0.5),
    Math.exp(-500),
  ]);
  const slopes = grad((l: Tensor) => sum(geometricMeanWeight(4)(l)))(logRatio).dataSync();
  expectAllClose([...slopes], [Math.exp(250) / 4, 0, Math.exp(0.125) / 4, Math.exp(-250) / 4], Number.MIN_VALUE, 1e-12);
  checkGradient(geometricMeanWeight([2, 5]), tensor(Float64Array.of(-1, 2)));
  const tokenOf = tensor(Int32Array.of(0, 0, 1));
  checkGradient(
    (t: Tensor) => tokenLevelWeight(t, tokenOf)(tensor(new Float64Array(2))),
    tensor(Float64Array.of(-1, 2, 0.3)),
  );
  const tokens = tensor(Float64Array.of(-Infinity, 0, -1000));
  expect([...tokenLevelWeight(tokens, tokenOf)(tensor(new Float64Array(2))).dataSync()]).toEqual([0.5, 0]);
  for (const length of [0, 1.5, -1, Number.NaN]) expect(() => geometricMeanWeight(length)).toThrow(/lengths\[0\]/);
  expect(() => geometricMeanWeight([1, 2])(logRatio)).toThrow(/lengths.length is 2; expected 4/);
  expect(() => tokenLevelWeight(tokens, tensor(Int32Array.of(0)))).toThrow(/tokenOf/);
  expect(() => tokenLevelWeight(tokens, tokenOf)(tensor(new Float64Array(3)))).toThrow(/token of response 2/);
  expect(() => tokenLevelWeight(tokens, tokenOf)(tensor(new Float64Array(1)))).toThrow(/tokenOf\[2\] is 1/);
});

/** n rounds of log-normal weights. */
const heavyLog = (n: number, spread: number, seed: number): SampleRound[] => {
  const random = seededRandom(seed);
  return Array.from({ length: n }, (_, i) => one(spread * normal(random), 1 + (i % 3)));
};

test.prop([fc.integer({ min: 25, max: 60 }), fc.integer()])(
  'E3: the Pareto-smoothed estimators weigh by smoothed weights',
  (n, seed) => {
    const log = heavyLog(n, 2, seed);
    const { logWeights } = paretoSmoothing(Float64Array.from(log, ({ responses }) => responses[0].logRatio));
    const rewards = log.map(({ responses }) => responses[0].reward);
    const weights = Array.from(logWeights, Math.exp);
    const total = weights.reduce((sum, w, i) => sum + w * rewards[i], 0);
    expectClose(value(paretoSmoothedIps, log), total / n, 1e-3, 1e-9);
    expectClose(value(paretoSmoothedSnips, log), total / weights.reduce((a, b) => a + b, 0));
    expect(value(paretoSmoothedIps, log)).not.toBe(value(ips, log));
  },
);

test.prop([sampleLogs({ zeros: false })])(
  'E3: without a tail the Pareto-smoothed estimators are the plain ones',
  (log) => {
    fc.pre(log.flatMap(({ responses }) => responses).length < 21);
    expect(value(paretoSmoothedIps, log)).toBe(value(ips, log));
    expect(value(paretoSmoothedSnips, log)).toBe(value(snips, log));
  },
);

test('E3: Pareto-smoothed at the extremes: log-ratios of 1000, weights of 0, and the direction in which the gradient is exact', () => {
  const log = heavyLog(40, 2, 3).map((round, i) => (i % 5 === 0 ? one(-Infinity, 1) : round));
  const far = log.map(({ responses: [r] }) => one(r.logRatio + 1000, r.reward));
  expectClose(value(paretoSmoothedSnips, far), value(paretoSmoothedSnips, log), 1, 1e-9);
  expect(
    value(
      paretoSmoothedIps,
      log.map(() => one(-Infinity, 1)),
    ),
  ).toBe(0);
  const { logRatio } = inputOf(log);
  const smoothed = [...paretoSmoothedWeight(logRatio).dataSync()];
  // the derivative of sum w, its factors held constant, is w itself: that of a common shift
  expectAllClose([...grad((l: Tensor) => sum(paretoSmoothedWeight(l)))(logRatio).dataSync()], smoothed);
  const shifted = (c: number) => paretoSmoothedWeight(tensor(Float64Array.from(logRatio.dataSync(), (l) => l + c)));
  const total = (c: number) => sum(shifted(c)).item();
  expectClose(
    (total(1e-5) - total(-1e-5)) / 2e-5,
    smoothed.reduce((a, b) => a + b, 0),
    1,
    1e-6,
  );
  expect(() => paretoSmoothedIps({ ...inputOf(log), rounds: 0 })).toThrow(/rounds/);
  expect(() => paretoSmoothedIps(inputOf([one(Number.NaN, 1)]))).toThrow(/logWeights\[0\]/);
});
