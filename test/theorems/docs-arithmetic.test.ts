import { describe, expect, test } from 'vitest';
import { tensor } from '../../src/backend/index.js';
import { exactMoments, exactValue, type FiniteProblem, ips } from '../../src/ope/index.js';
import { distributionReward, optimalPolicy, tangentBound, varianceLowerBound } from '../../src/pope/index.js';
import { expectClose } from './close.js';

// The worked numbers of docs/math that no other property computes; the others stand with their theorems.
const numbers = (...values: number[]) => tensor(Float64Array.from(values));

describe('worked numbers of docs/math', () => {
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
