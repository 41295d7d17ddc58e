import { fc, test } from '@fast-check/vitest';
import {
  decomposedIps,
  directMethod,
  doublyRobust,
  exactMoments,
  exactValue,
  expectation,
  expectUnder,
  type FiniteProblem,
} from '../../src/ope/index.js';
import { anySlate, finiteProblem } from '../arbitraries/finite-problem.js';
import { expectClose } from './close.js';
import { expectationWith } from './enumerate.js';

const slateOf = (slateWeights: readonly number[]) => ({ slate: slateWeights.length, slateWeights });
/** Wrong propensities: pi0 with another distribution mixed in. */
const assumedFor = ({ logging }: FiniteProblem, quarters: number): number[][] =>
  logging.map((row) =>
    row.map((p, y) => (1 - quarters / 4) * p + ((quarters / 4) * (y + 1)) / ((row.length * (row.length + 1)) / 2)),
  );

test.prop([finiteProblem(), anySlate(3)])(
  'T15: unbiased with right propensities, whatever the model says',
  (problem, w) => {
    expectClose(expectation(doublyRobust, problem, slateOf(w)), exactValue(problem));
  },
);

test.prop([finiteProblem(), anySlate(2), fc.integer({ min: 0, max: 3 })])(
  'T15: unbiased with the right model, whatever the propensities',
  (problem, w, quarters) => {
    const right = { ...problem, predicted: problem.reward };
    expectClose(expectationWith(doublyRobust, right, assumedFor(problem, quarters), w), exactValue(problem));
  },
);

test.prop([finiteProblem(), anySlate(2), fc.integer({ min: 0, max: 3 })])(
  'T15: else the bias is E_x sum_y pi (1 - pi0/pihat0)(q - u)',
  (problem, w, quarters) => {
    const assumed = assumedFor(problem, quarters);
    const { logging, predicted, reward } = problem;
    const bias = expectUnder(
      problem,
      problem.target,
      (x, y) => (1 - logging[x][y] / assumed[x][y]) * (predicted[x][y] - reward[x][y]),
    );
    expectClose(expectationWith(doublyRobust, problem, assumed, w) - exactValue(problem), bias);
  },
);

test.prop([finiteProblem({ support: 'deficient' }), anySlate(2)])(
  'T15: with deficient support only the model speaks of what is never logged',
  (problem, w) => {
    const { logging, predicted, reward } = problem;
    const bias = expectUnder(problem, problem.target, (x, y) =>
      logging[x][y] === 0 ? predicted[x][y] - reward[x][y] : 0,
    );
    expectClose(expectation(doublyRobust, problem, slateOf(w)) - exactValue(problem), bias);
  },
);

test.prop([finiteProblem(), anySlate(2)])('T15: the direct method alone is the value of its model', (problem, w) => {
  expectClose(expectation(directMethod, problem, slateOf(w)), exactValue({ ...problem, reward: problem.predicted }));
});

test.prop([finiteProblem({ contexts: 2, responses: 2 })])(
  'T15: two rounds have the mean of one and half its variance',
  (problem) => {
    const [one, two] = [1, 2].map((rounds) => exactMoments(doublyRobust, problem, { rounds }));
    expectClose(two.mean, exactValue(problem));
    expectClose(two.variance, one.variance / 2, 10 + one.variance);
  },
);

/** The additive baseline is the doubly robust form with a constant model. */
const withConstant = (problem: Required<FiniteProblem>, beta: number) => ({
  ...problem,
  predicted: problem.predicted.map((row) => row.map(() => beta)),
});

test.prop([finiteProblem(), fc.integer({ min: -12, max: 12 })])(
  'T16: an additive control variate is unbiased for every fixed beta',
  (problem, q) => {
    expectClose(expectation(doublyRobust, withConstant(problem, q / 4)), exactValue(problem));
  },
);

test.prop([finiteProblem()])(
  'T16: beta* = Cov(rho R, rho)/Var(rho) takes beta*^2 Var(rho) off the variance',
  (problem) => {
    const rho = (x: number, y: number) => problem.target[x][y] / problem.logging[x][y];
    const under = (f: (x: number, y: number) => number) => expectUnder(problem, problem.logging, f);
    const variance = under((x, y) => rho(x, y) ** 2) - 1;
    fc.pre(variance > 1e-6);
    const covariance = under((x, y) => rho(x, y) ** 2 * problem.reward[x][y]) - exactValue(problem);
    const best = covariance / variance;
    const [plain, controlled, off] = [
      exactMoments(decomposedIps, problem).variance,
      exactMoments(doublyRobust, withConstant(problem, best)).variance,
      exactMoments(doublyRobust, withConstant(problem, best + 0.5)).variance,
    ];
    const scale = plain + best * best * (1 + variance) + 10;
    expectClose(controlled, plain - best * best * variance, scale);
    expectClose(off, controlled + 0.25 * variance, scale);
  },
);
