import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { checkGradient } from '../../src/autograd/index.js';
import { tensor } from '../../src/backend/index.js';
import {
  cascadeDoublyRobust,
  decomposedIps,
  doublyRobust,
  type EstimatorInput,
  estimate,
  exactMoments,
  jointIps,
  jointSnips,
  prefixIps,
  prefixLogRatio,
  prefixSnips,
  priorLogRatio,
  replay,
  slotSnips,
  snips,
} from '../../src/ope/index.js';
import { exp, mul, sum } from '../../src/ops/index.js';
import { estimateOf, standardError } from '../../src/stats/index.js';
import { scope } from '../../src/tensor/index.js';
import { anySlate, finiteProblem, slateTable } from '../arbitraries/finite-problem.js';
import { inputOf, sampleLogs } from '../arbitraries/sample-log.js';
import { expectAllClose, expectAtLeast, expectClose } from '../theorems/close.js';
import { everyRound } from '../theorems/enumerate.js';

type SlateTable = (context: number, slate: readonly number[], position?: number) => number;
/** A reward of slot j that looks at the context and the responses up to j. */
const ofPrefix =
  (table: SlateTable): SlateTable =>
  (context, slate, j = 0) =>
    table(context, slate.slice(0, j + 1), j);
const numbers = (values: readonly number[]) => tensor(Float64Array.from(values));
const rounds = (values: readonly number[]) => tensor(Int32Array.from(values));

describe('prefixLogRatio', () => {
  test.prop([
    fc.array(fc.tuple(fc.oneof(fc.integer({ min: -12, max: 12 }), fc.constant(-Infinity)), fc.nat(3)), {
      minLength: 1,
      maxLength: 20,
    }),
  ])('is the running sum within the round, whatever the order of rounds', (responses) => {
    const [ratios, roundOf] = [numbers(responses.map(([l]) => l / 4)), rounds(responses.map(([, i]) => i))];
    const running = responses.map(([, i], j) =>
      responses.slice(0, j + 1).reduce((total, [l, k]) => (k === i ? total + l / 4 : total), 0),
    );
    const before = responses.map(([, i], j) =>
      responses.slice(0, j).reduce((total, [l, k]) => (k === i ? total + l / 4 : total), 0),
    );
    expect([...prefixLogRatio(ratios, roundOf).dataSync()]).toEqual(running);
    expect([...priorLogRatio(ratios, roundOf).dataSync()]).toEqual(before);
  });

  test('is differentiable', () => {
    const roundOf = rounds([0, 0, 1, 0, 1, 0]);
    const { maxError } = checkGradient(
      (x) => sum(mul(exp(prefixLogRatio(x, roundOf)), numbers([1, -2, 3, 0.5, -1, 2]))),
      numbers([0.1, -0.4, 0.2, 0.3, -0.2, 0.5]),
    );
    expect(maxError).toBeLessThan(1e-8);
  });

  test('refuses columns of different lengths', () => {
    expect(() => prefixLogRatio(numbers([0, 0]), rounds([0]))).toThrow(/roundOf is .*expected shape \[2\]/);
  });
});

// #region prefix
test.prop([finiteProblem(), anySlate(3), slateTable(3)])(
  'prefix: unbiased where each reward looks at the responses up to its own',
  (problem, w, table) => {
    const options = { slate: w.length, slateWeights: w, responseReward: ofPrefix(table) };
    const { mean, value } = exactMoments(prefixIps, problem, options);
    expectClose(mean, value, 3);
  },
);
// #endregion prefix

test('prefix: there the decomposed estimator is biased: 1/2 for 3/4', () => {
  // the second reader looks only if the first response was y0
  const problem = { contextProb: [1], logging: [[0.5, 0.5]], target: [[0.75, 0.25]], reward: [[0, 0]] };
  const responseReward = (_x: number, slate: readonly number[], j: number) => (j === 1 && slate[0] === 0 ? 1 : 0);
  const options = { slate: 2, slateWeights: [0, 1], responseReward };
  expectClose(exactMoments(prefixIps, problem, options).value, 0.75);
  expectClose(exactMoments(prefixIps, problem, options).mean, 0.75);
  expectClose(exactMoments(decomposedIps, problem, options).mean, 0.5);
});

