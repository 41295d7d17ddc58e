import { fc } from '@fast-check/vitest';
import { valueAndGrad } from '../../src/autograd/index.js';
import { tensor } from '../../src/backend/index.js';
import type { FiniteProblem, Policy } from '../../src/ope/index.js';
import { add, exp, mul, neg, sub, sum } from '../../src/ops/index.js';
import { scope, type Tensor } from '../../src/tensor/index.js';
import { finiteProblem } from '../arbitraries/finite-problem.js';
import { logitsOf, tableOf } from './enumerate.js';

export type Table = readonly (readonly number[])[];
export const positive = { targetZeros: false, reward: 'nonnegative' } as const;
export const taus = fc.constantFrom(0, 0.25, 1, 3);
/** A third policy, the anchor pi_k, drawn as the target of another problem and cut to the same size. */
export const anchors = finiteProblem({ contexts: 3, responses: 4, targetZeros: false }).map(({ target }) => target);
export const sized = (table: Table, like: Table): Table =>
  like.map((row, x) => {
    const cut = table[x].slice(0, row.length);
    const total = cut.reduce((a, b) => a + b, 0);
    return cut.map((p) => p / total);
  });

/** sum_x p(x) sum_y pi f(log pi), with tensors, over a policy that is finite. */
function exactMean(problem: FiniteProblem, policy: Policy, f: (logProb: Tensor, x: number) => Tensor): Tensor {
  const rows = policy.distribution!(problem.logging.map((_, x) => `x${x}`));
  return rows.map((row, x) => mul(sum(mul(exp(row), f(row, x))), problem.contextProb[x])).reduce((a, b) => add(a, b));
}
export const entropy = (problem: FiniteProblem, policy: Policy): Tensor => exactMean(problem, policy, (l) => neg(l));
export const klTo = (problem: FiniteProblem, policy: Policy, reference: Table): Tensor =>
  exactMean(problem, policy, (l, x) => sub(l, tensor(Float64Array.from(reference[x], Math.log))));

/** Value and gradient in the logits of something that a bound gives for a policy. */
export const at = (
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
