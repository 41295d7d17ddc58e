import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { grad } from '../../src/autograd/index.js';
import { tensor } from '../../src/backend/index.js';
import {
  acrossRounds,
  additiveBaseline,
  betaStar,
  decomposedIps,
  type Estimator,
  estimate,
  exactMoments,
  exactValue,
  expectation,
  expectUnder,
  optimalBaseline,
  supportedValue,
} from '../../src/ope/index.js';
import type { Tensor } from '../../src/tensor/index.js';
import { anySlate, finiteProblem } from '../arbitraries/finite-problem.js';
import { inputOf, type SampleRound, sampleLogs } from '../arbitraries/sample-log.js';
import { expectAllClose, expectAtLeast, expectClose } from './close.js';

const slateOf = (slateWeights: readonly number[]) => ({ slate: slateWeights.length, slateWeights });
const betas = fc.integer({ min: -12, max: 12 }).map((q) => q / 4);
const anySupport = fc.oneof(finiteProblem(), finiteProblem({ support: 'deficient' }));
/** How large the squares get that a variance is the difference of. */
const scaleOf = (problem: Parameters<typeof exactValue>[0], beta: number): number =>
  (1 + beta * beta) * (10 + expectUnder(problem, problem.logging, (x, y) => rho(problem, x, y) ** 2) * 10);
const rho = ({ logging, target }: Parameters<typeof exactValue>[0], x: number, y: number): number =>
  logging[x][y] > 0 ? target[x][y] / logging[x][y] : 0;

// #region T16
test.prop([finiteProblem(), anySlate(3), betas])(
  'T16: an additive control variate is unbiased for every fixed beta',
  (problem, w, beta) => {
    expectClose(expectation(additiveBaseline(beta), problem, slateOf(w)), exactValue(problem));
  },
);

test.prop([anySupport, anySlate(2), betas])(
  'T16: beta* = Cov(Z, W)/Var(W) takes beta*^2 Var(W) off the variance, and every other beta less',
  (problem, w, off) => {
    const { beta, saving } = optimalBaseline(problem, w);
    const at = (b: number) => exactMoments(additiveBaseline(b), problem, slateOf(w)).variance;
    const weights = exactMoments(decomposedIps, allOnes(problem), slateOf(w)).variance;
    const scale = scaleOf(problem, beta) + scaleOf(problem, off);
    expectClose(saving, beta * beta * weights, scale);
    expectClose(at(beta), at(0) - saving, scale);
    expectClose(at(off), at(beta) + (off - beta) ** 2 * weights, scale);
    expectAtLeast(at(off), at(beta), scale);
  },
);
// #endregion T16

/** The problem whose rewards are all 1: its Z is W. */
const allOnes = <P extends Parameters<typeof exactValue>[0]>(problem: P): P => ({
  ...problem,
  reward: problem.reward.map((row) => row.map(() => 1)),
});

/** Three rounds on any folds: every partition of the three, and folds that stay empty. */
const threeFolds = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 3, maxLength: 3 });

test.prop([finiteProblem({ responses: 2 }), threeFolds], { numRuns: 40 })(
  'T16: with a cross-fitted beta it is unbiased exactly, on logs of three rounds',
  (problem, folds) => {
    const use = betaStar({ foldOf: Int32Array.from(folds), folds: 3 });
    expectClose(expectation(use, problem, { rounds: 3 }), exactValue(problem));
  },
);

test.prop([finiteProblem({ contexts: 1, responses: 2 }), anySlate(2)], { numRuns: 20 })(
  'T16: and on logs of four rounds of slates, in two folds',
  (problem, w) => {
    const use = betaStar({ foldOf: Int32Array.of(0, 0, 1, 1), folds: 2 });
    expectClose(expectation(use, problem, { rounds: 4, ...slateOf(w) }), exactValue(problem));
  },
);

test.prop([finiteProblem({ support: 'deficient' }), anySlate(2), betas])(
  'T16: where mass mu of the target is not covered, a fixed beta adds beta mu',
  (problem, w, beta) => {
    const mu = expectUnder(problem, problem.target, (x, y) => (problem.logging[x][y] > 0 ? 0 : 1));
    expectClose(expectation(additiveBaseline(beta), problem, slateOf(w)), supportedValue(problem) + beta * mu);
  },
);