test('prefix: a reward that looks at a later response biases it too: 1/2 for 3/4', () => {
  const problem = { contextProb: [1], logging: [[0.5, 0.5]], target: [[0.75, 0.25]], reward: [[0, 0]] };
  const responseReward = (_x: number, slate: readonly number[], j: number) => (j === 0 && slate[1] === 0 ? 1 : 0);
  const { mean, value } = exactMoments(prefixIps, problem, { slate: 2, slateWeights: [1, 0], responseReward });
  expectClose(value, 0.75);
  expectClose(mean, 0.5);
});

const oneSlot = fc
  .integer({ min: 1, max: 3 })
  .chain((n) => fc.nat(n - 1).map((j) => Array.from({ length: n }, (_, k) => (k === j ? 1 : 0))));

test.prop([finiteProblem(), oneSlot, slateTable(3)])(
  'prefix: slot by slot its variance is at most that of the joint estimator',
  (problem, w, table) => {
    const responseReward = ofPrefix(table);
    const slot = w.indexOf(1);
    const options = { slate: w.length, slateWeights: w, responseReward };
    const slateReward = (x: number, slate: readonly number[]) => responseReward(x, slate, slot);
    const joint = exactMoments(jointIps, problem, { ...options, slateReward });
    const prefix = exactMoments(prefixIps, problem, options);
    expectClose(prefix.mean, joint.mean, 3);
    expectAtLeast(joint.variance, prefix.variance, 10 + joint.variance);
  },
);

test.prop([finiteProblem(), oneSlot])(
  'prefix: and for local rewards at least that of the decomposed one',
  (problem, w) => {
    const options = { slate: w.length, slateWeights: w };
    const [decomposed, prefix] = [decomposedIps, prefixIps].map((use) => exactMoments(use, problem, options).variance);
    expectAtLeast(prefix, decomposed, 10 + prefix);
  },
);

test.prop([finiteProblem({ contexts: 1 }), anySlate(3)])(
  'prefix: second moment for local rewards, sum_j w_j^2 c a^(j-1) + 2 sum_{j<k} w_j w_k b v a^(j-1)',
  ({ logging, target, reward, ...rest }, w) => {
    const under = (f: (y: number, rho: number) => number) =>
      logging[0].reduce((total, p, y) => total + p * f(y, target[0][y] / p), 0);
    const r = (y: number) => reward[0][y];
    const [a, b] = [under((_, rho) => rho * rho), under((y, rho) => rho * rho * r(y))];
    const [c, v] = [under((y, rho) => (rho * r(y)) ** 2), under((y, rho) => rho * r(y))];
    let second = 0;
    w.forEach((wj, j) => {
      second += wj * wj * c * a ** j;
      for (let k = j + 1; k < w.length; k++) second += 2 * wj * w[k] * b * v * a ** j;
    });
    const options = { slate: w.length, slateWeights: w };
    const { mean, variance } = exactMoments(prefixIps, { logging, target, reward, ...rest }, options);
    expectClose(variance + mean * mean, second, 10 + second);
  },
);

test('prefix: summed over slots neither order always holds', () => {
  const problem = { contextProb: [1], logging: [[0.5, 0.5]], target: [[0.25, 0.75]], reward: [[1, 0]] };
  const variance = (w: readonly number[]) =>
    [decomposedIps, prefixIps, jointIps].map(
      (use) => exactMoments(use, problem, { slate: 2, slateWeights: w }).variance,
    );
  // below the decomposed, as low as the joint one
  expectAllClose(variance([0.5, 0.5]), [0.03125, 0.0234375, 0.0234375]);
  // above the joint one
  const [, prefix, joint] = variance([0.1, 0.9]);
  expectClose(prefix - joint, 0.0025);
});

