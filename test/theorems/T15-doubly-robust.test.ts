import { fc, test } from '@fast-check/vitest';
import {
  additiveBaseline,
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

// #region T15
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
// #endregion T15

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

/** The additive baseline (T16) is the doubly robust form with a constant model. */
test.prop([finiteProblem(), anySlate(2), fc.integer({ min: -12, max: 12 })])(
  'T15: a constant model is the additive control variate of T16, in mean and variance',
  (problem, w, q) => {
    const constant = { ...problem, predicted: problem.predicted.map((row) => row.map(() => q / 4)) };
    const [robust, baseline] = [
      exactMoments(doublyRobust, constant, slateOf(w)),
      exactMoments(additiveBaseline(q / 4), problem, slateOf(w)),
    ];
    expectClose(robust.mean, baseline.mean, 10);
    expectClose(robust.variance, baseline.variance, 100 + baseline.variance);
  },
);
