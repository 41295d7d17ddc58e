import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { exactValue } from '../../src/ope/index.js';
import { anchoredLowerBound, tangentBound } from '../../src/pope/index.js';
import { anySlate, finiteProblem } from '../arbitraries/finite-problem.js';
import { anchors, at, klTo, positive, sized, taus } from './bounds.js';
import { expectAllClose, expectAtLeast, expectClose } from './close.js';
import { boundInputOf, regularizedValue, valueGradient } from './enumerate.js';

// #region T7
test.prop([finiteProblem(positive), anchors, anySlate(2)])(
  'T7: the tangent bound lies below E_pi R for R >= 0',
  (problem, table, w) => {
    const anchor = sized(table, problem.target);
    const { value } = at(problem, problem.target, (policy) => {
      const input = boundInputOf(problem, w, policy, anchor);
      return tangentBound(input.utility, input);
    });
    expectAtLeast(exactValue(problem), value);
  },
);

test.prop([finiteProblem({ targetZeros: false }), anySlate(2)])(
  'T7: tight with equal gradient at the anchor, whatever the sign',
  (problem, w) => {
    const { value, gradient } = at(problem, problem.target, (policy) => {
      const input = boundInputOf(problem, w, policy, problem.target);
      return tangentBound(input.utility, input);
    });
    expectClose(value, exactValue(problem));
    expectAllClose(gradient, valueGradient(problem, problem.target, 0));
  },
);
// #endregion T7

test.prop([finiteProblem({ targetZeros: false })])(
  'T7: anchored at the log it is reward-weighted maximum likelihood',
  (problem) => {
    const { gradient } = at(problem, problem.target, (policy) => {
      const input = boundInputOf(problem, [1], policy, problem.logging);
      return tangentBound(input.utility, input);
    });
    const { contextProb, logging, reward, target } = problem;
    const likelihood = contextProb.flatMap((px, x) => {
      const total = logging[x].reduce((s, p, y) => s + p * reward[x][y], 0);
      return logging[x].map((p, y) => px * (p * reward[x][y] - total * target[x][y]));
    });
    expectAllClose(gradient, likelihood);
  },
);

test('T7: witness: it fails for rewards of the other sign', () => {
  const problem = { contextProb: [1], logging: [[0.5, 0.5]], target: [[0.9, 0.1]], reward: [[0, -1]] };
  const { value } = at(problem, problem.target, (policy) => {
    const input = boundInputOf(problem, [1], policy, problem.logging);
    return tangentBound(input.utility, input);
  });
  // -(1/2)(1 + log(0.1/0.5)) is above E_pi R = -0.1
  expectClose(value, -0.5 * (1 + Math.log(0.2)));
  expect(value).toBeGreaterThan(exactValue(problem) + 0.4);
});

test.prop([finiteProblem({ targetZeros: false }), anchors, taus])(
  'T7: a reward floor makes it hold for signed rewards',
  (problem, table, tau) => {
    const anchor = sized(table, problem.target);
    const rewardFloor = Math.min(...problem.reward.flat());
    const bound = at(problem, problem.target, (policy) =>
      anchoredLowerBound(boundInputOf(problem, [1], policy, anchor), tau, klTo(problem, policy, problem.logging), {
        rewardFloor,
      }),
    );
    expectAtLeast(regularizedValue(problem, problem.target, tau, problem.logging), bound.value);
  },
);

test.prop([finiteProblem(positive), anchors, anySlate(2), fc.integer({ min: 1, max: 8 })])(
  'T7: clipped weights stay below too, wherever pi has moved',
  (problem, table, w, clip) => {
    const anchor = sized(table, problem.target);
    const { value } = at(problem, problem.target, (policy) => {
      const input = boundInputOf(problem, w, policy, anchor);
      return tangentBound(input.utility, input, { clip: clip / 2 });
    });
    expectAtLeast(exactValue(problem), value);
  },
);
