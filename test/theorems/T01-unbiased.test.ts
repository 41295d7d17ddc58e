import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { tensor } from '../../src/backend/index.js';
import {
  decomposedIps,
  exactMoments,
  exactValue,
  expectation,
  expectUnder,
  type FiniteProblem,
  jointIps,
  mixedValue,
  propensityBand,
  propensityBiasBound,
  snips,
  supportedValue,
  unsupportedBias,
} from '../../src/ope/index.js';
import { slateEntropyReward, surprisalReward } from '../../src/pope/index.js';
import { averageRanks } from '../../src/pope/utility.js';
import { anySlate, finiteProblem, slateTable, slateWeights } from '../arbitraries/finite-problem.js';
import { expectClose } from './close.js';
import { expectationWith } from './enumerate.js';

const slateOf = (slateWeights: readonly number[]) => ({ slate: slateWeights.length, slateWeights });

/** The problem with the surprisal of its target as the reward, from our own function. */
const withSurprisal = <P extends FiniteProblem>(problem: P): P => ({
  ...problem,
  reward: problem.target.map((row) => [...surprisalReward(tensor(Float64Array.from(row, Math.log))).dataSync()]),
});

const entropyOf = ({ contextProb, target }: FiniteProblem): number =>
  contextProb.reduce((sum, px, x) => sum - px * target[x].reduce((h, p) => h + (p > 0 ? p * Math.log(p) : 0), 0), 0);

/** E_x E_{slate ~ policy} f, every position j drawn from `policies[j]`. */
function slateExpectation(
  problem: FiniteProblem,
  policies: readonly (readonly (readonly number[])[])[],
  f: (context: number, slate: readonly number[]) => number,
): number {
  const walk = (x: number, slate: readonly number[], p: number): number => {
    if (p === 0) return 0;
    if (slate.length === policies.length) return p * f(x, slate);
    return policies[slate.length][x].reduce((sum, q, y) => sum + walk(x, [...slate, y], p * q), 0);
  };
  return problem.contextProb.reduce((sum, px, x) => sum + walk(x, [], px), 0);
}

// #region T1
test.prop([finiteProblem(), anySlate(3)])(
  'T1: decomposed IPS is unbiased for the utility where the log covers the target',
  (problem, w) => {
    expectClose(expectation(decomposedIps, problem, slateOf(w)), exactValue(problem));
  },
);

test.prop([finiteProblem(), anySlate(3)])(
  'T1: decomposed IPS is unbiased for the entropy of the target',
  (problem, w) => {
    expectClose(expectation(decomposedIps, withSurprisal(problem), slateOf(w)), entropyOf(problem));
  },
);

test.prop([finiteProblem({ contexts: 2, responses: 2 }), slateWeights(2)])(
  'T1: more rounds change nothing about the mean',
  (problem, w) => {
    expectClose(expectation(decomposedIps, problem, { ...slateOf(w), rounds: 2 }), exactValue(problem));
  },
);

test.prop([finiteProblem({ support: 'deficient' }), anySlate(3)])(
  'T1: with deficient support the bias is minus the value of what is never logged',
  (problem, w) => {
    const lost = expectUnder(problem, problem.target, (x, y) =>
      problem.logging[x][y] === 0 ? problem.reward[x][y] : 0,
    );
    const bias = expectation(decomposedIps, problem, slateOf(w)) - exactValue(problem);
    expectClose(bias, -lost);
    expectClose(unsupportedBias(problem), -lost);
    expectClose(supportedValue(problem), exactValue(problem) - lost);
    const surprisal = withSurprisal(problem);
    expectClose(expectation(decomposedIps, surprisal, slateOf(w)), supportedValue(surprisal));
  },
);
// #endregion T1

// #region E1
test.prop([finiteProblem(), fc.integer({ min: 1, max: 3 }).chain((n) => fc.tuple(fc.constant(n), slateTable(n)))])(
  'E1: the joint estimator is unbiased for every reward of a slate',
  (problem, [n, reward]) => {
    const truth = slateExpectation(problem, new Array(n).fill(problem.target), reward);
    expectClose(expectation(jointIps, problem, { slate: n, slateReward: reward }), truth);
  },
);
// #endregion E1

