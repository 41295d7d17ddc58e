import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { grad } from '../../src/autograd/index.js';
import { tensor } from '../../src/backend/index.js';
import {
  betaStar,
  candidateClassLogProb,
  cascadeDoublyRobust,
  classMarginalLogRatio,
  directMethod,
  doublyRobust,
  type Estimator,
  type EstimatorInput,
  estimate,
  exactClassLogProb,
  exactMoments,
  exponentialWeight,
  type FiniteProblem,
  geometricMeanWeight,
  ips,
  mixtureLogPropensity,
  optimalBaseline,
  paretoSmoothedIps,
  prefixIps,
  prefixLogRatio,
  sensitivityInterval,
  slope,
  slotSnips,
  stratumShares,
  tokenLevelWeight,
  tuneByMse,
  weighStrata,
} from '../../src/ope/index.js';
import { mul, sum } from '../../src/ops/index.js';
import type { Tensor } from '../../src/tensor/index.js';
import { PopeError } from '../../src/util/index.js';
import { expectAllClose, expectClose } from '../theorems/close.js';

const errorOf = (run: () => unknown): PopeError => {
  try {
    run();
  } catch (error) {
    if (error instanceof PopeError) return error;
    throw error;
  }
  return expect.fail('nothing was thrown');
};
const column = (...values: number[]): Tensor => tensor(Float64Array.from(values));
const row = (x: Tensor): Tensor => tensor(x.dataSync(), { shape: [1, x.size] });
const plain = (...numerator: number[]) => ({
  numerator: Float64Array.from(numerator),
  denominator: null,
  baseline: null,
});

/** Four rounds of one response, whose weights are exp(logRatio). */
const inputOf = (logRatio: readonly number[], reward: readonly number[]): EstimatorInput => ({
  rounds: logRatio.length,
  logRatio: column(...logRatio),
  reward: column(...reward),
  slateWeight: column(...logRatio.map(() => 1)),
  roundOf: tensor(Int32Array.from(logRatio.keys())),
  predictedReward: column(...reward.map((r) => r / 2)),
  predictedValue: column(...reward.map((r) => r / 3)),
});

describe('T16: baselines', () => {
  const problem = (logging: number[], target: number[], reward: number[]): FiniteProblem => ({
    contextProb: [1],
    logging: [logging],
    target: [target],
    reward: [reward],
  });
  test('T16: where every weight is 1 there is nothing to save, and beta is 0', () => {
    expect(optimalBaseline(problem([0.25, 0.75], [0.25, 0.75], [1, 2]))).toEqual({ beta: 0, saving: 0 });
  });
  test('T16: beta does not see the scale of the weights, be nearly all of the target outside of the log', () => {
    // Z = 3 W, so that beta = 3, at weights of 4e-9 and 0
    const far = problem([0.5, 0.5, 0], [2e-9, 0, 1 - 2e-9], [3, 7, 1]);
    expectClose(optimalBaseline(far).beta, 3);
  });
  test('T16: slate weights are a distribution', () => {
    expect(() => optimalBaseline(problem([0.5, 0.5], [1, 0], [1, 2]), [1.5, -0.5])).toThrow(/slateWeights/);
    expect(() => optimalBaseline(problem([0.5, 0.5], [1, 0], [1, 2]), [0.5, 0.4])).toThrow(/slateWeights/);
  });
  test('T16: a huge weight in one fold does not blind the fold that it is left out of', () => {
    // fold 0 holds it; its own baseline comes from the others: Cov(Z, W)/Var(W) of weights 1, 2, 4 and rewards 1, 2, 1
    const input = inputOf([50, 0, Math.log(2), Math.log(4)], [5, 1, 2, 1]);
    const { baseline } = betaStar({ foldOf: Int32Array.of(0, 1, 1, 1), folds: 2 })(input);
    const [w, z] = [
      [1, 2, 4],
      [1, 4, 4],
    ];
    const mean = (x: readonly number[]) => x.reduce((a, b) => a + b, 0) / x.length;
    const covariance = mean(w.map((v, i) => (v - mean(w)) * (z[i] - mean(z))));
    expectClose(baseline!.dataSync()[0], covariance / mean(w.map((v) => (v - mean(w)) ** 2)));
  });
  test('T16: folds outside of their range are named, the first one too', () => {
    expect(() => betaStar({ foldOf: Int32Array.of(-1, 0), folds: 1 })).toThrow(
      /^foldOf\[0\] is -1; expected a fold from 0 to 0/,
    );
    expect(() => betaStar({ foldOf: Int32Array.of(0, 3), folds: 3 })).toThrow(
      /^foldOf\[1\] is 3; expected a fold from 0 to 2/,
    );
  });
});