test.prop([finiteProblem(), anySlate(3)])(
  'T16: where the log covers the target, beta* is the same for every slate and the saving goes as sum w_j^2',
  (problem, w) => {
    const [one, many] = [optimalBaseline(problem), optimalBaseline(problem, w)];
    const squares = w.reduce((sum, x) => sum + x * x, 0);
    expectClose(many.beta, one.beta, scaleOf(problem, 0), 1e-9);
    expectClose(many.saving, squares * one.saving, scaleOf(problem, one.beta));
  },
);

const taus = fc.integer({ min: 0, max: 12 }).map((q) => q / 4);

test.prop([finiteProblem(), taus])(
  'T16: beta* is linear in the reward: of u + tau d it is beta*_u + tau beta*_d',
  (problem, tau) => {
    const of = (reward: number[][]) => optimalBaseline({ ...problem, reward }).beta;
    const joint = problem.reward.map((row, x) => row.map((u, y) => u + tau * problem.predicted[x][y]));
    expectClose(
      of(joint as number[][]),
      of(problem.reward as number[][]) + tau * of(problem.predicted as number[][]),
      scaleOf(problem, tau),
      1e-9,
    );
  },
);

/** Rounds in two folds, alternating. */
const alternating = (rounds: number, folds = 2) => ({
  foldOf: Int32Array.from({ length: rounds }, (_, i) => i % folds),
  folds,
});
const termsOf = (use: Estimator, log: readonly SampleRound[]) => {
  const { numerator, baseline } = use(inputOf(log));
  return { numerator: [...numerator.dataSync()], baseline: [...(baseline?.dataSync() ?? [])] };
};
const withReward = (log: readonly SampleRound[], f: (r: SampleRound['responses'][number]) => number): SampleRound[] =>
  log.map((round) => ({ ...round, responses: round.responses.map((r) => ({ ...r, reward: f(r) })) }));
/** The largest product that goes into beta: how far rounding may carry it. */
const sizeOf = (log: readonly SampleRound[], baseline: readonly number[]): number =>
  (1 + Math.max(...baseline.map(Math.abs))) *
  (1 + Math.max(...log.flatMap(({ responses }) => responses.map((r) => Math.exp(r.logRatio)))));

test.prop([sampleLogs({ minRounds: 4 }), taus])(
  'T16: on the same folds the two components corrected apart are their sum corrected',
  (log, tau) => {
    const use = betaStar(alternating(log.length));
    const u = termsOf(use, log);
    const d = termsOf(
      use,
      withReward(log, (r) => r.predicted),
    );
    const both = termsOf(
      use,
      withReward(log, (r) => r.reward + tau * r.predicted),
    );
    const scale = 1e3 * sizeOf(log, [...u.baseline, ...d.baseline]) * (1 + tau);
    expectAllClose(
      both.baseline,
      u.baseline.map((b, i) => b + tau * d.baseline[i]),
      scale,
    );
    expectAllClose(
      both.numerator,
      u.numerator.map((a, i) => a + tau * d.numerator[i]),
      scale,
    );
  },
);

const single = (logRatio: number, reward: number): SampleRound => ({
  responses: [{ logRatio, reward, slateWeight: 1, predicted: 0 }],
  slateReward: 0,
  predictedValue: 0,
});
const value = (use: Estimator, log: readonly SampleRound[]): number => estimate(use, inputOf(log)).item();

test.prop([fc.array(fc.integer({ min: -12, max: 12 }), { minLength: 4, maxLength: 8 }), betas])(
  'T16: identical feedback everywhere is estimated without error',
  (ratios, c) => {
    // every round's weight is its own, so that the weights of both folds vary
    const log = ratios.map((q, i) => single(q / 4 + i / 64, c));
    fc.pre(new Set(log.map(({ responses }) => responses[0].logRatio)).size === log.length);
    const { baseline } = termsOf(betaStar(alternating(log.length)), log);
    expectAllClose(
      baseline,
      baseline.map(() => c),
      10,
      1e-8,
    );
    expectClose(value(betaStar(alternating(log.length)), log), c, 100, 1e-8);
  },
);

