import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { decomposedIps, exactMoments, expectation, jointIps } from '../../src/ope/index.js';
import { decompositionGap, weightMoments } from '../../src/pope/index.js';
import { anySlate, finiteProblem } from '../arbitraries/finite-problem.js';
import { expectAtLeast, expectClose } from './close.js';

const full = finiteProblem({ contexts: 1 });
const momentsOf = (problem: {
  logging: readonly (readonly number[])[];
  target: readonly (readonly number[])[];
  reward: readonly (readonly number[])[];
}) => weightMoments(problem.logging[0], problem.target[0], problem.reward[0]);
const equal = (n: number) => new Array<number>(n).fill(1 / n);

// #region T6
test.prop([fc.oneof(full, finiteProblem({ contexts: 1, support: 'deficient' })), anySlate(3)])(
  'T6: the gap between the second moments of joint and decomposed estimator is exact for every n and w',
  (problem, w) => {
    const options = { slate: w.length, slateWeights: w };
    const [joint, decomposed] = [jointIps, decomposedIps].map((use) => exactMoments(use, problem, options));
    const second = ({ mean, variance }: { mean: number; variance: number }) => variance + mean * mean;
    expectClose(
      decompositionGap(momentsOf(problem), w),
      second(joint) - second(decomposed),
      second(joint) + second(decomposed),
    );
  },
);

test.prop([full, anySlate(3)])(
  'T6: with full support, where both are unbiased, it is the gap between the variances',
  (problem, w) => {
    const options = { slate: w.length, slateWeights: w };
    const [joint, decomposed] = [jointIps, decomposedIps].map((use) => exactMoments(use, problem, options).variance);
    expectClose(decompositionGap(momentsOf(problem), w), joint - decomposed, 1 + joint + decomposed);
  },
);

test.prop([full, anySlate(4)])(
  'T6: with full support the decomposed estimator is no worse where |b| >= |v|',
  (problem, w) => {
    const m = momentsOf(problem);
    fc.pre(Math.abs(m.b) >= Math.abs(m.v));
    expectAtLeast(decompositionGap(m, w), 0, m.c);
  },
);

test.prop([fc.oneof(full, finiteProblem({ contexts: 1, support: 'deficient' })), fc.integer({ min: 1, max: 4 })])(
  'T6: with equal weights it is no worse where a^(n-1) >= n',
  (problem, n) => {
    const m = momentsOf(problem);
    fc.pre(m.a ** (n - 1) >= n);
    expectAtLeast(decompositionGap(m, equal(n)), 0, m.c);
  },
);

test('T6: not always: the named counter-example, 0.03125 against 0.0234375', () => {
  const problem = { contextProb: [1], logging: [[0.5, 0.5]], target: [[0.25, 0.75]], reward: [[1, 0]] };
  expectClose(exactMoments(decomposedIps, problem, { slate: 2 }).variance, 0.03125);
  expectClose(exactMoments(jointIps, problem, { slate: 2 }).variance, 0.0234375);
  expectClose(decompositionGap(momentsOf(problem), equal(2)), 0.0234375 - 0.03125);
});
// #endregion T6

test('T6: |b| >= |v| is not enough where the log does not cover the target', () => {
  // a = 0.911 < 1: the joint weight shrinks a second moment that the decomposed estimator keeps
  const problem = { contextProb: [1], logging: [[0.1, 0.9, 0]], target: [[0.3, 0.1, 0.6]], reward: [[1, 0, 0]] };
  const m = momentsOf(problem);
  expect(m.a).toBeLessThan(1);
  expect(Math.abs(m.b)).toBeGreaterThan(Math.abs(m.v));
  expect(decompositionGap(m, [0.99, 0.01])).toBeLessThan(-0.05);
});

test('T6: weights that are no distribution are refused', () => {
  const m = { a: 1, b: 1, c: 1, v: 1 };
  for (const w of [[], [0.5, 0.4], [1.5, -0.5], [Number.NaN]])
    expect(() => decompositionGap(m, w)).toThrow(/slateWeights/);
});

// #region T18
test.prop([full, anySlate(3)])('T18: the mean weight expects 1 under full support', (problem, w) => {
  const ones = { ...problem, reward: problem.reward.map((row) => row.map(() => 1)) };
  expectClose(expectation(decomposedIps, ones, { slate: w.length, slateWeights: w }), 1);
  expectClose(expectation(jointIps, ones, { slate: w.length, slateWeights: w }), 1);
});

test.prop([finiteProblem({ support: 'deficient' }), anySlate(3)])(
  'T18: and 1 less the target mass outside of the support without',
  (problem, w) => {
    const ones = { ...problem, reward: problem.reward.map((row) => row.map(() => 1)) };
    const outside = problem.contextProb.reduce(
      (sum, px, x) => sum + px * problem.target[x].reduce((s, p, y) => s + (problem.logging[x][y] === 0 ? p : 0), 0),
      0,
    );
    expect(outside).toBeGreaterThan(0);
    expectClose(expectation(decomposedIps, ones, { slate: w.length, slateWeights: w }), 1 - outside);
  },
);
// #endregion T18