test('float32 columns stay float32, whatever an estimator adds of its own', () => {
  const single = (x: Tensor): Tensor => (x.dtype === 'float64' ? tensor(Float32Array.from(x.dataSync())) : x);
  const log = inputOf([0.5, -0.5, 1, 0, -1, 2], [1, 2, 3, 1, 0, 2]);
  const narrow = Object.fromEntries(
    Object.entries(log).map(([k, v]) => [k, typeof v === 'number' ? v : single(v)]),
  ) as unknown as EstimatorInput;
  const folds = { foldOf: Int32Array.of(0, 1, 0, 1, 0, 1), folds: 2 };
  for (const use of [betaStar(folds), paretoSmoothedIps, slotSnips, prefixIps, doublyRobust] as Estimator[]) {
    const [found, exact] = [estimate(use, narrow), estimate(use, log)];
    expect(found.dtype).toBe('float32');
    expectClose(found.item(), exact.item(), 1, 1e-5);
  }
  const l = tensor(Float32Array.of(-0.5, -2));
  expect(geometricMeanWeight([1, 2])(l).dtype).toBe('float32');
  expect(candidateClassLogProb(tensor(Float32Array.of(-1, -2)), ['p', 'q']).dtype).toBe('float32');
});

test('columns are columns: a table of as many numbers is refused, by name', () => {
  const input = inputOf([0, 0.5], [1, 2]);
  expect(() => ips({ ...input, reward: row(input.reward) })).toThrow(/^reward is \[1, ?2\]/);
  expect(() => ips({ ...input, logRatio: row(input.logRatio) })).toThrow(/^logRatio is/);
  expect(() => prefixIps({ ...input, logRatio: row(input.logRatio) })).toThrow(/^logRatio is/);
  expect(() => prefixIps({ ...input, roundOf: row(input.roundOf) })).toThrow(/^roundOf is/);
  expect(() => prefixLogRatio(row(input.logRatio), input.roundOf)).toThrow(/^logRatio is/);
  expect(() => prefixLogRatio(input.logRatio, row(input.roundOf))).toThrow(/^roundOf is/);
  expect(() => cascadeDoublyRobust(row(input.reward))(input)).toThrow(/^expected is/);
  expect(() => candidateClassLogProb(row(column(-1, -1)), ['p', 'q'])).toThrow(/^logProb.shape is/);
  expect(() => tokenLevelWeight(row(input.logRatio), input.roundOf)).toThrow(/^tokenOf is/);
  expect(() => tokenLevelWeight(input.logRatio, row(input.roundOf))).toThrow(/^tokenOf is/);
});

test('a missing prediction names its column', () => {
  const { predictedValue: _, ...bare } = inputOf([0], [1]);
  expect(errorOf(() => directMethod(bare))).toMatchObject({ argument: 'predictedValue' });
});