/** Every single round with a reward and a model of the prefix, and the probability of each. */
function cascadeInput(
  problem: Parameters<typeof everyRound>[0],
  w: readonly number[],
  reward: SlateTable,
  model: SlateTable,
): { readonly input: EstimatorInput; readonly expected: readonly number[]; readonly probability: readonly number[] } {
  const all = everyRound(problem, w.length);
  const { target, logging } = problem;
  const flat = <T>(f: (x: number, slate: readonly number[], j: number) => T) =>
    all.flatMap(({ context, slate }) => slate.map((_, j) => f(context, slate, j)));
  return {
    input: {
      rounds: all.length,
      logRatio: numbers(flat((x, s, j) => Math.log(target[x][s[j]]) - Math.log(logging[x][s[j]]))),
      reward: numbers(flat(reward)),
      slateWeight: numbers(flat((_x, _s, j) => w[j])),
      roundOf: rounds(all.flatMap(({ slate }, i) => slate.map(() => i))),
      predictedReward: numbers(flat(model)),
    },
    expected: flat((x, s, j) => target[x].reduce((total, p, y) => total + p * model(x, [...s.slice(0, j), y], j), 0)),
    probability: all.map((round) => round.probability),
  };
}

test.prop([finiteProblem(), anySlate(3), slateTable(3), slateTable(3)])(
  'cascade doubly robust: unbiased whatever the model of the prefix says',
  (problem, w, table, model) => {
    const reward = ofPrefix(table);
    const options = { slate: w.length, slateWeights: w, responseReward: reward };
    const { value } = exactMoments(prefixIps, problem, options);
    scope(() => {
      const { input, expected, probability } = cascadeInput(problem, w, reward, ofPrefix(model));
      const { numerator, baseline } = cascadeDoublyRobust(numbers(expected))(input);
      const [a, c] = [numerator.dataSync(), baseline!.dataSync()];
      expectClose(
        probability.reduce((total, p, i) => total + p * (a[i] + c[i]), 0),
        value,
        3,
      );
      // the exact model leaves nothing to correct
      const right = cascadeInput(problem, w, reward, reward);
      const corrections = cascadeDoublyRobust(numbers(right.expected))(right.input).numerator.dataSync();
      expect([...corrections].every((x) => x === 0)).toBe(true);
    });
  },
);

test.prop([sampleLogs({ maxSlate: 1 })])('cascade doubly robust: with slates of one it is doubly robust', (log) => {
  const input = inputOf(log);
  const [cascade, plain] = [cascadeDoublyRobust(input.predictedValue!), doublyRobust].map((use) => use(input));
  expectAllClose(cascade.numerator.dataSync(), plain.numerator.dataSync());
  expectAllClose(cascade.baseline!.dataSync(), plain.baseline!.dataSync());
});

test('cascade doubly robust: needs the model, one number a response', () => {
  const input = inputOf([
    { responses: [{ logRatio: 0, reward: 1, slateWeight: 1, predicted: 0 }], slateReward: 0, predictedValue: 0 },
  ]);
  expect(() => cascadeDoublyRobust(numbers([1, 2]))(input)).toThrow(/expected is .*shape \[1\]/);
  const { predictedReward: _, ...without } = input;
  expect(() => cascadeDoublyRobust(numbers([1]))(without)).toThrow(/predictedReward/);
});

const read = (terms: ReturnType<typeof snips>) => ({
  numerator: Float64Array.from(terms.numerator.dataSync()),
  denominator: terms.denominator === null ? null : Float64Array.from(terms.denominator.dataSync()),
  baseline: null,
});

