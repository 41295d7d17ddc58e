import { fc, test } from '@fast-check/vitest';
import { valueAndGrad } from '../../src/autograd/index.js';
import { tensor } from '../../src/backend/index.js';
import { type Policy, slateSum } from '../../src/ope/index.js';
import { add, exp, mean, mul, sub } from '../../src/ops/index.js';
import { anchoredLowerBound, entropyLowerBound, klEstimate, valueLowerBound } from '../../src/pope/index.js';
import type { Tensor } from '../../src/tensor/index.js';
import { anySlate, finiteProblem } from '../arbitraries/finite-problem.js';
import { sampleLogs } from '../arbitraries/sample-log.js';
import { anchors, at, entropy, klTo, positive, sized, type Table, taus } from './bounds.js';
import { expectAllClose, expectAtLeast, expectClose } from './close.js';
import { boundInputOf, logitsOf, regularizedValue, softmaxRows, tableOf, valueGradient } from './enumerate.js';

// #region T8
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
// #endregion T8

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

test.prop([
  sampleLogs({ zeros: false }),
  fc.array(fc.integer({ min: -8, max: 8 }), { minLength: 24, maxLength: 24 }),
  taus,
])(
  'T8: on any log the bound exceeds the estimate by no more than tau times the fall of the mean weight',
  (log, steps, tau) => {
    const rows = log.flatMap(({ responses }, i) => responses.map((response) => ({ ...response, i })));
    const column = (f: (row: (typeof rows)[number], m: number) => number) => tensor(Float64Array.from(rows, f));
    const input = {
      logProb: column((_, m) => -3 + steps[m] / 4),
      anchorLogProb: column(() => -3),
      logPropensity: column(({ logRatio }) => -3 - logRatio / 2),
      utility: column(({ reward }) => Math.abs(reward)),
      slateWeight: column(({ slateWeight }) => slateWeight),
      roundOf: tensor(Int32Array.from(rows, ({ i }) => i)),
      rounds: log.length,
    };
    const [rho, anchor] = [input.logProb, input.anchorLogProb].map((l) => exp(sub(l, input.logPropensity)));
    const meanOf = (x: Tensor) => mean(slateSum(x, input)).item();
    const estimate = meanOf(mul(rho, sub(input.utility, mul(input.logProb, tau))));
    const bound = valueLowerBound(input, tau, klEstimate(input, input.anchorLogProb)).item();
    expectAtLeast(estimate, bound - tau * (meanOf(rho) - meanOf(anchor)), meanOf(mul(rho, 10)) + meanOf(anchor));
    // the gap in full, response by response
    const r = (m: number) => Math.exp(steps[m] / 4);
    const gap = rows.map(({ reward }, m) => {
      const convex = r(m) - 1 - steps[m] / 4;
      return Math.abs(reward) * convex + tau * (3 * convex - (r(m) - 1));
    });
    expectClose(
      estimate - bound,
      meanOf(
        mul(
          anchor,
          column((_, m) => gap[m]),
        ),
      ),
      10 * meanOf(rho) + 10 * meanOf(anchor),
    );
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
        let next = add(logits, mul(here.gradient, rate));
        // shorten until the bound itself does not fall
        while (both(next).value.item() < here.value.item()) next = add(logits, mul(here.gradient, (rate /= 2)));
        logits = next;
      }
      const now = trueValue(logits);
      expectAtLeast(now, value, 10);
      value = now;
    }
    expectAtLeast(value, first, 10);
  },
);