describe('class probabilities', () => {
  test('T19: a log-probability that is none is refused, and its argument told', () => {
    expect(() => candidateClassLogProb(column(-1, Infinity), ['p', 'q'])).toThrow(/^logProb\[1\] is Infinity/);
    expect(errorOf(() => classMarginalLogRatio(column(-1, Number.NaN), column(-1, -1)))).toMatchObject({
      argument: 'targetClassLogProb',
      got: Number.NaN,
    });
  });
  test('T19: a class that the target never says has log-probability -Infinity and pulls at nothing', () => {
    const opinions = ['p', 'q', 'q'];
    const logProb = column(0, -Infinity, -Infinity);
    expect([...candidateClassLogProb(logProb, opinions).dataSync()]).toEqual([0, -Infinity, -Infinity]);
    const first = (x: Tensor): Tensor => sum(mul(candidateClassLogProb(x, opinions), column(1, 0, 0)));
    for (const g of grad((x: Tensor) => sum(first(x)))(column(-0.5, -Infinity, -Infinity)).dataSync())
      expect(g).not.toBeNaN();
  });
  test('T19: pairs that do not match are counted, and a class nobody offers is told', () => {
    const policy = { distribution: (p: readonly unknown[]) => p.map(() => column(Math.log(0.5), Math.log(0.5))) };
    const candidatesOf = () => [
      { text: 'a', opinion: 'p' },
      { text: 'b', opinion: 'q' },
    ];
    expect(() => exactClassLogProb(policy, candidatesOf, [], [])).toThrow(
      /^opinions.length is 0; expected 1, one class a prompt/,
    );
    expect(() => exactClassLogProb(policy, candidatesOf, ['x', 'y'], ['p'])).toThrow(
      /^opinions.length is 1; expected 2, one class a prompt/,
    );
    expect(errorOf(() => exactClassLogProb(policy, candidatesOf, ['x'], ['r']))).toMatchObject({
      argument: 'opinions',
      got: 'r',
    });
  });
});

describe('exactMoments', () => {
  const uniform = (k: number): number[] => new Array<number>(k).fill(1 / k);
  const problem = (k: number, reward: (y: number) => number): FiniteProblem => ({
    contextProb: [1],
    logging: [uniform(k)],
    target: [Array.from({ length: k }, (_, y) => (2 * (y + 1)) / (k * (k + 1)))],
    reward: [Array.from({ length: k }, (_, y) => reward(y))],
    predicted: [Array.from({ length: k }, (_, y) => reward(y) / 3)],
  });

  test('3 million responses are within its limit, by the terms of each round and not log by log', () => {
    // 100^3 logs, ten times what is ever evaluated one by one; rewards around 1e6, whose sums round at 1e-10
    const many = problem(100, (y) => 1e6 * (1 + y / 7));
    const { mean, value, bias } = exactMoments(doublyRobust, many, { rounds: 3 });
    expectClose(mean, value);
    expect(Math.abs(bias)).toBeLessThan(1e-10 * value);
  });
  test('more are refused at once, with the count, and so are more than 100,000 calls', () => {
    const error = errorOf(() =>
      exactMoments(
        ips,
        problem(2, (y) => y),
        { rounds: 9, slate: 2 },
      ),
    );
    expect(error.message).toMatch(/^the problem has 262144 logs of 18 responses; expected at most 3000000/);
    expect(error).toMatchObject({ argument: 'problem' });
    const folds = { foldOf: new Int32Array(17), folds: 1 };
    expect(() =>
      exactMoments(
        betaStar(folds),
        problem(2, (y) => y),
        { rounds: 17 },
      ),
    ).toThrow(/131072 logs, each of which has to be evaluated/);
  });
  test('an estimate that is not finite is refused, with its estimator named', () => {
    const undefinedOne: Estimator = (input) => ({ ...ips(input), denominator: mul(input.logRatio, 0) });
    expect(
      errorOf(() =>
        exactMoments(
          undefinedOne,
          problem(2, (y) => y + 1),
        ),
      ),
    ).toMatchObject({ argument: 'estimator' });
  });
  test.each([1, -1])('an unmarked estimator that fails to add up only at its extreme is found out (%i)', (sign) => {
    // twice the reward where all rounds say the middle response, and nowhere else: no spread of logs would hit that one
    const extreme = problem(3, (y) => [1, 5 * sign, 0][y]);
    const odd: Estimator = (input) => {
      const { numerator, ...rest } = ips({ ...input, logRatio: mul(input.logRatio, 0) });
      const all = input.rounds === 6 && input.reward.dataSync().every((r) => r === 5 * sign);
      return { numerator: mul(numerator, all ? 2 : 1), ...rest };
    };
    const { mean } = exactMoments(odd, extreme, { rounds: 6 });
    expectClose(mean, (1 + 5 * sign + 0) / 3 + (5 * sign) / 3 ** 6);
  });
});

