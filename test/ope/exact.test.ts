import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import {
  acrossRounds,
  additiveBaseline,
  betaStar,
  clippedIps,
  decomposedIps,
  doublyRobust,
  type Estimator,
  exactMoments,
  exactValue,
  expectation,
  exponentialWeight,
  implicitExploration,
  ips,
  jointIps,
  logSmoothing,
  optimalBaseline,
  paretoSmoothedIps,
  snips,
  supportedValue,
  weightedIps,
} from '../../src/ope/index.js';
import { max, sub } from '../../src/ops/index.js';
import { anySlate, finiteProblem, slateTable } from '../arbitraries/finite-problem.js';
import { expectClose } from '../theorems/close.js';

const asMarked = { ips: decomposedIps, snips, clipped: clippedIps(1.5), dr: doublyRobust, joint: jointIps };

test.prop([
  finiteProblem({ targetZeros: false, responses: 2 }),
  anySlate(2),
  fc.constantFrom(...Object.values(asMarked)),
])('rounds added up and every log evaluated give the same moments', (problem, w, use) => {
  const options = { rounds: 2, slate: w.length, slateWeights: w };
  const [fast, slow] = [exactMoments(use, problem, options), exactMoments(acrossRounds(use), problem, options)];
  for (const field of ['mean', 'variance', 'value', 'bias', 'meanSquaredError'] as const)
    expectClose(fast[field], slow[field], 100);
});

test.prop([finiteProblem({ targetZeros: false }), anySlate(2)])(
  'value, bias and mean squared error: mean - value, variance + bias^2',
  (problem, w) => {
    for (const use of [decomposedIps, clippedIps(1), snips]) {
      const exact = exactMoments(use, problem, { slate: w.length, slateWeights: w });
      expectClose(exact.value, exactValue(problem));
      expectClose(exact.bias, exact.mean - exactValue(problem), 10);
      expectClose(exact.meanSquaredError, exact.variance + exact.bias ** 2, 100);
    }
  },
);

test.prop([finiteProblem(), slateTable(2)])(
  'of a slate reward the value is that of the slate, and the product weight has no bias',
  (problem, reward) => {
    const exact = exactMoments(jointIps, problem, { slate: 2, slateReward: (x, slate) => reward(x, slate) });
    const byHand = problem.contextProb.reduce(
      (total, px, x) =>
        problem.target[x].reduce(
          (outer, p, y) => problem.target[x].reduce((s, q, z) => s + px * p * q * reward(x, [y, z]), outer),
          total,
        ),
      0,
    );
    expectClose(exact.value, byHand, 10);
    expectClose(exact.bias, 0, 10);
  },
);

test.prop([finiteProblem({ support: 'deficient' })])('the bias of deficient support', (problem) => {
  expectClose(exactMoments(decomposedIps, problem).bias, supportedValue(problem) - exactValue(problem));
});

// #region example
test('the table of docs/math/family.md is what exactMoments gives', () => {
  // the log says the third response one time in ten, the target six times in ten
  const problem = {
    contextProb: [1],
    logging: [[0.6, 0.3, 0.1]],
    target: [[0.1, 0.3, 0.6]],
    reward: [[0.5, 0, 1]],
  };
  const members: Record<string, Estimator> = {
    ips,
    snips,
    'clippedIps(2)': clippedIps(2),
    'weightedIps(implicitExploration(0.2))': weightedIps(implicitExploration(0.2)),
    'weightedIps(exponentialWeight(0.5))': weightedIps(exponentialWeight(0.5)),
    'logSmoothing(0.2)': logSmoothing(0.2),
    'additiveBaseline(beta*)': additiveBaseline(optimalBaseline(problem).beta),
    'betaStar, two folds': betaStar({ foldOf: Int32Array.of(0, 1, 0, 1, 0, 1), folds: 2 }),
  };
  const page = readFileSync(resolve(import.meta.dirname, '../../docs/math/family.md'), 'utf8');
  for (const [name, estimator] of Object.entries(members)) {
    const { bias, variance, meanSquaredError } = exactMoments(estimator, problem, { rounds: 6 });
    const [b, v, e] = [bias, variance, meanSquaredError].map((x) => x.toFixed(3).replace(/^-(0\.0+)$/, '$1'));
    expect(page).toContain(`| \`${name}\` | ${b} | ${v} | ${e} |`);
  }
});
// #endregion example

/** A reward less the largest reward of the log: looks at all rounds, and does not say so. */
const unmarked: Estimator = (input) => decomposedIps({ ...input, reward: sub(input.reward, max(input.reward)) });

test.prop([finiteProblem({ responses: 2, contexts: 2 })])(
  'an estimator that looks across rounds without saying so is found out, and evaluated on every log',
  (problem) => {
    for (const rounds of [1, 2])
      expectClose(expectation(unmarked, problem, { rounds }), expectation(acrossRounds(unmarked), problem, { rounds }));
  },
);

test('Pareto smoothing does not see the enumeration as one log', () => {
  // 81 possible rounds, enough for a tail were they a log; a log of one round has none
  const logging = [Array.from({ length: 81 }, () => 1 / 81)];
  const mass = Array.from({ length: 81 }, (_, y) => 1.2 ** y);
  const total = mass.reduce((a, b) => a + b, 0);
  const problem = { contextProb: [1], logging, target: [mass.map((m) => m / total)], reward: [mass.map((_, y) => y)] };
  expectClose(exactMoments(paretoSmoothedIps, problem).mean, exactValue(problem));
  expectClose(exactMoments((input) => paretoSmoothedIps(input), problem).mean, exactValue(problem));
});

test('what is too large, undefined or of the wrong size is refused', () => {
  const problem = { contextProb: [1], logging: [[0.5, 0.5]], target: [[0, 1]], reward: [[1, 0]] };
  const cross = betaStar({ foldOf: Int32Array.from({ length: 17 }, (_, i) => i % 2), folds: 2 });
  expect(() => exactMoments(cross, problem, { rounds: 17 })).toThrow(/131072 logs.*at most 100000 logs/);
  expect(() => exactMoments(decomposedIps, problem, { rounds: 30 })).toThrow(/at most 3000000 responses/);
  expect(() => exactMoments(acrossRounds(snips), problem)).toThrow(/NaN on a log of probability 0.5/);
  expect(() => exactMoments(decomposedIps, problem, { rounds: 0 })).toThrow(/rounds/);
  expect(() => exactMoments(decomposedIps, problem, { slate: 2, slateWeights: [1] })).toThrow(/slateWeights.length/);
});

test('an estimator across rounds that lost its mark in a wrapper is still called on every log', () => {
  const problem = { contextProb: [1], logging: [[0.5, 0.5]], target: [[0.25, 0.75]], reward: [[1, 0]] };
  const marked = betaStar({ foldOf: Int32Array.of(0, 1, 0), folds: 2 });
  const found = exactMoments((input) => marked(input), problem, { rounds: 3 });
  expect(found).toEqual(exactMoments(marked, problem, { rounds: 3 }));
});
