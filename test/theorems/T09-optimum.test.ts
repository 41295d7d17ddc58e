import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { grad } from '../../src/autograd/index.js';
import type { FiniteProblem } from '../../src/ope/index.js';
import { add, mul } from '../../src/ops/index.js';
import { optimalPolicy, policyGradient } from '../../src/pope/index.js';
import { scope, type Tensor } from '../../src/tensor/index.js';
import { finiteProblem } from '../arbitraries/finite-problem.js';
import type { Table } from './bounds.js';
import { expectAllClose, expectAtLeast, expectClose } from './close.js';
import { boundInputOf, logitsOf, regularizedValue, softmaxRows, tableOf, valueGradient } from './enumerate.js';

const optima = ({ reward }: FiniteProblem, tau: number, reference?: Table) =>
  reward.map((row, x) => optimalPolicy(row, tau, reference?.[x]));

const optimum = (problem: FiniteProblem, tau: number, reference?: Table): number[][] =>
  optima(problem, tau, reference).map(({ policy }) => [...policy]);

/** In the mean over contexts. */
const optimalValue = (problem: FiniteProblem, tau: number, reference?: Table): number =>
  optima(problem, tau, reference).reduce((total, { value }, x) => total + problem.contextProb[x] * value, 0);

// #region T9
test.prop([finiteProblem({ targetZeros: false }), fc.constantFrom(0.25, 1, 3)])(
  'T9: exp(u/tau)/Z and pi0 exp(u/tau)/Z are the optima, with V* = tau log Z',
  (problem, tau) => {
    for (const reference of [undefined, problem.logging]) {
      const best = optimum(problem, tau, reference);
      const top = optimalValue(problem, tau, reference);
      expectClose(regularizedValue(problem, best, tau, reference), top, 10);
      expectAllClose(
        valueGradient(problem, best, tau, reference),
        best.flat().map(() => 0),
        10,
      );
      expectAtLeast(top, regularizedValue(problem, problem.target, tau, reference), 10);
    }
  },
);
// #endregion T9

test('T9: gradient ascent on the log reaches both optima', () => {
  const problem = {
    contextProb: [0.4, 0.6],
    logging: [
      [0.2, 0.3, 0.5],
      [0.6, 0.3, 0.1],
    ],
    target: [
      [0.2, 0.3, 0.5],
      [0.6, 0.3, 0.1],
    ],
    reward: [
      [1, 0, 0.5],
      [0, 1, 1],
    ],
  };
  const tau = 0.8;
  for (const reference of [undefined, problem.logging]) {
    const ascent = grad((logits: Tensor) => {
      const input = boundInputOf(problem, [1], tableOf(problem).bind({ logits }), problem.logging);
      // the anchored reward is the surprisal one with tau log pi0 added to the utility
      const utility = reference === undefined ? input.utility : add(input.utility, mul(input.logPropensity, tau));
      return policyGradient({ ...input, utility }, tau);
    });
    let logits = logitsOf(problem.logging);
    for (let step = 0; step < 300; step++) logits = scope(() => add(logits, mul(ascent(logits), 6)));
    const reached = softmaxRows(logits.dataSync(), 2);
    expectClose(regularizedValue(problem, reached, tau, reference), optimalValue(problem, tau, reference));
    expectAllClose(reached.flat(), optimum(problem, tau, reference).flat(), 1, 1e-6);
  }
});

test('T9: worked: two responses, u = (1, 0), tau = 1 and pi0 = (1/4, 3/4)', () => {
  const { E } = Math;
  const free = optimalPolicy([1, 0], 1);
  expectAllClose(free.policy, [E / (E + 1), 1 / (E + 1)]);
  expectClose(free.value, Math.log(E + 1));
  const anchored = optimalPolicy([1, 0], 1, [0.25, 0.75]);
  expectAllClose(anchored.policy, [E / (E + 3), 3 / (E + 3)]);
  expectClose(anchored.value, Math.log((E + 3) / 4));
});

test('T9: small tau is the best response, in the support of the anchor alone, and nothing overflows', () => {
  expect(optimalPolicy([5, 1, 5], 1e-6).policy).toEqual([0.5, 0, 0.5]);
  expect(optimalPolicy([5, 1, 2], 1e-6, [0, 0.5, 0.5])).toEqual({
    policy: [0, 0, 1],
    value: expect.closeTo(2 + 1e-6 * Math.log(0.5), 12) as number,
  });
  expect(optimalPolicy([-1e6, 1e6], 1).value).toBe(1e6);
  expect(optimalPolicy([1e300, 0], 1e-10)).toEqual({ policy: [1, 0], value: 1e300 });
  expect(() => optimalPolicy([1, Number.NaN], 1)).toThrow(/^utility\[1\] is NaN/);
  expect(() => optimalPolicy([1, 2], 0)).toThrow(/^tau is 0/);
  expect(() => optimalPolicy([1, 2], 1, [1, 1])).toThrow(/^anchor is/);
  expect(() => optimalPolicy([], 1)).toThrow(/^utility is/);
});