test.prop([finiteProblem(), anySlate(3)])('E1: the joint estimator is unbiased for local rewards too', (problem, w) => {
  expectClose(expectation(jointIps, problem, slateOf(w)), exactValue(problem));
});

test('T1: self-normalising is not unbiased, which is why it is not the default name', () => {
  const problem = { contextProb: [1], logging: [[0.5, 0.5]], target: [[0.25, 0.75]], reward: [[1, 0]] };
  expect(exactValue(problem)).toBe(0.25);
  // two rounds: (1, 1) 1, (1, 0) or (0, 1) 0.5/2, (0, 0) 0
  expectClose(expectation(snips, problem, { rounds: 2 }), 0.25 + 0.5 * 0.25);
});

// #region T1b
test.prop([finiteProblem(), fc.integer({ min: 2, max: 3 }).chain((n) => fc.tuple(slateWeights(n), slateTable(n)))])(
  'T1b: for a reward that looks at the slate, the single ratio estimates the mixed value',
  (problem, [w, reward]) => {
    const mixed = w.reduce((sum, weight, j) => {
      const policies = w.map((_, k) => (k === j ? problem.target : problem.logging));
      return sum + weight * slateExpectation(problem, policies, (x, slate) => reward(x, slate, j));
    }, 0);
    const single = expectation(decomposedIps, problem, {
      ...slateOf(w),
      responseReward: (x, slate, j) => reward(x, slate, j),
    });
    expectClose(single, mixed);
    expectClose(mixedValue(problem, w, reward), mixed);
  },
);
// #endregion T1b

const witness = { contextProb: [1], logging: [[0.2, 0.3, 0.5]], target: [[0.6, 0.3, 0.1]], reward: [[0, 0, 0]] };

/** The slate entropy of the witness's target by our own function, equal responses merged (D4) or kept. */
const slateEntropy =
  (merged: boolean) =>
  (_context: number, slate: readonly number[]): number => {
    const logProb = tensor(Float64Array.from(slate, (y) => Math.log(witness.target[0][y])));
    const distinct = tensor(Float64Array.from(slate, (y, j) => (!merged || slate.indexOf(y) === j ? 1 : 0)));
    return slateEntropyReward(logProb, distinct, tensor(Int32Array.from(slate, () => 0)), 1).item();
  };

test.each([
  { duplicates: 'kept', truth: 0.63095, mixed: 0.56544 },
  { duplicates: 'merged', truth: 0.3121, mixed: 0.38522 },
])(
  'T1b: witness: slate entropy with duplicates $duplicates: truth and product weight $truth, single ratio $mixed',
  ({ duplicates, truth, mixed }) => {
    const reward = slateEntropy(duplicates === 'merged');
    const exact = slateExpectation(witness, [witness.target, witness.target], reward);
    expect(exact).toBeCloseTo(truth, 5);
    expectClose(expectation(jointIps, witness, { slate: 2, slateReward: reward }), exact);
    expect(expectation(decomposedIps, witness, { slate: 2, responseReward: reward })).toBeCloseTo(mixed, 5);
  },
);

test.prop([finiteProblem(), anySlate(3)])('T1b: ranks within the slate need the product weight', (problem, w) => {
  const ranks = (x: number, slate: readonly number[]) =>
    averageRanks(Float64Array.from(slate, (y) => problem.reward[x][y]));
  const value = (x: number, slate: readonly number[]) => ranks(x, slate).reduce((sum, r, j) => sum + w[j] * r, 0);
  const truth = slateExpectation(
    problem,
    w.map(() => problem.target),
    value,
  );
  expectClose(expectation(jointIps, problem, { slate: w.length, slateReward: value }), truth);
});

test('T1b: witness: the rank of the better of two under the single ratio', () => {
  // pi always says the better response, pi0 half of the time: among pi's own slates all ties, rank 1/2
  const problem = { contextProb: [1], logging: [[0.5, 0.5]], target: [[1, 0]], reward: [[1, 0]] };
  const rank = (_x: number, slate: readonly number[], j: number) =>
    averageRanks(Float64Array.from(slate, (y) => problem.reward[0][y]))[j];
  expectClose(expectation(decomposedIps, problem, { slate: 2, responseReward: rank }), 0.75);
  expectClose(
    expectation(jointIps, problem, { slate: 2, slateReward: (x, s) => (rank(x, s, 0) + rank(x, s, 1)) / 2 }),
    0.5,
  );
});

