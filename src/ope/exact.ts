import { tensor } from '../backend/index.js';
import { scope } from '../tensor/index.js';
import { PopeError } from '../util/index.js';
import type { Estimator, EstimatorInput } from './estimator.js';
import { assertProblem, type FiniteProblem } from './finite-problem.js';

export interface ExactOptions {
  /** N, rounds of a log; default 1. */
  readonly rounds?: number;
  /** n, responses of a slate; default 1. */
  readonly slate?: number;
  /** w_j, length n; default 1/n. */
  readonly slateWeights?: readonly number[];
  /** R(S): the reward of a whole slate, for estimators that weigh slates. */
  readonly slateReward?: (context: number, slate: readonly number[]) => number;
  /** R_j that looks at the whole slate (not local, T1b); default the problem's reward. */
  readonly responseReward?: (context: number, slate: readonly number[], position: number) => number;
}

/** Mean and variance of an estimator over every possible log of a finite problem, and the probability of all logs together. */
export interface ExactMoments {
  readonly mean: number;
  readonly variance: number;
}

const enumerationLimit = 3_000_000;

/**
 * Bias and variance without luck: sums the estimate over every log of N rounds and n responses, (X K^n)^N of them,
 * weighted by its probability under the logging policy. Logs of probability 0 are left out.
 * @throws PopeError where there are more than 3 million responses to enumerate, or an estimate is undefined.
 */
export function exactMoments(estimator: Estimator, problem: FiniteProblem, options: ExactOptions = {}): ExactMoments {
  const { rounds = 1, slate = 1 } = options;
  assertProblem(problem);
  const single = singleRounds(problem, slate);
  const logs = single.length ** rounds;
  if (logs * rounds * slate > enumerationLimit) {
    throw new PopeError(
      `the problem has ${logs} logs of ${rounds * slate} responses; expected at most ${enumerationLimit} responses in all.`,
      {
        argument: 'problem',
      },
    );
  }
  return scope(() => {
    const terms = estimator(enumeratedInput(problem, single, options));
    const numerator = terms.numerator.dataSync();
    const denominator = terms.denominator?.dataSync();
    const baseline = terms.baseline?.dataSync();
    let mean = 0;
    let square = 0;
    for (let log = 0; log < logs; log++) {
      let probability = 1;
      let a = 0;
      let b = 0;
      let c = 0;
      for (let r = 0, rest = log; r < rounds; r++) {
        const s = rest % single.length;
        rest = Math.floor(rest / single.length);
        probability *= single[s].probability;
        a += numerator[s];
        b += denominator?.[s] ?? 1;
        c += baseline?.[s] ?? 0;
      }
      const value = a / b + c / rounds;
      if (!Number.isFinite(value)) {
        throw new PopeError(
          `the estimator gave ${value} on a log of probability ${probability}; expected a finite estimate on every log.`,
          {
            argument: 'estimator',
          },
        );
      }
      mean += probability * value;
      square += probability * value * value;
    }
    return { mean, variance: Math.max(0, square - mean * mean) };
  });
}

/** The exact expectation of an estimator; see `exactMoments`. */
export const expectation = (estimator: Estimator, problem: FiniteProblem, options?: ExactOptions): number =>
  exactMoments(estimator, problem, options).mean;

interface SingleRound {
  readonly context: number;
  readonly slate: readonly number[];
  readonly probability: number;
}

/** Every (context, slate) of positive probability. */
function singleRounds(problem: FiniteProblem, n: number): SingleRound[] {
  const all: SingleRound[] = [];
  const k = problem.logging[0].length;
  problem.contextProb.forEach((px, context) => {
    for (let code = 0; code < k ** n; code++) {
      const slate = Array.from({ length: n }, (_, j) => Math.floor(code / k ** j) % k);
      const probability = slate.reduce((p, y) => p * problem.logging[context][y], px);
      if (probability > 0) all.push({ context, slate, probability });
    }
  });
  return all;
}

/** One round for each (context, slate): the estimator's own code computes their terms in one call. */
function enumeratedInput(
  problem: FiniteProblem,
  single: readonly SingleRound[],
  options: ExactOptions,
): EstimatorInput {
  const n = options.slate ?? 1;
  const weights = options.slateWeights ?? new Array<number>(n).fill(1 / n);
  const column = (f: (round: SingleRound, response: number, position: number) => number) =>
    tensor(Float64Array.from(single.flatMap((round) => round.slate.map((y, j) => f(round, y, j)))));
  const perRound = (f: (round: SingleRound) => number) => tensor(Float64Array.from(single, f));
  const { predicted } = problem;
  const { slateReward, responseReward } = options;
  return {
    rounds: single.length,
    logRatio: column(({ context }, y) => Math.log(problem.target[context][y]) - Math.log(problem.logging[context][y])),
    reward: column(({ context, slate }, y, j) => responseReward?.(context, slate, j) ?? problem.reward[context][y]),
    slateWeight: column((_, __, j) => weights[j]),
    roundOf: tensor(Int32Array.from(single.flatMap((round, i) => round.slate.map(() => i)))),
    ...(slateReward && { slateReward: perRound(({ context, slate }) => slateReward(context, slate)) }),
    ...(predicted && {
      predictedReward: column(({ context }, y) => predicted[context][y]),
      predictedValue: perRound(({ context }) =>
        predicted[context].reduce((sum, q, y) => sum + problem.target[context][y] * q, 0),
      ),
    }),
  };
}
