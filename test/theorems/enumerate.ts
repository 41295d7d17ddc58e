import { tensor } from '../../src/backend/index.js';
import {
  type Estimator,
  type EstimatorInput,
  type FiniteProblem,
  type Policy,
  tabularPolicy,
} from '../../src/ope/index.js';
import type { BoundInput } from '../../src/pope/index.js';
import { scope, type Tensor } from '../../src/tensor/index.js';

/** Every (context, slate) of positive probability under the logging policy; the tests' own enumeration. */
export interface EnumeratedRound {
  readonly context: number;
  readonly slate: readonly number[];
  readonly probability: number;
}

export function everyRound({ contextProb, logging }: FiniteProblem, n: number): EnumeratedRound[] {
  const slates = (length: number): number[][] =>
    length === 0 ? [[]] : slates(length - 1).flatMap((head) => logging[0].map((_, y) => [...head, y]));
  return contextProb
    .flatMap((px, context) =>
      slates(n).map((slate) => ({
        context,
        slate,
        probability: slate.reduce((p, y) => p * logging[context][y], px),
      })),
    )
    .filter(({ probability }) => probability > 0);
}

const numbers = (values: readonly number[]): Tensor => tensor(Float64Array.from(values));

/** The expectation of an estimator whose propensities may be wrong: `assumed` in the place of the problem's logging. */
export function expectationWith(
  use: Estimator,
  problem: Required<FiniteProblem>,
  assumed: readonly (readonly number[])[],
  w: readonly number[],
): number {
  const all = everyRound(problem, w.length);
  const column = (f: (x: number, y: number, j: number) => number) =>
    numbers(all.flatMap(({ context, slate }) => slate.map((y, j) => f(context, y, j))));
  const { target, reward, predicted } = problem;
  return scope(() => {
    const input: EstimatorInput = {
      rounds: all.length,
      logRatio: column((x, y) => Math.log(target[x][y]) - Math.log(assumed[x][y])),
      reward: column((x, y) => reward[x][y]),
      slateWeight: column((_x, _y, j) => w[j]),
      roundOf: tensor(Int32Array.from(all.flatMap(({ slate }, i) => slate.map(() => i)))),
      predictedReward: column((x, y) => predicted[x][y]),
      predictedValue: numbers(
        all.map(({ context }) => predicted[context].reduce((sum, q, y) => sum + q * target[context][y], 0)),
      ),
    };
    const { numerator, denominator, baseline } = use(input);
    if (denominator !== null) throw new Error('expectationWith is for plain means');
    const [a, c] = [numerator.dataSync(), baseline?.dataSync()];
    return all.reduce((sum, { probability }, i) => sum + probability * (a[i] + (c?.[i] ?? 0)), 0);
  });
}

/**
 * The bounds' input over every single round of a problem, weighted so that a mean over rounds is the expectation under
 * the logging policy: the slate weights carry the probabilities.
 */
export function boundInputOf(
  problem: FiniteProblem,
  w: readonly number[],
  policy: Policy,
  anchor: readonly (readonly number[])[],
): BoundInput {
  const all = everyRound(problem, w.length);
  const rows = all.flatMap(({ context, slate, probability }, i) =>
    slate.map((y, j) => ({ x: context, y, i, weight: w[j] * probability * all.length })),
  );
  return {
    logProb: policy.logProb(
      rows.map(({ x }) => `x${x}`),
      rows.map(({ y }) => `y${y}`),
    ),
    anchorLogProb: numbers(rows.map(({ x, y }) => Math.log(anchor[x][y]))),
    logPropensity: numbers(rows.map(({ x, y }) => Math.log(problem.logging[x][y]))),
    utility: numbers(rows.map(({ x, y }) => problem.reward[x][y])),
    slateWeight: numbers(rows.map(({ weight }) => weight)),
    roundOf: tensor(Int32Array.from(rows, ({ i }) => i)),
    rounds: all.length,
  };
}

/** The softmax table over the responses y0, y1 ... of the contexts x0, x1 ... of a problem. */
export const tableOf = ({ logging }: FiniteProblem) =>
  tabularPolicy(
    logging.map((_, x) => `x${x}`),
    logging[0].map((_, y) => `y${y}`),
  );

/** Logits of a table of probabilities, all above 0. */
export const logitsOf = (policy: readonly (readonly number[])[]): Tensor =>
  tensor(Float64Array.from(policy.flat(), Math.log), { shape: [policy.length, policy[0].length] });

/** The probabilities of a table of logits, in plain numbers. */
export function softmaxRows(logits: ArrayLike<number>, contexts: number): number[][] {
  const k = logits.length / contexts;
  return Array.from({ length: contexts }, (_, x) => {
    const row = Array.from({ length: k }, (_, y) => logits[x * k + y]);
    const top = Math.max(...row);
    const mass = row.map((l) => Math.exp(l - top));
    const total = mass.reduce((a, b) => a + b, 0);
    return mass.map((m) => m / total);
  });
}

/** E_x E_{y ~ pi} [R - tau log(pi/reference)], reference 1 for the surprisal. */
export function regularizedValue(
  problem: FiniteProblem,
  policy: readonly (readonly number[])[],
  tau: number,
  reference?: readonly (readonly number[])[],
): number {
  let value = 0;
  problem.contextProb.forEach((px, x) => {
    policy[x].forEach((p, y) => {
      if (p > 0) value += px * p * (problem.reward[x][y] - tau * (Math.log(p) - Math.log(reference?.[x][y] ?? 1)));
    });
  });
  return value;
}

/** Its gradient in the logits of a softmax table, in closed form: p(x) pi(y) (A(y) - sum pi A), A = R - tau log(pi/reference). */
export function valueGradient(
  problem: FiniteProblem,
  policy: readonly (readonly number[])[],
  tau: number,
  reference?: readonly (readonly number[])[],
): number[] {
  return problem.contextProb.flatMap((px, x) => {
    const advantage = policy[x].map(
      (p, y) => problem.reward[x][y] - tau * (Math.log(p) - Math.log(reference?.[x][y] ?? 1)),
    );
    const mean = policy[x].reduce((sum, p, y) => sum + p * advantage[y], 0);
    return policy[x].map((p, y) => px * p * (advantage[y] - mean));
  });
}
