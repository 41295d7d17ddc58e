import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { checkGradient, grad } from '../../src/autograd/index.js';
import { tensor } from '../../src/backend/index.js';
import {
  clip,
  clippedIps,
  decomposedIps,
  type Estimator,
  type EstimatorInput,
  estimate,
  exactMoments,
  expectUnder,
  exponentialWeight,
  implicitExploration,
  logSmoothing,
  shrink,
  subGaussian,
  switchAt,
  weightedIps,
} from '../../src/ope/index.js';
import { sum } from '../../src/ops/index.js';
import { tangentBound } from '../../src/pope/index.js';
import type { Tensor } from '../../src/tensor/index.js';
import { anySlate, finiteProblem } from '../arbitraries/finite-problem.js';
import { inputOf, type SampleRound, sampleLogs } from '../arbitraries/sample-log.js';
import { expectAtLeast, expectClose } from './close.js';

/** The same log with rewards of at least 0. */
const nonnegative = sampleLogs().map((log) =>
  log.map((round) => ({ ...round, responses: round.responses.map((r) => ({ ...r, reward: Math.abs(r.reward) })) })),
);
const lambdas = fc.integer({ min: 1, max: 24 }).map((q) => q / 8);
const limits = fc.integer({ min: 1, max: 24 }).map((q) => q / 4);
const roundTerms = (use: Estimator, input: EstimatorInput): number[] => [...use(input).numerator.dataSync()];
/** a <= b, row by row, but for rounding. */
const expectBelow = (a: readonly number[], b: readonly number[]): void => {
  a.forEach((x, i) => {
    expectAtLeast(b[i], x);
  });
};
const slate = (round: SampleRound, f: (r: SampleRound['responses'][number]) => number): number =>
  round.responses.reduce((total, r) => total + r.slateWeight * f(r), 0);

// #region T11
test.prop([nonnegative, lambdas, limits])(
  'T11: clipped, switched, shrunk, harmonic and logarithmically smoothed terms lie below rho R, round by round',
  (log, lambda, limit) => {
    const input = inputOf(log);
    const plain = roundTerms(decomposedIps, input);
    for (const weight of [clip(limit), switchAt(limit), shrink(limit), implicitExploration(lambda)])
      expectBelow(roundTerms(weightedIps(weight), input), plain);
    expectBelow(roundTerms(logSmoothing(lambda), input), plain);
  },
);

test.prop([nonnegative, lambdas])(
  'T11: rho R/(1 + lambda rho R) <= log(1 + lambda rho R)/lambda, and on a slate that is at most the log of the total',
  (log, lambda) => {
    const smoothed = roundTerms(logSmoothing(lambda), inputOf(log));
    const z = (r: SampleRound['responses'][number]) => Math.exp(r.logRatio) * r.reward;
    expectBelow(
      log.map((round) => slate(round, (r) => z(r) / (1 + lambda * z(r)))),
      smoothed,
    );
    // Jensen: the form that the bound of T12 sums; equal for one response
    const ofTotal = log.map((round) => Math.log1p(lambda * slate(round, z)) / lambda);
    expectBelow(smoothed, ofTotal);
    log.forEach((round, i) => {
      if (round.responses.length === 1) expectClose(smoothed[i], ofTotal[i]);
    });
  },
);
// #endregion T11

test.prop([nonnegative, fc.integer({ min: -8, max: 8 })])(
  'T11: the tangent of T7 lies below rho R, whatever its anchor',
  (log, shift) => {
    // responses that the target never gives have no tangent: log 0 times a weight
    const rows = log.map((round) => ({
      ...round,
      responses: round.responses.map((r) => ({ ...r, logRatio: Math.max(-4, r.logRatio) })),
    }));
    const input = inputOf(rows);
    const column = (f: (r: SampleRound['responses'][number]) => number) =>
      tensor(Float64Array.from(rows.flatMap(({ responses }) => responses.map(f))));
    const bound = tangentBound(input.reward, {
      logProb: column((r) => r.logRatio - 5),
      anchorLogProb: column((r) => r.logRatio - 5 + (shift / 4) * r.predicted),
      logPropensity: column(() => -5),
      utility: input.reward,
      slateWeight: input.slateWeight,
      roundOf: input.roundOf,
      rounds: rows.length,
    });
    expectAtLeast(estimate(decomposedIps, input).item(), bound.item(), 10);
  },
);

test.prop([finiteProblem({ reward: 'nonnegative' }), anySlate(2), lambdas, limits])(
  'T11: so their expectations lie below the value',
  (problem, w, lambda, limit) => {
    const options = { slate: w.length, slateWeights: w };
    for (const use of [clippedIps(limit), weightedIps(implicitExploration(lambda)), logSmoothing(lambda)])
      expectAtLeast(0, exactMoments(use, problem, options).bias, 10);
  },
);

