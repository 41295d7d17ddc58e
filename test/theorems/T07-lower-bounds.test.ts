import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { grad, valueAndGrad } from '../../src/autograd/index.js';
import { tensor } from '../../src/backend/index.js';
import { exactValue, type FiniteProblem, type Policy } from '../../src/ope/index.js';
import { exp, mul, neg, sub, sum } from '../../src/ops/index.js';
import {
  anchoredLowerBound,
  entropyLowerBound,
  klEstimate,
  policyGradient,
  tangentBound,
  valueLowerBound,
} from '../../src/pope/index.js';
import { scope, type Tensor } from '../../src/tensor/index.js';
import { anySlate, finiteProblem } from '../arbitraries/finite-problem.js';
import { expectAllClose, expectAtLeast, expectClose } from './close.js';
import { boundInputOf, logitsOf, regularizedValue, softmaxRows, tableOf, valueGradient } from './enumerate.js';

type Table = readonly (readonly number[])[];
const positive = { targetZeros: false, reward: 'nonnegative' } as const;
const taus = fc.constantFrom(0, 0.25, 1, 3);
/** A third policy, the anchor pi_k, drawn as the target of another problem and cut to the same size. */
const anchors = finiteProblem({ contexts: 3, responses: 4, targetZeros: false }).map(({ target }) => target);
const sized = (table: Table, like: Table): Table =>
  like.map((row, x) => {
    const cut = table[x].slice(0, row.length);
    const total = cut.reduce((a, b) => a + b, 0);
    return cut.map((p) => p / total);
  });

/** sum_x p(x) sum_y pi f(log pi), with tensors, over a policy that is finite. */
function exactMean(problem: FiniteProblem, policy: Policy, f: (logProb: Tensor, x: number) => Tensor): Tensor {
  const rows = policy.distribution!(problem.logging.map((_, x) => `x${x}`));
  return rows.map((row, x) => mul(sum(mul(exp(row), f(row, x))), problem.contextProb[x])).reduce((a, b) => sum2(a, b));
}
const sum2 = (a: Tensor, b: Tensor): Tensor => sub(a, neg(b));
const entropy = (problem: FiniteProblem, policy: Policy): Tensor => exactMean(problem, policy, (l) => neg(l));
const klTo = (problem: FiniteProblem, policy: Policy, reference: Table): Tensor =>
  exactMean(problem, policy, (l, x) => sub(l, tensor(Float64Array.from(reference[x], Math.log))));

/** Value and gradient in the logits of something that a bound gives for a policy. */
const at = (
  problem: FiniteProblem,
  policy: Table,
  f: (bound: Policy) => Tensor,
): { value: number; gradient: number[] } =>
  scope(() => {
    const { value, gradient } = valueAndGrad((logits: Tensor) => f(tableOf(problem).bind({ logits })))(
      logitsOf(policy),
    );
    return { value: value.item(), gradient: [...gradient.dataSync()] };
  });

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
  'T7: clipped weights stay below where pi is at least pi_k / e',
  (problem, table, w, clip) => {
    const anchor = sized(table, problem.target);
    fc.pre(problem.target.every((row, x) => row.every((p, y) => 1 + Math.log(p / anchor[x][y]) >= 0)));
    const { value } = at(problem, problem.target, (policy) => {
      const input = boundInputOf(problem, w, policy, anchor);
      return tangentBound(input.utility, input, { clip: clip / 2 });
    });
    expectAtLeast(exactValue(problem), value);
  },
);

test.prop([finiteProblem(positive), anchors, taus, anySlate(2)])(
  "T8: V >= L'_k >= L_k for nonnegative utilities",
  (problem, table, tau, w) => {
    const anchor = sized(table, problem.target);
    const value = regularizedValue(problem, problem.target, tau);
    const between = at(problem, problem.target, (policy) =>
      entropyLowerBound(boundInputOf(problem, w, policy, anchor), tau, entropy(problem, policy)),
    ).value;
    const lowest = at(problem, problem.target, (policy) =>
      valueLowerBound(boundInputOf(problem, w, policy, anchor), tau, klTo(problem, policy, anchor)),
    ).value;
    expectAtLeast(value, between, 10);
    expectAtLeast(between, lowest, 10);
  },
);

