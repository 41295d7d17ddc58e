import { describe, expect, test } from 'vitest';
import { tensor } from '../../src/backend/index.js';
import {
  exactMoments,
  exactValue,
  expectation,
  type FiniteProblem,
  importanceWeight,
  ips,
  propensityBiasBound,
  snips,
  unsupportedBias,
} from '../../src/ope/index.js';
import {
  decompositionGap,
  distributionReward,
  klEstimate,
  optimalPolicy,
  tangentBound,
  varianceLowerBound,
  weightMoments,
} from '../../src/pope/index.js';
import { expectClose } from './close.js';

// The worked numbers of docs/math that no other property computes; the others stand with their theorems.
const numbers = (...values: number[]) => tensor(Float64Array.from(values));

describe('worked numbers of docs/math', () => {
  test('E2: probability 0.6 under the target and 0.2 under the log is weight 3', () => {
    expectClose(importanceWeight(numbers(Math.log(0.6) - Math.log(0.2))).item(), 3);
  });

  test('T1: a response that is never logged: value 1/2, estimate 0 on every log, mean weight 1/2', () => {
    const problem: FiniteProblem = { contextProb: [1], logging: [[1, 0]], target: [[0.5, 0.5]], reward: [[0, 1]] };
    expectClose(exactValue(problem), 0.5);
    expectClose(unsupportedBias(problem), -0.5);
    expect(exactMoments(ips, problem, { rounds: 3 })).toMatchObject({ mean: 0, variance: 0 });
    expectClose(expectation(ips, { ...problem, reward: [[1, 1]] }), 0.5);
  });

  test('T2: 0.01 nats a token: 99 % of the value at 69 tokens, 101 % at 70, 639 % at 200', () => {
    const percent = (tokens: number) => Math.round(100 * propensityBiasBound(0.01 * tokens, 1));
    expect([69, 70, 200].map(percent)).toEqual([99, 101, 639]);
  });

  test('T6: the moments of both counter-examples', () => {
    expect(weightMoments([0.5, 0.5], [0.25, 0.75], [1, 0])).toEqual({ a: 1.25, b: 0.125, c: 0.125, v: 0.25 });
    const m = weightMoments([0.1, 0.9, 0], [0.3, 0.1, 0.6], [1, 0, 0]);
    expect(m.a).toBeCloseTo(0.911, 3);
    expectClose(m.b, 0.9);
    expectClose(m.v, 0.3);
    expect(decompositionGap(m, [0.99, 0.01])).toBeLessThan(0);
  });

  test('T6: a^(n - 1) >= n from a relative variance of 1, 0.50 and 0.17 on, for 2, 5 and 20 responses', () => {
    // v = 0 and b = 0 leave W2 c (a^(n-1) - 1): its size at equal weights is (n - 1)/n c where a^(n-1) = n
    const least = (n: number) => n ** (1 / (n - 1));
    expect([2, 5, 20].map((n) => (least(n) - 1).toFixed(2))).toEqual(['1.00', '0.50', '0.17']);
    for (const n of [2, 5, 20]) {
      const gap = decompositionGap({ a: least(n), b: 0, c: 1, v: 0 }, new Array<number>(n).fill(1 / n));
      expectClose(gap, (n - 1) / n);
    }
  });

  test('T10: the gradient of SNIPS is not unbiased: on two rounds E V = 1/4 + p/2, half the slope of V = p', () => {
    for (const p of [0.1, 0.25, 0.8]) {
      const problem = { contextProb: [1], logging: [[0.5, 0.5]], target: [[p, 1 - p]], reward: [[1, 0]] };
      expectClose(expectation(snips, problem, { rounds: 2 }), 0.25 + p / 2);
      expectClose(exactValue(problem), p);
    }
  });

  test('T18: the target recorded as the logger: every weight is 1, and the estimate 0.5 in place of 0.2', () => {
    const truth: FiniteProblem = { contextProb: [1], logging: [[0.5, 0.5]], target: [[0.2, 0.8]], reward: [[1, 0]] };
    // weights of pi over the recorded pi are those of a target that is the logger
    const recorded = { ...truth, target: truth.logging };
    expectClose(expectation(ips, { ...recorded, reward: [[1, 1]] }), 1);
    expectClose(exactMoments(ips, { ...recorded, reward: [[1, 1]] }).variance, 0);
    expectClose(exactMoments(ips, recorded).mean, 0.5);
    expectClose(exactValue(truth), 0.2);
  });

  test('D7: where the log lacks a mass mu of the target, the estimate of KL expects sum pi log rho + mu', () => {
    // pi0 = (1/2, 1/2, 0), pi = (0.3, 0.3, 0.4): rows as often as the log has them
    const log = (...p: number[]) => numbers(...p.map(Math.log));
    const reference = log(0.5, 0.5);
    const input = {
      logProb: log(0.3, 0.3),
      anchorLogProb: reference,
      logPropensity: reference,
      utility: numbers(0, 0),
      slateWeight: numbers(1, 1),
      roundOf: tensor(Int32Array.of(0, 1)),
      rounds: 2,
    };
    expectClose(klEstimate(input, reference).item(), 0.6 * Math.log(0.6) + 0.4);
  });

  test('T18: wrong propensities with a mean weight of 1 give 0.75 in place of 0.5', () => {
    const recorded: FiniteProblem = {
      contextProb: [1],
      logging: [[0.5, 0.5]],
      target: [[0.75, 0.25]], // pi over the recorded propensities, times what was really drawn: 3/2 and 1/2
      reward: [[1, 0]],
    };
    // the recorded (1/3, 1) make the weights of pi = (1/2, 1/2) those of a target (3/4, 1/4)
    const weights = [0.5 / (1 / 3), 0.5 / 1];
    expectClose((weights[0] + weights[1]) / 2, 1);
    expectClose(weights[0], recorded.target[0][0] / recorded.logging[0][0]);
    expectClose(exactMoments(ips, recorded).mean, 0.75);
    expectClose(exactValue({ ...recorded, target: [[0.5, 0.5]] }), 0.5);
  });

  test('T7: with a reward of -1 the "bound" 0.305 lies above the value -0.1', () => {
    const half = Math.log(0.5);
    const input = {
      logProb: numbers(Math.log(0.9), Math.log(0.1)),
      anchorLogProb: numbers(half, half),
      logPropensity: numbers(half, half),
      slateWeight: numbers(1, 1),
      roundOf: tensor(Int32Array.of(0, 1)),
      rounds: 2,
    };
    const utility = numbers(0, -1);
    expectClose(tangentBound(utility, { ...input, utility }).item(), -0.5 * (1 + Math.log(0.2)));
    expect(-0.5 * (1 + Math.log(0.2))).toBeCloseTo(0.305, 3);
  });

  test('T4: a divergence of 7 nats is a variance above a thousand times v^2', () => {
    // one response of probability e^-7 that the target always says
    const bound = varianceLowerBound([7, -Infinity], [1, 1], [Math.exp(-7), 1 - Math.exp(-7)]);
    expectClose(bound.kl, 7);
    expect(bound.variance / bound.v ** 2).toBeGreaterThan(1000);
    expectClose(bound.variance, bound.lowerBound, bound.variance); // reached here
  });

  test('T9: the four figures of the worked optimum', () => {
    const shown = (x: number): number => Number(x.toFixed(3));
    const free = optimalPolicy([1, 0], 1);
    const anchored = optimalPolicy([1, 0], 1, [0.25, 0.75]);
    expect(free.policy.map(shown)).toEqual([0.731, 0.269]);
    expect(shown(free.value)).toBe(1.313);
    expect(anchored.policy.map(shown)).toEqual([0.475, 0.525]);
    expect(shown(anchored.value)).toBe(0.357);
  });

  test('D5: no class in common is -log 2', () => {
    const row = (...p: number[]) => tensor(Float64Array.from(p), { shape: [1, p.length] });
    expectClose(distributionReward(row(1, 0, 0), row(0, 0.5, 0.5)).item(), -Math.LN2);
  });
});
