import { describe, expect, test } from 'vitest';
import {
  acrossRounds,
  type Estimator,
  exactMoments,
  type FiniteProblem,
  geometricMeanWeight,
  ips,
  optimalBaseline,
  snips,
} from '../../src/ope/index.js';
import { mul } from '../../src/ops/index.js';
import { expectClose } from '../theorems/close.js';

const uniform = (k: number): number[] => new Array<number>(k).fill(1 / k);
/** One context, both policies uniform: every weight is 1, and the estimate of a log is its mean reward. */
const even = (reward: readonly number[]): FiniteProblem => ({
  contextProb: [1],
  logging: [uniform(reward.length)],
  target: [uniform(reward.length)],
  reward: [reward],
});
/** The mean reward, but `factor` times it on the log of exactly these rewards. */
const oddOn =
  (rewards: readonly number[], factor: number): Estimator =>
  (input) => {
    const { numerator, ...rest } = ips(input);
    const found = input.reward.dataSync();
    const hit = input.rounds === rewards.length && rewards.every((r, i) => found[i] === r);
    return { numerator: mul(numerator, hit ? factor : 1), ...rest };
  };

describe('exactMoments sees what an estimator does on whole logs', () => {
  const log = [5, 0, 1, 1, 5, 0];
  const mean = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0) / x.length;

  test('a marked estimator is called on every log, so that one odd log among 729 counts', () => {
    const { mean: found } = exactMoments(acrossRounds(oddOn(log, 2)), even([0, 1, 5]), { rounds: 6 });
    expectClose(found, 2 + mean(log) / 3 ** 6);
  });
  test('an estimator without the mark that is odd only on the last log is found out, extreme or not', () => {
    const last = [1, 1, 1, 1, 1, 1];
    const { mean: found } = exactMoments(oddOn(last, 2), even([0, 5, 1]), { rounds: 6 });
    expectClose(found, 2 + 1 / 3 ** 6);
  });
  test('an estimator undefined on one log, whose rounds are all defined, is refused and not averaged', () => {
    expect(() => exactMoments(oddOn([1, 1, 1], Number.NaN), even([1, 2]), { rounds: 3 })).toThrow(
      /^the estimator gave NaN on a log of probability 0.125; expected a finite estimate/,
    );
  });
  test('an undefined estimate is told where there are too many logs to call each: 2^17', () => {
    const oneSided: FiniteProblem = { ...even([1, 2]), target: [[0, 1]] };
    expect(() => exactMoments(snips, oneSided, { rounds: 17 })).toThrow(/^the estimator gave NaN/);
  });
  test('a fault of the estimator itself is passed on, be it only in an input of all rounds', () => {
    const broken: Estimator = (input) => {
      if (input.rounds === 3) throw new RangeError('a fault');
      return ips(input);
    };
    expect(() => exactMoments(broken, even([1, 2, 3]))).toThrow(RangeError);
  });
  test('the slates of all contexts are counted', () => {
    const two: FiniteProblem = {
      contextProb: [0.5, 0.5],
      logging: [
        [1, 0],
        [1, 0],
      ],
      target: [
        [1, 0],
        [1, 0],
      ],
      reward: [
        [1, 0],
        [1, 0],
      ],
    };
    expect(() => exactMoments(ips, two, { slate: 21 })).toThrow(/4194304 slates of 21 responses/);
  });
});

describe('T16: the best baseline at the ends', () => {
  test('T16: a context that never comes is not looked at, be its weights beyond float64', () => {
    const problem: FiniteProblem = {
      contextProb: [1, 0],
      logging: [
        [0.5, 0.5],
        [1e-320, 1],
      ],
      target: [
        [0.25, 0.75],
        [1, 0],
      ],
      reward: [
        [3, 3],
        [1, 2],
      ],
    };
    expectClose(optimalBaseline(problem).beta, 3);
  });
  test('T16: a target wholly outside of the log has nothing to save', () => {
    const outside: FiniteProblem = { contextProb: [1], logging: [[1, 0]], target: [[0, 1]], reward: [[1, 2]] };
    expect(optimalBaseline(outside)).toEqual({ beta: 0, saving: 0 });
  });
});

test('one length for all responses is checked as each of many is', () => {
  for (const length of [0, 1.5, -1, Number.NaN])
    expect(() => geometricMeanWeight(length)).toThrow(new RegExp(`^lengths\\[0\\] is ${length}`));
});