test.prop([finiteProblem({ targetZeros: false }), taus, anySlate(2), fc.integer({ min: -12, max: 0 })])(
  'T8: all bounds are tight at pi_k with the gradient of V',
  (problem, tau, w, quarters) => {
    const options = { rewardFloor: quarters / 4 };
    const own = problem.target;
    const forms: [(policy: Policy) => Tensor, Table | undefined][] = [
      [(p) => valueLowerBound(boundInputOf(problem, w, p, own), tau, klTo(problem, p, own), options), undefined],
      [
        (p) =>
          valueLowerBound(
            boundInputOf(problem, w, p, own),
            tau,
            klEstimate(boundInputOf(problem, w, p, own), boundInputOf(problem, w, p, own).anchorLogProb),
            options,
          ),
        undefined,
      ],
      [(p) => entropyLowerBound(boundInputOf(problem, w, p, own), tau, entropy(problem, p), options), undefined],
      [
        (p) => anchoredLowerBound(boundInputOf(problem, w, p, own), tau, klTo(problem, p, problem.logging), options),
        problem.logging,
      ],
    ];
    for (const [bound, reference] of forms) {
      const { value, gradient } = at(problem, own, bound);
      expectClose(value, regularizedValue(problem, own, tau, reference), 10);
      expectAllClose(gradient, valueGradient(problem, own, tau, reference), 10);
    }
  },
);

test.prop([finiteProblem(positive), anchors, anySlate(2)])(
  'T8: the estimate of KL(pi||q) from the log is unbiased under full support',
  (problem, table, w) => {
    const anchor = sized(table, problem.target);
    for (const reference of [anchor, problem.logging]) {
      const { value, gradient } = at(problem, problem.target, (policy) => {
        const input = boundInputOf(problem, w, policy, reference);
        return klEstimate(input, input.anchorLogProb);
      });
      const exact = at(problem, problem.target, (policy) => klTo(problem, policy, reference));
      expectClose(value, exact.value);
      expectAllClose(gradient, exact.gradient);
    }
  },
);

test.prop([finiteProblem({ ...positive, contexts: 2 }), fc.constantFrom(0.25, 1)], { numRuns: 15 })(
  'T8: raising the bound step by step never lowers the value',
  (problem, tau) => {
    let logits = logitsOf(problem.logging);
    const contexts = problem.contextProb.length;
    const trueValue = (l: Tensor) => regularizedValue(problem, softmaxRows(l.dataSync(), contexts), tau);
    const first = trueValue(logits);
    let value = first;
    for (let step = 0; step < 6; step++) {
      const anchor = softmaxRows(logits.dataSync(), contexts);
      const both = valueAndGrad((l: Tensor) => {
        const policy = tableOf(problem).bind({ logits: l });
        return valueLowerBound(boundInputOf(problem, [1], policy, anchor), tau, klTo(problem, policy, anchor));
      });
      for (let inner = 0, rate = 2; inner < 3; inner++) {
        const here = both(logits);
        let next = sum2(logits, mul(here.gradient, rate));
        // shorten until the bound itself does not fall
        while (both(next).value.item() < here.value.item()) next = sum2(logits, mul(here.gradient, (rate /= 2)));
        logits = next;
      }
      const now = trueValue(logits);
      expectAtLeast(now, value, 10);
      value = now;
    }
    expectAtLeast(value, first, 10);
  },
);

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
      const utility = reference === undefined ? input.utility : sum2(input.utility, mul(input.logPropensity, tau));
      return policyGradient({ ...input, utility }, tau);
    });
    let logits = logitsOf(problem.logging);
    for (let step = 0; step < 300; step++) logits = scope(() => sum2(logits, mul(ascent(logits), 6)));
    const reached = softmaxRows(logits.dataSync(), 2);
    expectClose(regularizedValue(problem, reached, tau, reference), optimalValue(problem, tau, reference));
    expectAllClose(reached.flat(), optimum(problem, tau, reference).flat(), 1, 1e-6);
  }
});