describe('self-normalised slates', () => {
  test.prop([sampleLogs({ minRounds: 2, maxSlate: 1, zeros: false })])(
    'with slates of one all three are snips, in value and in standard error',
    (log) => {
      const expected = read(snips(inputOf(log)));
      for (const use of [slotSnips, prefixSnips]) {
        const terms = read(use(inputOf(log)));
        expectClose(estimateOf(terms), estimateOf(expected), 10);
        expectClose(standardError(terms), standardError(expected), 10);
      }
      const { slateReward: _, ...single } = inputOf(log);
      expectClose(estimate(jointSnips, single).item(), estimateOf(expected), 10);
    },
  );

  test.prop([sampleLogs({ zeros: false }), fc.array(fc.integer({ min: -8, max: 8 }), { minLength: 3, maxLength: 3 })])(
    'a constant reward is that constant, and a factor common to a slot cancels',
    (log, factors) => {
      const shifted = log.map((round) => ({
        ...round,
        responses: round.responses.map((r, j) => ({ ...r, logRatio: r.logRatio + factors[j] / 4 })),
      }));
      const [plain, scaled] = [log, shifted].map((rows) => inputOf(rows));
      expectClose(estimate(slotSnips, scaled).item(), estimate(slotSnips, plain).item(), 10);
      const seven = numbers(new Array<number>(plain.reward.size).fill(7));
      for (const use of [slotSnips, prefixSnips]) expectClose(estimate(use, { ...plain, reward: seven }).item(), 7);
      const rewards = numbers(new Array<number>(log.length).fill(7));
      expectClose(estimate(jointSnips, { ...plain, slateReward: rewards }).item(), 7);
    },
  );

  test('a slot whose weights are all 0 has no estimate', () => {
    const nobody = { logRatio: -Infinity, reward: 1, slateWeight: 0.5, predicted: 0 };
    const log = [{ responses: [{ ...nobody, logRatio: 0 }, nobody], slateReward: 0, predictedValue: 0 }];
    expect(estimate(slotSnips, inputOf(log)).item()).toBeNaN();
  });
});

describe('replay', () => {
  test.prop([finiteProblem({ contexts: 2 })])(
    'expects the value of a deterministic target under a uniform log',
    (problem) => {
      const k = problem.reward[0].length;
      const logging = problem.reward.map((row) => row.map(() => 1 / k));
      const target = problem.reward.map((row) => row.map((_, y) => (y === 0 ? 1 : 0)));
      // given at least one match the mean over the matches is unbiased; all logs of two rounds, weighed by their chance
      const uniform = { contextProb: problem.contextProb, logging, target, reward: problem.reward };
      const all = everyRound(uniform, 1);
      const chance = { matched: 0, mean: 0 };
      for (const one of all) {
        for (const two of all) {
          const matches = [one, two].filter(({ slate }) => slate[0] === 0);
          const log = [one, two].map(({ context, slate }) => ({
            responses: [
              {
                logRatio: slate[0] === 0 ? Math.log(k) : -Infinity,
                reward: problem.reward[context][slate[0]],
                slateWeight: 1,
                predicted: 0,
              },
            ],
            slateReward: 0,
            predictedValue: 0,
          }));
          const value = scope(() => estimate(replay, inputOf(log)).item());
          if (matches.length === 0) expect(value).toBeNaN();
          else {
            chance.matched += one.probability * two.probability;
            chance.mean += one.probability * two.probability * value;
          }
        }
      }
      expectClose(chance.mean / chance.matched, exactMoments(decomposedIps, uniform).value, 3);
    },
  );

  test('under another log it counts contexts by their chance of a match: 0.9 for 0.5', () => {
    const response = (logRatio: number, reward: number) => ({ logRatio, reward, slateWeight: 1, predicted: 0 });
    // two contexts, half of the rounds each; the target says y0; R(x0, y0) = 1, R(x1, y0) = 0;
    // the log says y0 in 9 of 10 rounds of x0 and in 1 of 10 rounds of x1
    const log = Array.from({ length: 20 }, (_, i) => {
      const first = i < 10;
      const match = first ? i < 9 : i === 10;
      const r = match ? response(-Math.log(first ? 0.9 : 0.1), first ? 1 : 0) : response(-Infinity, 0);
      return { responses: [r], slateReward: 0, predictedValue: 0 };
    });
    expectClose(estimate(replay, inputOf(log)).item(), 0.9);
    expectClose(estimate(decomposedIps, inputOf(log)).item(), 0.5);
  });
});

test('self-normalising slot by slot: a huge weight in one slot leaves the others as they are', () => {
  // slot 1 has weights e^1000 and 1, so its estimate is the reward of the first; slot 2 is (2 * 1 + 4 * 3)/(2 + 4)
  const input: EstimatorInput = {
    rounds: 2,
    logRatio: numbers([1000, Math.log(2), 0, Math.log(4)]),
    reward: numbers([5, 1, 7, 3]),
    slateWeight: numbers([0.5, 0.5, 0.5, 0.5]),
    roundOf: rounds([0, 0, 1, 1]),
  };
  expectClose(estimate(slotSnips, input).item(), (5 + 14 / 6) / 2);
});