test('T1: what cannot be enumerated is refused', () => {
  const problem = { contextProb: [1], logging: [[0.5, 0.5]], target: [[0, 1]], reward: [[1, 0]] };
  expect(() => exactMoments(decomposedIps, problem, { rounds: 30 })).toThrow(/3000000/);
  expect(() => exactMoments(snips, problem)).toThrow(/finite estimate/);
  expect(() => exactMoments(decomposedIps, { ...problem, target: [[0.5, 0.6]] })).toThrow(/target\[0\]/);
  expect(() => exactMoments(decomposedIps, { ...problem, reward: [[1]] })).toThrow(/reward\[0\].length/);
  expect(() => exactMoments(decomposedIps, { ...problem, contextProb: [2, -1] })).toThrow(/contextProb/);
});

// #region T2
test.prop([
  finiteProblem(),
  fc.double({ min: 0, max: 1, noNaN: true }),
  anySlate(2),
  fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 12, maxLength: 12 }),
])(
  'T2: propensities off by at most e^eta move the estimate by at most (e^eta - 1) E_pi|R|',
  (problem, eta, w, noise) => {
    const assumed = problem.logging.map((row, x) => row.map((p, y) => p * Math.exp(eta * noise[4 * x + y])));
    const bias = expectationWith(decomposedIps, problem, assumed, w) - exactValue(problem);
    const size = expectUnder(problem, problem.target, (x, y) => Math.abs(problem.reward[x][y]));
    expect(Math.abs(bias)).toBeLessThanOrEqual(propensityBiasBound(eta, size) + 1e-10);
    const positive = { ...problem, reward: problem.reward.map((row) => row.map(Math.abs)) };
    const shift = expectationWith(decomposedIps, positive, assumed, w) - size;
    expect(shift).toBeGreaterThanOrEqual(Math.expm1(-eta) * size - 1e-10);
    expect(shift).toBeLessThanOrEqual(Math.expm1(eta) * size + 1e-10);
    // read backwards: the band around the expected estimates of the two parts contains the value
    const part = (sign: number) => ({
      ...problem,
      reward: problem.reward.map((row) => row.map((r) => Math.max(0, sign * r))),
    });
    const [plus, minus] = [1, -1].map((sign) => expectationWith(decomposedIps, part(sign), assumed, w));
    const band = propensityBand({ positive: plus, negative: minus }, eta);
    expect(exactValue(problem)).toBeGreaterThanOrEqual(band.lower - 1e-10);
    expect(exactValue(problem)).toBeLessThanOrEqual(band.upper + 1e-10);
  },
);
// #endregion T2

test('T2: both bounds are reached, and no error means no band', () => {
  // one response says all, and its propensity is off by the whole of eta
  const problem = { contextProb: [1], logging: [[0.5, 0.5]], target: [[1, 0]], reward: [[2, 0]], predicted: [[0, 0]] };
  const eta = Math.log(1.5);
  expectClose(expectationWith(decomposedIps, problem, [[0.5 / 1.5, 0.5]], [1]) - 2, propensityBiasBound(eta, 2));
  expectClose(propensityBiasBound(eta, 2), 1);
  expect(propensityBand({ positive: 3, negative: 1 }, 0)).toEqual({ lower: 2, upper: 2 });
  expect(propensityBand({ positive: 3, negative: 0 }, Infinity)).toEqual({ lower: 0, upper: Infinity });
  expect(propensityBiasBound(Infinity, 0)).toBe(0);
  expect(() => propensityBand({ positive: -1, negative: 0 }, 1)).toThrow(/^positive is -1/);
  expect(() => propensityBiasBound(-0.1, 1)).toThrow(/^eta is -0.1/);
});

test('T2: an error of 0.01 a token is a bound of 100 % after 69 tokens', () => {
  expectClose(propensityBiasBound(0.01 * Math.log(2) * 100, 1), 1);
  expect(propensityBiasBound(0.01 * 69, 1)).toBeLessThan(1);
  expect(propensityBiasBound(0.01 * 70, 1)).toBeGreaterThan(1);
});
