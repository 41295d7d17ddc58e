import { tensor } from '../backend/index.js';
import type { EstimatorInput } from './estimator.js';
import type { FiniteProblem } from './finite-problem.js';

/** The slates and rewards of an enumeration. */
export interface SlateOptions {
  /** n, responses of a slate; default 1. */
  readonly slate?: number;
  /** w_j, length n; default 1/n. */
  readonly slateWeights?: readonly number[];
  /** R(S): the reward of a whole slate, for estimators that weigh slates. */
  readonly slateReward?: (context: number, slate: readonly number[]) => number;
  /** R_j that looks at the whole slate (not local, T1b); default the problem's reward. */
  readonly responseReward?: (context: number, slate: readonly number[], position: number) => number;
}

/** A context and a slate drawn for it. */
export interface SingleRound {
  readonly context: number;
  readonly slate: readonly number[];
  /** Under the policy that drew it. */
  readonly probability: number;
}

/** Every (context, slate of n) of positive probability under the policy. */
export function everySlate(
  { contextProb }: FiniteProblem,
  policy: readonly (readonly number[])[],
  n: number,
): SingleRound[] {
  const all: SingleRound[] = [];
  const k = policy[0].length;
  contextProb.forEach((px, context) => {
    for (let code = 0; code < k ** n; code++) {
      const slate = Array.from({ length: n }, (_, j) => Math.floor(code / k ** j) % k);
      const probability = slate.reduce((p, y) => p * policy[context][y], px);
      if (probability > 0) all.push({ context, slate, probability });
    }
  });
  return all;
}

export const slateWeightsOf = ({ slate = 1, slateWeights }: SlateOptions): readonly number[] =>
  slateWeights ?? new Array<number>(slate).fill(1 / slate);

/** The log that consists of the given rounds, as an estimator sees it. */
export function inputOfRounds(
  problem: FiniteProblem,
  rounds: readonly SingleRound[],
  options: SlateOptions,
): EstimatorInput {
  const weights = slateWeightsOf(options);
  const column = (f: (round: SingleRound, response: number, position: number) => number) =>
    tensor(Float64Array.from(rounds.flatMap((round) => round.slate.map((y, j) => f(round, y, j)))));
  const perRound = (f: (round: SingleRound) => number) => tensor(Float64Array.from(rounds, f));
  const { predicted } = problem;
  const { slateReward, responseReward } = options;
  return {
    rounds: rounds.length,
    logRatio: column(({ context }, y) => Math.log(problem.target[context][y]) - Math.log(problem.logging[context][y])),
    reward: column(({ context, slate }, y, j) => responseReward?.(context, slate, j) ?? problem.reward[context][y]),
    slateWeight: column((_, __, j) => weights[j]),
    roundOf: tensor(Int32Array.from(rounds.flatMap((round, i) => round.slate.map(() => i)))),
    ...(slateReward && { slateReward: perRound(({ context, slate }) => slateReward(context, slate)) }),
    ...(predicted && {
      predictedReward: column(({ context }, y) => predicted[context][y]),
      predictedValue: perRound(({ context }) =>
        predicted[context].reduce((sum, q, y) => sum + problem.target[context][y] * q, 0),
      ),
    }),
  };
}