test.prop([sampleLogs({ minRounds: 1, maxRounds: 5 })])('T16: nothing to fit beta on is plain IPS', (log) => {
  const ips = value(decomposedIps, log);
  expect(value(betaStar({ foldOf: new Int32Array(log.length), folds: 1 }), log)).toBe(ips);
  expect(value(betaStar({ foldOf: Int32Array.of(3), folds: 5 }), log.slice(0, 1))).toBe(
    value(decomposedIps, log.slice(0, 1)),
  );
  expect(value(betaStar(alternating(2)), [log[0], log[log.length - 1]])).toBe(
    value(decomposedIps, [log[0], log[log.length - 1]]),
  );
  const ones = log.map((round) => ({ ...round, responses: round.responses.map((r) => ({ ...r, logRatio: 0 })) }));
  expect(value(betaStar(alternating(log.length)), ones)).toBe(value(decomposedIps, ones));
  const zeros = log.map((round) => ({
    ...round,
    responses: round.responses.map((r) => ({ ...r, logRatio: -Infinity })),
  }));
  expect(value(betaStar(alternating(log.length)), zeros)).toBe(0);
});

const unlucky = {
  contextProb: [1],
  logging: [[0.25, 0.25, 0.5]],
  target: [[0.5, 0.25, 0.25]],
  reward: [[0, 1, 0]],
};

test('T16: witness: an estimated beta can raise the variance: beta* is 0, and four rounds do not know it', () => {
  expect(optimalBaseline(unlucky).beta).toBe(0);
  const fitted = exactMoments(betaStar(alternating(4)), unlucky, { rounds: 4 });
  expectClose(fitted.bias, 0);
  expectClose(fitted.variance, 0.169921875);
  expectClose(exactMoments(decomposedIps, unlucky, { rounds: 4 }).variance, 0.046875);
});

test('T16: witness: a beta fitted on the rounds that use it is biased', () => {
  const sameLog: Estimator = acrossRounds((input) => {
    const w = Array.from(input.logRatio.dataSync(), Math.exp);
    const z = Array.from(input.reward.dataSync(), (r, i) => r * w[i]);
    const mean = (x: number[]) => x.reduce((a, b) => a + b, 0) / x.length;
    const covariance = w.reduce((sum, x, i) => sum + (x - mean(w)) * (z[i] - mean(z)), 0);
    const variance = w.reduce((sum, x) => sum + (x - mean(w)) ** 2, 0);
    return additiveBaseline(variance > 1e-12 ? covariance / variance : 0)(input);
  });
  expectClose(exactMoments(sameLog, unlucky, { rounds: 2 }).mean, 0.4375); // the value is 0.25
  expectClose(exactMoments(betaStar(alternating(2)), unlucky, { rounds: 2 }).mean, 0.25);
});

test.prop([sampleLogs({ minRounds: 4, zeros: false })])('T16: the gradient holds beta constant', (log) => {
  const input = inputOf(log);
  const use = betaStar(alternating(log.length));
  const { baseline } = termsOf(use, log);
  const slopes = grad((logRatio: Tensor) => estimate(use, { ...input, logRatio }))(input.logRatio).dataSync();
  const byHand = log.flatMap(({ responses }, i) =>
    responses.map((r) => (r.slateWeight * Math.exp(r.logRatio) * (r.reward - baseline[i])) / log.length),
  );
  expectAllClose(slopes, byHand, sizeOf(log, baseline));
});

test('T16: a weight beyond float64 spoils its own round alone', () => {
  const log = [single(1000, 2), single(0, 1), single(-Infinity, 3), single(1, 0.5), single(0.3, 2), single(999, 1)];
  const { numerator, baseline } = termsOf(betaStar({ foldOf: Int32Array.of(0, 0, 1, 1, 2, 2), folds: 3 }), log);
  expect(baseline.every(Number.isFinite)).toBe(true);
  expect(numerator.map(Number.isFinite)).toEqual([false, true, true, true, true, false]);
});

test('T16: what does not fit is named', () => {
  const input = inputOf([single(0, 1), single(1, 2)]);
  expect(() => betaStar({ foldOf: Int32Array.of(0), folds: 2 })(input)).toThrow(/foldOf.length is 1; expected 2/);
  expect(() => betaStar({ foldOf: Int32Array.of(0, 2), folds: 2 })).toThrow(/foldOf\[1\]/);
  expect(() => betaStar({ foldOf: Int32Array.of(0, 1), folds: 0 })).toThrow(/folds/);
  expect(() => additiveBaseline(Number.NaN)).toThrow(/beta/);
  expect(() => additiveBaseline(1)({ ...input, rounds: 0, roundOf: tensor(new Int32Array(2)) })).toThrow(/rounds/);
  expect(() => optimalBaseline(unlucky, [0.5, 0.6])).toThrow(/slateWeights/);
  expect(() => optimalBaseline({ ...unlucky, reward: [[0, Number.NaN, 0]] })).toThrow(/reward\[0\]/);
});