const one = (logRatio: number, reward: number): SampleRound[] => [
  { responses: [{ logRatio, reward, slateWeight: 1, predicted: 0 }], slateReward: 0, predictedValue: 0 },
];
const value = (use: Estimator, log: readonly SampleRound[]): number => estimate(use, inputOf(log)).item();

test('T11: witness: for a negative reward the order turns round', () => {
  // rho = 2, R = -1: plain -2; clipped at 1, and harmonic with lambda 1/2, are -1
  const log = one(Math.log(2), -1);
  expectClose(value(decomposedIps, log), -2);
  expectClose(value(clippedIps(1), log), -1);
  expectClose(value(weightedIps(implicitExploration(0.5)), log), -1);
  expect(() => value(logSmoothing(0.5), log)).toThrow(/reward\[0\] is -1; expected a reward of at least 0/);
  // in expectation: pi0 = (1/2, 1/2), pi = (1, 0), R = (-1, 0): the value is -1, clipped at 1 it is -1/2
  const problem = { contextProb: [1], logging: [[0.5, 0.5]], target: [[1, 0]], reward: [[-1, 0]] };
  expectClose(exactMoments(clippedIps(1), problem).bias, 0.5);
});

test('T11: witness: flattened weights are not pessimistic, they lift weights below 1', () => {
  const log = one(Math.log(0.25), 1);
  expectClose(value(weightedIps(exponentialWeight(0.5)), log), 0.5);
  expectClose(value(weightedIps(subGaussian(0.5)), log), 0.4);
  expectClose(value(decomposedIps, log), 0.25);
});

test('T11: witness: with R outside of the quotient, harmonic and logarithmic are not ordered', () => {
  // R <= 1: harmonic below; R = 100 at rho = lambda = 1: harmonic 50, logarithmic log 101
  expect(value(weightedIps(implicitExploration(1)), one(0, 0.5))).toBeLessThan(value(logSmoothing(1), one(0, 0.5)));
  expectClose(value(weightedIps(implicitExploration(1)), one(0, 100)), 50);
  expectClose(value(logSmoothing(1), one(0, 100)), Math.log(101));
});

test.prop([finiteProblem({ reward: 'nonnegative' }), lambdas])(
  'T11: the bias of logarithmic smoothing lies between -lambda/2 E_pi0 (rho R)^2 and 0',
  (problem, lambda) => {
    const square = expectUnder(
      problem,
      problem.logging,
      (x, y) => ((problem.target[x][y] / problem.logging[x][y]) * problem.reward[x][y]) ** 2,
    );
    const { bias } = exactMoments(logSmoothing(lambda), problem);
    expectAtLeast(0, bias, 10);
    expectAtLeast(bias, (-lambda / 2) * square, 10);
  },
);

test.prop([nonnegative, lambdas])('T11: logarithmic smoothing is its formula', (log, lambda) => {
  const terms = roundTerms(logSmoothing(lambda), inputOf(log));
  log.forEach((round, i) => {
    const byHand = slate(round, (r) => Math.log1p(lambda * Math.exp(r.logRatio) * r.reward) / lambda);
    expectClose(terms[i], byHand, 1e-3, 1e-11);
  });
});

test('T11: logarithmic smoothing at the extremes: finite, and flat where rho or R is 0', () => {
  const input = inputOf([
    ...one(1000, 2),
    ...one(-Infinity, 1),
    ...one(1000, 0),
    ...one(-Infinity, 0),
    ...one(-1000, 1),
  ]);
  const at = (logRatio: Tensor) => logSmoothing(0.5)({ ...input, logRatio }).numerator;
  expect([...at(input.logRatio).dataSync()]).toEqual([2000, 0, 0, 0, 0]);
  // d/dl = rho R/(1 + lambda rho R): 1/lambda where rho is huge
  expect([...grad((l: Tensor) => sum(at(l)))(input.logRatio).dataSync()]).toEqual([2, 0, 0, 0, 0]);
  const inReward = grad((reward: Tensor) => sum(logSmoothing(0.5)({ ...input, reward }).numerator))(input.reward);
  expect([...inReward.dataSync()].every(Number.isFinite)).toBe(true);
  expect(() => logSmoothing(1)({ ...input, rounds: 0 })).toThrow(/rounds/);
  for (const lambda of [0, -1, Infinity, Number.NaN]) expect(() => logSmoothing(lambda)).toThrow(/lambda/);
});

test('T11: its gradient in log-ratios and rewards, against central differences', () => {
  const input = inputOf([...one(-3, 0.5), ...one(0.2, 2), ...one(1.7, 1)]);
  checkGradient(({ logRatio, reward }) => logSmoothing(0.7)({ ...input, logRatio, reward }).numerator, {
    logRatio: input.logRatio,
    reward: input.reward,
  });
});
