import { fc, test } from '@fast-check/vitest';
import { grad } from '../../src/autograd/index.js';
import type { FiniteProblem } from '../../src/ope/index.js';
import { add, mul } from '../../src/ops/index.js';
import { policyGradient } from '../../src/pope/index.js';
import { scope, type Tensor } from '../../src/tensor/index.js';
import { finiteProblem } from '../arbitraries/finite-problem.js';
import type { Table } from './bounds.js';
import { expectAllClose, expectAtLeast, expectClose } from './close.js';
import { boundInputOf, logitsOf, regularizedValue, softmaxRows, tableOf, valueGradient } from './enumerate.js';

/** tau log sum exp(u/tau) over the responses, or tau log E_reference exp(u/tau), in the mean over contexts. */
const optimalValue = ({ contextProb, reward }: FiniteProblem, tau: number, reference?: Table): number =>
  contextProb.reduce(
    (total, px, x) =>
      total + px * tau * Math.log(reward[x].reduce((s, u, y) => s + (reference?.[x][y] ?? 1) * Math.exp(u / tau), 0)),
    0,
  );

const optimum = ({ reward }: FiniteProblem, tau: number, reference?: Table): number[][] =>
  reward.map((row, x) => {
    const mass = row.map((u, y) => (reference?.[x][y] ?? 1) * Math.exp(u / tau));
    const total = mass.reduce((a, b) => a + b, 0);
    return mass.map((m) => m / total);
  });

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