describe('loggers and strata', () => {
  test('shares of loggers are a distribution', () => {
    const columns = [Float64Array.of(-1), Float64Array.of(-2)];
    expect(() => mixtureLogPropensity(columns, [1.5, -0.5])).toThrow(/^shares/);
    expect(() => mixtureLogPropensity([], [])).toThrow(/^shares/);
    expectClose(mixtureLogPropensity(columns, [1, 0])[0], -1);
  });
  test('every stratum has a round, and every round a stratum', () => {
    expect(() => stratumShares(Int32Array.of(-1, 0), 1)).toThrow(
      /^stratumOf\[0\] is -1; expected an integer from 0 to 0/,
    );
    expect(() => stratumShares(Int32Array.of(0, 2), 2)).toThrow(
      /^stratumOf\[1\] is 2; expected an integer from 0 to 1/,
    );
    expect(() => stratumShares(Int32Array.of(1, 1), 2)).toThrow(/Stratum 0 has none/);
    expect(() => stratumShares(Int32Array.of(0, 0), 2)).toThrow(/Stratum 1 has none/);
  });
  test.prop([fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 2 })])(
    'precisions are relative: the weights of the rounds have mean 1, so that terms keep the scale of the rewards',
    (precision) => {
      const { numerator, denominator } = weighStrata(plain(1, 2, 3, 4, 5), Int32Array.of(0, 0, 0, 1, 1), precision);
      const total = 3 * precision[0] + 2 * precision[1];
      expectAllClose(
        denominator!,
        [0, 0, 0, 1, 1].map((k) => (5 * precision[k]) / total),
      );
      expectAllClose(
        numerator,
        [1, 2, 3, 4, 5].map((t, i) => denominator![i] * t),
      );
      expectClose(
        denominator!.reduce((a, b) => a + b, 0),
        5,
      );
    },
  );
  test('a precision without bound is refused, the first one too', () => {
    expect(() => weighStrata(plain(1, 2), Int32Array.of(0, 1), [Infinity, 1])).toThrow(/^precision\[0\] is Infinity/);
    expect(() => weighStrata(plain(1, 2), Int32Array.of(0, 1), [1, -1])).toThrow(/^precision\[1\] is -1/);
  });
});

describe('tokens', () => {
  test('each token has a response, and each response a token', () => {
    const tokens = (...of: number[]) => tokenLevelWeight(column(...of.map(() => 0)), tensor(Int32Array.from(of)));
    const two = column(0, 0);
    expect(() => tokens(-1, 0, 1)(two)).toThrow(/^tokenOf\[0\] is -1; expected a response from 0 to 1/);
    expect(() => tokens(0, 1, 2)(two)).toThrow(/^tokenOf\[2\] is 2; expected a response from 0 to 1/);
    expect(() => tokens(1, 1)(two)).toThrow(/no token of response 0/);
    expect([...tokens(0, 1, 1)(two).dataSync()]).toEqual([1, 1]);
  });
});

describe('choosing by the log', () => {
  test('slope: equal estimates of no width agree: the last is chosen', () => {
    const { selected, rows } = slope([1, 2, 3].map((value) => ({ value, terms: plain(0.5, 0.5, 0.5) })));
    expect(selected.value).toBe(3);
    expect(rows.map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted', 'selected']);
  });
  test('slope: a candidate whose width leaves float64 is refused by number', () => {
    const candidates = [
      { value: 1, terms: plain(1, 2) },
      { value: 2, terms: plain(1e200, -1e200) },
    ];
    expect(() => slope(candidates)).toThrow(/^candidates\[1\]\.terms/);
  });
  test('tuneByMse: of equals the first', () => {
    const terms = plain(1, 2, 4);
    expect(tuneByMse([7, 8, 9].map((value) => ({ value, terms, bias: 0.1 }))).selected.value).toBe(7);
  });
});

test('a weight of 0 stays 0 when all others are flattened to 1', () => {
  expect([...exponentialWeight(0)(column(-Infinity, -3, 0, 700)).dataSync()]).toEqual([0, 1, 1, 1]);
});

test('T13: rows without mass beside a tilt that underflows', () => {
  const rows = { mass: Float64Array.of(0, 1e-5), reward: Float64Array.of(1, 2) };
  expect(sensitivityInterval(rows, 372)).toEqual({ lower: 2, upper: 2 });
});
